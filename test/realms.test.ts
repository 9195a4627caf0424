// Values of another realm (a vm context stands for a frame, or for Jest) are what they are; what only looks like them is not.
import { runInNewContext } from 'node:vm'
import { openCaches } from 'op-dbus'
import { expect, it, test } from 'vitest'
import { estimateSize } from '../src/cache/estimate-size.js'
import { fromUserEmbedder } from '../src/embedder/client/custom-embedder.js'
import { embedText } from '../src/embedder/client/embed-text.js'
import { isOpDbusError, messageOf } from '../src/errors.js'
import { checkFloats } from '../src/kernels/checks.js'
import { openKernels } from '../src/kernels.js'
import { createMasker } from '../src/patterns/masker.js'
import { isArrayBuffer, isFloat32Array, isMap, isRegExp, isSet, ownFloats, signalOf } from '../src/realms.js'
import { temporaryFolder } from './support.js'

const foreign = (code: string) => runInNewContext(code)

test.each([
  [isFloat32Array, 'new Float32Array(2)', 'new Float64Array(2)'],
  [isArrayBuffer, 'new ArrayBuffer(2)', 'new SharedArrayBuffer(2)'],
  [isMap, 'new Map()', 'new Set()'],
  [isSet, 'new Set()', 'new WeakSet()'],
  [isRegExp, '/a/', '"/a/"'],
] as const)('%o', (is, right, wrong) => {
  const made = foreign(right)
  expect(made instanceof Object).toBe(false)
  expect(is(made)).toBe(true)
  expect(is(foreign(wrong))).toBe(false)
  const tag = Object.prototype.toString.call(made).slice(8, -1)
  expect(is({ [Symbol.toStringTag]: tag })).toBe(false)
  for (const nothing of [undefined, null, 7, 'x']) expect(is(nothing)).toBe(false)
})

test('an embedder may return floats of another realm; the vectors are of ours', async () => {
  const embed = async (texts: readonly string[]) =>
    foreign(`Float32Array.from({ length: ${2 * texts.length} }, (_, i) => i)`)
  const embedder = fromUserEmbedder({ space: 'a', dims: 2, embed }, { maxQueue: 10 })
  const { vector } = await embedText(embedder, 'x')
  expect(vector).toBeInstanceOf(Float32Array)
  expect([...vector]).toEqual([0, 1])
  const caches = await openCaches({ dir: temporaryFolder(), embedder: { space: 'a', dims: 2, embed } })
  expect([...(await caches.embeddings.getOrEmbed('x')).vector]).toEqual([0, 1])
  await caches.close()
  const wrong = { space: 'b', dims: 2, embed: async () => foreign('new Float64Array(2)') }
  const odd = fromUserEmbedder(wrong, { maxQueue: 10 })
  await expect(embedText(odd, 'x')).rejects.toMatchObject({ code: 'EMBEDDER_FAILED' })
})

test('its errors are read, ours from there known', () => {
  expect(messageOf(foreign('new TypeError("why")'))).toBe('why')
  const ours = foreign('Object.assign(new Error("x"), { name: "OpDbusError", code: "STORE" })')
  expect(isOpDbusError(ours, 'STORE')).toBe(true)
  expect(isOpDbusError({ name: 'OpDbusError', code: 'STORE' })).toBe(false)
})

test('kernels take its arrays', async () => {
  expect(() => checkFloats(foreign('new Float32Array(2)'), 'x')).not.toThrow()
  for (const kind of ['js', 'wasm'] as const) {
    const kernels = await openKernels({ device: kind })
    const matrix = await kernels.load(foreign('Float32Array.of(1, 0, 0, 1)'), 2)
    expect([...(await matrix.nearest(foreign('Float32Array.of(0, 2)'), 1)).rows]).toEqual([1])
    matrix.free()
  }
})

test('its maps and buffers weigh what they hold, and are no JSON', () => {
  expect(estimateSize(foreign('new Map([["a", "x".repeat(1000)]])'))).toEqual(
    estimateSize(new Map([['a', 'x'.repeat(1000)]])),
  )
  expect(estimateSize(foreign('new ArrayBuffer(5000)'))).toEqual(estimateSize(new ArrayBuffer(5000)))
  expect(estimateSize(foreign('({ a: [1, "b", null] })')).json).toBe(true)
})

test('its expressions are masks', () => {
  const masker = createMasker({ masks: [{ name: 'ticket', pattern: foreign('/T-\\d+/') }], literals: [] })
  expect(masker.mask('see T-1').template).toBe(masker.mask('see T-2').template)
})

it('takes a signal of another making, and none for null', () => {
  const like = Object.assign(new EventTarget(), { aborted: false, reason: undefined })
  expect(signalOf({ signal: like as unknown as AbortSignal })).toBe(like)
  for (const call of [undefined, null, {}, { signal: null as never }, { signal: undefined }]) {
    expect(signalOf(call)).toBe(undefined)
  }
  expect(ownFloats(foreign('Float32Array.of(3)'))).toBeInstanceOf(Float32Array)
})

const signals: unknown[] = [{}, 'x', 0, false, new AbortController(), () => {}]
test.each(signals)('signal %o is refused wherever one is taken', async signal => {
  const call = { signal: signal as AbortSignal }
  const embed = async (texts: readonly string[]) => new Float32Array(texts.length)
  const caches = await openCaches({ dir: temporaryFolder(), embedder: { space: 'a', dims: 1, embed } })
  const input = { plugin: 'p', pluginVersion: '1', current: {}, desired: {} }
  const { pullModel, removeModel } = await import('op-dbus')
  const calls = [
    () => caches.embeddings.getOrEmbed('x', call),
    () => caches.embeddings.embedMany(['x'], call),
    () => caches.queries.getOrCompute('p', () => 1, call),
    () => caches.diffs.getOrCompute(input, () => 1, call),
    () => caches.blocks.getOrCompute(1, () => 1, call),
    () => pullModel('low', {}, call),
    () => removeModel('org/none', {}, call),
  ]
  for (const run of calls) {
    await expect(run()).rejects.toMatchObject({ code: 'INVALID_INPUT', details: { option: 'signal' } })
  }
  await caches.close()
})

test('a signal by itself, where the options of a call are wanted, is not left aside', async () => {
  const caches = await openCaches({
    dir: temporaryFolder(),
    embedder: { space: 'a', dims: 1, embed: async texts => new Float32Array(texts.length) },
  })
  const signal = AbortSignal.abort() as never
  await expect(caches.embeddings.getOrEmbed('x', signal)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  await expect(caches.embeddings.getOrEmbed('x', null as never)).resolves.toMatchObject({ source: 'computed' })
  await caches.close()
})
