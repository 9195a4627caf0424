// Which model serves, in every runtime: the one asked for, or a lower level where that is allowed and said aloud.
import { describe, expect, test } from 'vitest'
import { embedText } from '../../src/embedder/client/embed-text.js'
import { Levels } from '../../src/embedder/model/levels.js'
import type { ModelOverrides, ModelSpec } from '../../src/embedder/model/spec.js'
import { type ModelHost, type ModelSettings, openModel } from '../../src/embedder/open-model.js'
import { OpDbusError } from '../../src/errors.js'
import type { Space } from '../../src/ports.js'

const MEDIUM = 'sentence-transformers/all-MiniLM-L6-v2'
const SETTINGS: ModelSettings = {
  ...{ model: 'builtin', fallback: false, device: 'cpu', workers: undefined, maxQueue: 10, idleUnloadMs: 0 },
  ...{ dtype: undefined, dimensions: undefined, pooling: undefined },
}

const specNamed = (id: string): ModelSpec =>
  ({
    id,
    dims: 4,
    maxTokens: 128,
    space: `space of ${id}` as Space,
    description: { model: id },
  }) as unknown as ModelSpec

const noHub = () => new OpDbusError('DOWNLOAD', 'no hub at all\nfor this', { details: { why: 'offline' } })

interface Played extends Partial<Pick<ModelHost, 'useless'>> {
  /** Models that can be had; an error is what another one's files say. */
  readonly models?: Record<string, true | Error>
  /** Those of them that a device has opened before; the others are opened by no worker. */
  readonly proven?: readonly string[]
  readonly levels?: Levels
  readonly name?: 'node' | 'web'
}

/** A runtime whose workers never start. */
function play({ models = {}, proven = Object.keys(models), levels = new Levels(), name = 'node', useless }: Played) {
  const asked: [string, ModelOverrides][] = []
  const warnings: string[] = []
  let [prepared, started] = [0, 0]
  const host: ModelHost = {
    threads: 1,
    workers: 1,
    useless,
    devices: {
      plan: async (_device, { id }) => ({ devices: ['cpu'], proven: proven.includes(id) ? ['cpu'] : [] }),
      passed: async () => undefined,
    },
    async specOf(model, overrides) {
      asked.push([model, overrides])
      const found = models[model] ?? noHub()
      if (found !== true) throw found
      return specNamed(model)
    },
    startWorker() {
      started++
      throw new OpDbusError('DEVICE_UNAVAILABLE', 'no device could open the model')
    },
  }
  const prepare = async () => {
    prepared++
    return host
  }
  const runtime = { name, levels, timer: () => () => undefined, prepare, complaint: () => undefined }
  return {
    asked,
    warnings,
    models,
    counts: () => ({ prepared, started }),
    open: (settings: Partial<ModelSettings>, signal?: AbortSignal) =>
      openModel({ ...SETTINGS, ...settings }, runtime, { warn: message => warnings.push(message), signal }),
  }
}

const high = { model: 'high', fallback: true }

describe('before anything is looked for', () => {
  test('no model at all is DISABLED, with what switches it off here', async () => {
    for (const [name, words] of [
      ['node', 'embedding is switched off (model "none", or OP_DBUS_VECTOR_LEVEL=none)'],
      ['web', 'embedding is switched off (model "none")'],
    ] as const) {
      const { open, counts } = play({ name })
      await expect(open({ model: 'none' })).rejects.toMatchObject({ code: 'DISABLED', message: words })
      expect(counts().prepared).toBe(0)
    }
  })

  test('a device of another runtime, and a name that is none, are told', async () => {
    const { open, counts } = play({ name: 'web' })
    await expect(open({ device: 'cuda' })).rejects.toMatchObject({ code: 'DEVICE_UNAVAILABLE' })
    await expect(open({ device: 'abacus' })).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    expect(counts().prepared).toBe(0)
  })
})

describe('the model asked for', () => {
  test('is found by its name and settings, and opened by nobody yet', async () => {
    const { open, asked, counts, warnings } = play({ models: { 'org/name': true }, proven: [] })
    const { embedder, model } = await open({ model: 'org/name', dtype: 'int8', dimensions: 2 })
    expect(model).toEqual({ asked: 'org/name', serves: 'org/name', gaveWay: [] })
    expect(embedder).toMatchObject({ space: 'space of org/name', dims: 4, description: { model: 'org/name' } })
    expect(asked).toEqual([['org/name', { dtype: 'int8', dimensions: 2, pooling: undefined }]])
    expect([counts().started, warnings]).toEqual([0, []])
  })

  test('does not give way unasked; a hub id or a folder never does', async () => {
    const { open } = play({ models: { builtin: true } })
    for (const settings of [{ model: 'high' }, { model: 'org/name', fallback: true }, { model: '/a', fallback: true }])
      await expect(open(settings)).rejects.toMatchObject({ code: 'DOWNLOAD' })
  })
})

