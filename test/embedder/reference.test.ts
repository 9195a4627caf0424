// Real models through the whole path (worker, batches, pooling) against the vectors of their own authors' code.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildBuiltinModel } from '../../build/builtin-model.mjs'
import { embedText } from '../../src/embedder/client/embed-text.js'
import type { WorkerEmbedder } from '../../src/embedder/client/worker-embedder.js'
import { specOf as source } from '../../src/node/model-source.js'
import { cosine, PACKAGE_DIR } from '../build/use-lite.js'
import { temporaryFolder } from '../support.js'
import {
  bareHub,
  largestDifference,
  miniLm,
  miniLmCases,
  noMiniLm,
  type ReferenceCase,
  specOf,
  startEmbedder,
  useLiteCases,
} from './node-embedder.js'

/** One at a time, so that every text is a batch of its own. */
async function singly(embedder: WorkerEmbedder, cases: readonly ReferenceCase[]): Promise<Float32Array[]> {
  const vectors: Float32Array[] = []
  for (const { text, ids, truncated } of cases) {
    const one = await embedText(embedder, text)
    expect({ tokens: one.tokens, truncated: one.truncated }, text).toEqual({
      tokens: Math.min(ids.length, limit(embedder)),
      truncated,
    })
    vectors.push(one.vector)
  }
  return vectors
}

const limit = (embedder: WorkerEmbedder) => embedder.description.maxTokens as number
const together = async (embedder: WorkerEmbedder, cases: readonly ReferenceCase[]) =>
  (await Promise.all(cases.map(({ text }) => embedText(embedder, text)))).map(one => one.vector)

function expectClose(vectors: readonly Float32Array[], cases: readonly ReferenceCase[], most: number): void {
  for (const [i, { text, vector }] of cases.entries())
    expect(largestDifference(vectors[i]!, vector), text).toBeLessThanOrEqual(most)
}

/** Scaled to length 1. */
function unit(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector)
  return vector.map(x => x / length)
}

function expectSame(one: readonly Float32Array[], other: readonly Float32Array[]): void {
  for (const [i, vector] of one.entries())
    expect(largestDifference(vector, other[i]!), `text ${i}`).toBeLessThanOrEqual(1e-6)
}

describe.skipIf(noMiniLm)('MiniLM (skipped without ../shared/models)', () => {
  test('within 1e-5 of sentence-transformers, alone and in batches of any size', async () => {
    const cases = miniLmCases()
    const embedder = await startEmbedder(miniLm)
    const alone = await singly(embedder, cases)
    expectClose(alone, cases, 1e-5)
    expectSame(await together(embedder, cases), alone)
    const wide = await startEmbedder(miniLm, { maxBatchTokens: 1 << 20 })
    const some = (_: unknown, i: number) => i % 4 === 0
    expectSame(await together(wide, cases.filter(some)), alone.filter(some))
  })

  test('the dynamically quantised file: a vector does not depend on its batch-mates', async () => {
    const cases = miniLmCases().slice(0, 12)
    const embedder = await startEmbedder(miniLm, { overrides: { dtype: 'int8' } })
    expectSame(await together(embedder, cases), await singly(embedder, cases))
  })

  test('WebAssembly too, alone and together', async () => {
    const cases = miniLmCases()
    const embedder = await startEmbedder(miniLm, { devices: ['wasm'] })
    expectClose(await together(embedder, cases), cases, 1e-5)
    const some = cases.filter((_, i) => i % 4 === 0)
    expectClose(await singly(embedder, some), some, 1e-5)
  })

  test('through the level `medium`, out of a Hugging Face cache: the same space, the same vectors', async () => {
    const home = temporaryFolder()
    const snapshots = join(home, 'hub/models--sentence-transformers--all-MiniLM-L6-v2/snapshots')
    mkdirSync(snapshots, { recursive: true })
    symlinkSync(miniLm, join(snapshots, 'c0ffee'), 'dir')
    const hub = bareHub(home, { env: { HF_HOME: home } })
    const spec = await source('medium', {}, { hub, offline: true })
    expect(spec.id).toBe('sentence-transformers/all-MiniLM-L6-v2')
    expect(spec.space).toBe((await specOf(miniLm)).space)
    const cases = miniLmCases()
    const embedder = await startEmbedder(miniLm, { spec })
    expectClose(await together(embedder, cases), cases, 1e-5)
    expectClose(await singly(embedder, cases), cases, 1e-5)
  })

  test('128 dimensions: the reference cut and scaled to length 1, in fp32 and in int8', async () => {
    const cases = miniLmCases().slice(0, 12)
    const cut = cases.map(one => ({ ...one, vector: unit(one.vector.slice(0, 128)) }))
    const embedder = await startEmbedder(miniLm, { overrides: { dimensions: 128 } })
    expect(embedder.dims).toBe(128)
    expectClose(await together(embedder, cases), cut, 1e-5)
    const [whole, half] = [
      await startEmbedder(miniLm, { overrides: { dtype: 'int8' } }),
      await startEmbedder(miniLm, { overrides: { dtype: 'int8', dimensions: 128 } }),
    ]
    const expected = (await together(whole, cases)).map(vector => unit(vector.slice(0, 128)))
    expectSame(await together(half, cases), expected)
    const spaces = [embedder, whole, half, await startEmbedder(miniLm)].map(one => one.space)
    expect(new Set(spaces).size).toBe(4)
  })
})

describe('the built-in model', () => {
  let work: string
  beforeAll(async () => {
    work = mkdtempSync(join(tmpdir(), 'op-dbus-builtin-'))
    await buildBuiltinModel({ packageDir: PACKAGE_DIR, outDir: join(work, 'model') })
  })
  afterAll(() => rmSync(work, { recursive: true, force: true }))

  const start = (dtype: 'fp32' | 'int8', devices: ('cpu' | 'wasm')[] = ['cpu']) =>
    startEmbedder(join(work, 'model'), { overrides: { dtype }, devices })

  test('fp32: within 2e-6 of the TensorFlow.js original, alone and together', async () => {
    const cases = useLiteCases()
    const embedder = await start('fp32')
    const alone = await singly(embedder, cases)
    expectClose(alone, cases, 2e-6)
    expectSame(await together(embedder, cases), alone)
  })

  test('int8, the default: cosine 0.999, alone and together', async () => {
    const cases = useLiteCases()
    const embedder = await start('int8')
    const alone = await singly(embedder, cases)
    for (const [i, { text, vector }] of cases.entries())
      expect(cosine(alone[i]!, vector), text).toBeGreaterThanOrEqual(0.999)
    expectSame(await together(embedder, cases), alone)
  })

  test('WebAssembly gives the same vectors', async () => {
    const cases = useLiteCases()
    expectClose(await together(await start('fp32', ['wasm']), cases), cases, 2e-6)
  })
})
