// Real threads side by side on a real ONNX file: several workers on a CPU, threads that tokenise for what is taken for a GPU.
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, describe, expect, test } from 'vitest'
import { embedText } from '../../../src/embedder/client/embed-text.js'
import type { WorkerEmbedder } from '../../../src/embedder/client/worker-embedder.js'
import type { WorkerHandle } from '../../../src/ports.js'
import { temporaryFolder } from '../../support.js'
import { bundle, largestDifference, startEmbedder } from '../node-embedder.js'
import { tinyFiles, tinyIds, tinyMean, writeModel } from '../tiny-model.js'

const tiny = () => writeModel(temporaryFolder(), tinyFiles())
/** Of 1 to 7 words. */
const textsOf = (count: number) =>
  Array.from({ length: count }, (_, i) => 'a b c d e f g'.slice((i * 2) % 14).padEnd(1, 'z') || 'z')

async function expectRight(embedder: WorkerEmbedder, texts: readonly string[]): Promise<void> {
  const all = await Promise.all(texts.map(text => embedText(embedder, text)))
  for (const [i, { vector, tokens }] of all.entries()) {
    expect(tokens, texts[i]).toBe(tinyIds(texts[i]!).length)
    expect(largestDifference(vector, tinyMean(texts[i]!)), texts[i]).toBeLessThanOrEqual(1e-4)
  }
}

describe('workers on a CPU', () => {
  test('the second starts when many texts wait; the vectors are those of one; close ends both', async () => {
    const spawned: WorkerHandle[] = []
    const embedder = await startEmbedder(tiny(), { workers: 2, spawned, maxBatchTokens: 64 })
    await expectRight(embedder, textsOf(200))
    expect(spawned).toHaveLength(1)
    const texts = textsOf(2000)
    // It takes as long as it takes to open a model.
    while (embedder.status.workers.open < 2) await expectRight(embedder, texts)
    await expectRight(embedder, texts)
    expect(spawned).toHaveLength(2)
    expect(embedder.status).toMatchObject({ workers: { open: 2, most: 2, refused: undefined }, threads: 1, waiting: 0 })
    const gone = Promise.all(spawned.map(handle => new Promise<void>(resolve => handle.onExit(() => resolve()))))
    await embedder.close()
    await gone
  })

  test('one is killed: only what it had in hand is lost', async () => {
    const spawned: WorkerHandle[] = []
    const embedder = await startEmbedder(tiny(), { workers: 2, spawned, maxBatchTokens: 16 })
    const texts = textsOf(4000)
    while (embedder.status.workers.open < 2) await expectRight(embedder, texts)
    const all = texts.map(text => embedText(embedder, text))
    const settled = Promise.allSettled(all)
    await Promise.race(all)
    await spawned[1]!.terminate()
    const outcomes = await settled
    const lost = outcomes.filter(outcome => outcome.status === 'rejected')
    expect(lost.length).toBeGreaterThan(0)
    expect(lost.length).toBeLessThanOrEqual(256)
    for (const { reason } of lost) expect(reason).toMatchObject({ code: 'WORKER_LOST' })
    for (const [i, outcome] of outcomes.entries())
      if (outcome.status === 'fulfilled')
        expect(largestDifference(outcome.value.vector, tinyMean(texts[i]!))).toBeLessThanOrEqual(1e-4)
  })
})

test('the token budget is found while texts are embedded, and told', async () => {
  const embedder = await startEmbedder(tiny())
  const texts = textsOf(8000)
  expect(embedder.status.batchTokens).toBeUndefined()
  while (embedder.status.batchTokens === undefined) await expectRight(embedder, texts)
  expect([256, 512, 1024, 2048, 4096]).toContain(embedder.status.batchTokens)
  expect(embedder.running).toEqual({
    device: 'cpu',
    refused: [],
    workers: 1,
    threads: 2,
    batchTokens: embedder.status.batchTokens,
  })
})

describe('tokenizer threads', () => {
  const gpu = () =>
    startEmbedder(tiny(), {
      entry: 'gpu-worker.js',
      plan: async () => ({ devices: ['cuda'], proven: ['cuda'] }),
      maxBatchTokens: 64,
    })
  const tokenized = () => Number(process.env.OP_DBUS_TEST_TOKENIZED ?? 0)
  afterEach(() => {
    delete process.env.OP_DBUS_TEST_TOKENIZED
    delete process.env.OP_DBUS_TEST_TOKENIZERS
  })

  test('take over while many texts wait; vectors and counts are those of the inline way', async () => {
    const embedder = await gpu()
    await expectRight(embedder, textsOf(100))
    expect(tokenized()).toBe(0)
    const texts = textsOf(3000)
    while (tokenized() === 0) await expectRight(embedder, texts)
    await expectRight(embedder, texts)
    expect((await embedText(embedder, 'a b')).device).toBe('cuda')
  })

  test('die at their first texts: every text is answered all the same', async () => {
    process.env.OP_DBUS_TEST_TOKENIZERS = 'die'
    const embedder = await gpu()
    const texts = textsOf(3000)
    while (process.env.OP_DBUS_TEST_TOKENIZERS === 'die') await expectRight(embedder, texts)
    await expectRight(embedder, texts)
    expect(tokenized()).toBe(0)
    expect(embedder.status.worker).toBe('ready')
  })

  test('do not keep a process alive that never closes its embedder', async () => {
    const script = join(await bundle(), 'unclosed.mjs')
    writeFileSync(
      script,
      `import { embedText, findModel, spawnNodeWorker, WorkerEmbedder } from './client.js'
       const spec = await findModel(${JSON.stringify(tiny())}, { builtinDir: '/absent', env: {}, home: '/absent' })
       const embedder = new WorkerEmbedder({
         spec, plan: async () => ({ devices: ['cuda'], proven: ['cuda'] }), threads: 2,
         workers: 1, maxQueue: 16_384, idleUnloadMs: 300_000, timer: () => () => {},
         spawn: () => spawnNodeWorker(new URL('./gpu-worker.js', import.meta.url)),
       })
       while (!process.env.OP_DBUS_TEST_TOKENIZED)
         await Promise.all(Array.from({ length: 3000 }, (_, i) => embedText(embedder, 'a b ' + i)))
       console.log('bye')`,
    )
    // A process that does not end by itself is killed after this long, and the test fails.
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [script], { timeout: 30_000 })
    expect([stdout, stderr]).toEqual(['bye\n', ''])
  })
})