describe('giving way', () => {
  test('to the next level that can, with every reason, said aloud', async () => {
    const dense = new OpDbusError('UNSUPPORTED_MODEL', 'it has a Dense layer')
    const { open, warnings } = play({ models: { high: dense, low: true, builtin: true } })
    const { embedder, model } = await open(high)
    expect(embedder.space).toBe('space of low')
    expect(model).toEqual({
      asked: 'high',
      serves: 'low',
      gaveWay: [
        { name: 'high', reason: 'it has a Dense layer' },
        { name: 'medium', reason: 'no hub at all' },
      ],
    })
    expect(warnings).toEqual([
      'model high gives way: it has a Dense layer',
      'model medium gives way: no hub at all',
      'embedding with low (4 dims) in place of high: do not mix vectors of the two',
    ])
  })

  test('down to the built-in model, which keeps its own dtype; by a level’s hub id too', async () => {
    const { open, asked } = play({ models: { builtin: true } })
    const { model } = await open({ model: MEDIUM, fallback: true, dtype: 'fp32', dimensions: 2 })
    expect(model).toMatchObject({ asked: MEDIUM, serves: 'builtin' })
    expect(asked.map(([name, { dtype, dimensions }]) => [name, dtype, dimensions])).toEqual([
      ['medium', 'fp32', 2],
      ['low', 'fp32', 2],
      ['builtin', undefined, 2],
    ])
    // Who asks for the built-in model itself has asked it for the dtype.
    await open({ fallback: true, dtype: 'fp32' })
    expect(asked.at(-1)).toMatchObject(['builtin', { dtype: 'fp32' }])
  })

  test('not where the next one would not do either: all reasons in one error, its code that of the first', async () => {
    const absent = new OpDbusError('MODEL_NOT_FOUND', 'it is not there')
    const { open } = play({ models: { builtin: absent } })
    const error = await open({ model: 'low', fallback: true }).catch(e => e)
    expect(error).toMatchObject({ code: 'DOWNLOAD', details: { why: 'offline' } })
    expect(error.message).toBe('no level could serve: low (no hub at all); builtin (it is not there)')
  })

  test('dims that a level never had are the caller’s mistake; dims that only a lower one lacks are a reason', async () => {
    const few = new OpDbusError('INVALID_INPUT', 'dimensions must be from 1 to 4, not 5')
    const { open } = play({ models: { medium: few, low: few, builtin: few } })
    await expect(open({ model: 'medium', fallback: true })).rejects.toBe(few)
    const error = await open(high).catch(e => e)
    expect(error).toMatchObject({ code: 'DOWNLOAD' })
    expect(error.message).toContain('medium (dimensions must be from 1 to 4, not 5)')
  })

  test('neither what the caller no longer wants nor a mistake of our own gives way', async () => {
    for (const error of [new OpDbusError('ABORTED', 'aborted'), new TypeError('a bug')]) {
      const { open } = play({ models: { high: error, builtin: true } })
      await expect(open(high)).rejects.toBe(error)
    }
  })

  test('decided once for all that share the levels: what has come back meanwhile does not split them', async () => {
    const proven = ['high', 'low', 'builtin']
    const { open, models, warnings } = play({ models: { low: true, builtin: true }, proven })
    const [first, second] = await Promise.all([open(high), open(high)])
    expect(second.model).toEqual(first.model)
    models.high = true
    expect((await open(high)).model).toMatchObject({ serves: 'low' })
    // Each of them says so.
    expect(warnings).toHaveLength(9)
    // Who does not allow it, or has asked for something else, gets what was asked for; so does another process.
    expect((await open({ model: 'high' })).model).toMatchObject({ serves: 'high' })
    expect((await open({ ...high, dtype: 'int8' })).model).toMatchObject({ serves: 'high' })
    expect((await play({ models }).open(high)).model).toMatchObject({ serves: 'high' })
  })

  test('a level that no device opens gives way as well; what was opened before is not opened to find out', async () => {
    const { open, counts } = play({ models: { medium: true, low: true, builtin: true }, proven: ['builtin'] })
    const { model } = await open({ model: 'medium', fallback: true })
    expect(model).toMatchObject({ serves: 'builtin' })
    expect(model.gaveWay[0]).toEqual({ name: 'medium', reason: 'no device could open the model' })
    expect(counts()).toEqual({ prepared: 1, started: 2 })
  })
})

test('where nothing can compute, no lesser model is tried, and the embedder refuses every text with the reason', async () => {
  const reasons = [{ device: 'webgpu', reason: 'no GPU', kind: 'absent' }]
  const useless = new OpDbusError('DEVICE_UNAVAILABLE', 'no device', { details: { reasons } })
  const { open, asked, counts } = play({ models: { high: true, builtin: true }, proven: [], useless })
  const { embedder, model } = await open(high)
  expect(model).toEqual({ asked: 'high', serves: 'high', gaveWay: [] })
  expect(asked.map(([name]) => name)).toEqual(['high'])
  expect(embedder).toMatchObject({ space: 'space of high', room: 10, running: { workers: 0, refused: reasons } })
  await expect(embedText(embedder, 'text')).rejects.toBe(useless)
  await embedder.close()
  expect(counts().started).toBe(0)
})
