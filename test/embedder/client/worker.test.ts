// Real worker threads on real ONNX files: vectors, failures, deaths. The worker is bundled as the build bundles it.
import { rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { embedText } from '../../../src/embedder/client/embed-text.js'
import type { WorkTimes } from '../../../src/embedder/protocol.js'
import type { EmbedJob, WorkerHandle } from '../../../src/ports.js'
import { temporaryFolder } from '../../support.js'
import { largestDifference, startEmbedder } from '../node-embedder.js'
import { graphs, tinyFiles, tinyIds, tinyMean, tokenVector, writeModel } from '../tiny-model.js'

const tiny = (graph = graphs.plain(), changes: Record<string, unknown> = {}) =>
  writeModel(temporaryFolder(), { ...tinyFiles(graph), ...changes })
const normalized = (vector: number[]) => vector.map(x => x / Math.hypot(...vector))
const texts = ['a', 'b c d', '', 'e f', 'z y x w v u', 'a a']

describe('vectors', () => {
  test.each(['cpu', 'wasm'] as const)('%s: the mean over the tokens, alone and together', async device => {
    const embedder = await startEmbedder(tiny(), { devices: [device] })
    for (const text of texts) {
      const one = await embedText(embedder, text)
      expect(one).toMatchObject({ device, tokens: tinyIds(text).length, truncated: false })
      expect(largestDifference(one.vector, tinyMean(text)), text).toBeLessThanOrEqual(1e-4)
    }
    const together = await Promise.all(texts.map(text => embedText(embedder, text)))
    for (const [i, text] of texts.entries())
      expect(largestDifference(together[i]!.vector, tinyMean(text)), text).toBeLessThanOrEqual(1e-4)
  })

  test('cls pooling, normalisation, token_type_ids', async () => {
    const embedder = await startEmbedder(
      tiny(graphs.withTypeIds(), {
        '1_Pooling/config.json': { word_embedding_dimension: 4, pooling_mode_cls_token: true },
        'modules.json': ['Transformer', 'Pooling', 'Normalize'].map(kind => ({
          path: kind === 'Pooling' ? '1_Pooling' : '',
          type: `sentence_transformers.models.${kind}`,
        })),
      }),
    )
    const { vector } = await embedText(embedder, 'b')
    expect(largestDifference(vector, normalized(tokenVector(tinyIds('b')[0]!)))).toBeLessThanOrEqual(1e-6)
  })

  test('a text cut at the limit says so', async () => {
    const embedder = await startEmbedder(tiny(), { overrides: { maxTokens: 4 } })
    const [whole, cut] = await Promise.all([embedText(embedder, 'a b'), embedText(embedder, 'a b c')])
    expect([whole.truncated, cut.truncated]).toEqual([false, true])
    expect(cut.vector).toEqual(whole.vector)
  })

  test.each([
    ['nothing', '', false],
    ['a megabyte of words', 'a b '.repeat(250_000), true],
    ['a megabyte of one word', 'a'.repeat(1_000_000), false],
    ['lone surrogates', '\ud800 \udfff \ud800', false],
    ['NUL', '\0\0 a', false],
    ['binary', String.fromCharCode(...Array.from({ length: 3000 }, (_, i) => (i * 7919) % 65_536)), false],
  ])('hostile text: %s', async (_what, text, cut) => {
    const embedder = await startEmbedder(tiny())
    const { vector, truncated } = await embedText(embedder, text)
    expect(vector.every(Number.isFinite)).toBe(true)
    expect(truncated).toBe(cut)
  })
})

describe('failures', () => {
  test('a graph that throws on one text, a row of NaN: mates are served', async () => {
    for (const [graph, bad] of [
      [graphs.throwing(), 'z'],
      [graphs.nan(), 'a'],
    ] as const) {
      const embedder = await startEmbedder(tiny(graph))
      const all = ['b', bad, 'c', 'd', `b ${bad}`, 'e f g']
      const outcomes = await Promise.allSettled(all.map(text => embedText(embedder, text)))
      for (const [i, text] of all.entries()) {
        const outcome = outcomes[i]!
        if (text.includes(bad))
          expect(outcome).toMatchObject({ reason: { name: 'OpDbusError', code: 'EMBEDDER_FAILED' } })
        else expect(outcome.status).toBe('fulfilled')
      }
      expect((await embedText(embedder, 'b')).vector).toHaveLength(4)
    }
  })

  test.each(['wrongShape', 'wrongType', 'wrongOutputs', 'wrongInput'] as const)(
    '%s is UNSUPPORTED_MODEL',
    async graph => {
      const embedder = await startEmbedder(tiny(graphs[graph]()), { devices: ['cpu', 'wasm'] })
      await expect(embedText(embedder, 'a b')).rejects.toMatchObject({ code: 'UNSUPPORTED_MODEL' })
    },
  )

  test('dims that the graph does not have', async () => {
    const embedder = await startEmbedder(
      tiny(graphs.plain(), {
        '1_Pooling/config.json': { word_embedding_dimension: 5, pooling_mode_mean_tokens: true },
        'config.json': { hidden_size: 5 },
      }),
    )
    await expect(embedText(embedder, 'a')).rejects.toMatchObject({
      code: 'UNSUPPORTED_MODEL',
      message: expect.stringMatching(/5 dims/),
    })
  })

  test('no device can open it: every reason crosses', async () => {
    const embedder = await startEmbedder(tiny(Buffer.from('not a graph')), { devices: ['cpu', 'wasm'] })
    const error = await embedText(embedder, 'a').catch(e => e)
    expect(error).toMatchObject({
      code: 'DEVICE_UNAVAILABLE',
      details: { reasons: [{ device: 'cpu' }, { device: 'wasm' }] },
    })
  })

  test('files that changed after their space was computed are not loaded under it; a touch changes nothing', async () => {
    const dir = tiny()
    const model = join(dir, 'onnx/model.onnx')
    const embedder = await startEmbedder(dir)
    utimesSync(model, 1, 1)
    await embedText(embedder, 'a')
    for (const change of [(path: string) => writeFileSync(path, graphs.pooled()), rmSync]) {
      const folder = tiny()
      const late = await startEmbedder(folder)
      change(join(folder, 'onnx/model.onnx'))
      await expect(embedText(late, 'a')).rejects.toMatchObject({
        code: 'UNSUPPORTED_MODEL',
        message: expect.stringMatching(/changed/),
      })
    }
  })
})

describe('life', () => {
  test('50 callers at once start one thread and share no memory', async () => {
    const spawned: WorkerHandle[] = []
    const embedder = await startEmbedder(tiny(), { spawned })
    const all = await Promise.all(Array.from({ length: 50 }, () => embedText(embedder, 'a b')))
    expect(spawned).toHaveLength(1)
    expect(new Set(all.map(one => one.vector.buffer)).size).toBe(50)
  })

  test('killed in mid-batch: every caller settles, the next call works', async () => {
    const spawned: WorkerHandle[] = []
    const embedder = await startEmbedder(tiny(), { spawned, maxBatchTokens: 4 })
    const all = Array.from({ length: 2000 }, (_, i) => embedText(embedder, `a ${'b '.repeat(i % 7)}`))
    const settled = Promise.allSettled(all)
    // Once one is there, hundreds of batches are still to come.
    await Promise.race(all)
    await spawned[0]!.terminate()
    const outcomes = await settled
    const lost = outcomes.filter(outcome => outcome.status === 'rejected')
    expect(lost.length).toBeGreaterThan(0)
    for (const { reason } of lost) expect(reason).toMatchObject({ code: 'WORKER_LOST' })
    for (const [i, outcome] of outcomes.entries())
      if (outcome.status === 'fulfilled')
        expect(largestDifference(outcome.value.vector, tinyMean(`a ${'b '.repeat(i % 7)}`))).toBeLessThanOrEqual(1e-4)
    expect((await embedText(embedder, 'a')).device).toBe('cpu')
    expect(spawned).toHaveLength(2)
  })

  test('where its time goes is told with every batch to who asks, all of it in one phase or another', async () => {
    const told: WorkTimes[] = []
    const embedder = await startEmbedder(tiny(), { maxBatchTokens: 8, onTimes: times => told.push(times) })
    await Promise.all(Array.from({ length: 20 }, (_, i) => embedText(embedder, `a b ${'c '.repeat(i % 3)}`)))
    expect(told.length).toBeGreaterThan(5)
    const { batches, rows, paddedTokens, ...phases } = told.at(-1)!
    expect([batches, rows]).toEqual([told.length, 20])
    expect(paddedTokens).toBeGreaterThanOrEqual(20 * 4)
    for (const ms of Object.values(phases)) expect(ms).toBeGreaterThanOrEqual(0)
    expect(phases.running).toBeGreaterThan(0)
    const quiet = await startEmbedder(tiny())
    expect((await embedText(quiet, 'a')).device).toBe('cpu')
  })

  test('of rows that are dropped in mid-work nothing is told, and the worker goes on for the others', async () => {
    const embedder = await startEmbedder(tiny(), { maxBatchTokens: 4 })
    const told = new Set<number>()
    const texts = Array.from({ length: 500 }, (_, i) => `a ${i}`)
    let begun = () => {}
    const first = new Promise<void>(resolve => {
      begun = resolve
    })
    const job: EmbedJob = {
      texts,
      done({ rows }) {
        for (const row of Array.from(rows)) told.add(row)
        begun()
      },
      failed: (_rows, error) => expect.fail(error.message),
    }
    embedder.submit(job)
    await first
    const before = told.size
    expect(before).toBeLessThan(500)
    embedder.drop(job, [...texts.keys()])
    expect(embedder.room).toBe(16_384)
    expect(largestDifference((await embedText(embedder, 'c')).vector, tinyMean('c'))).toBeLessThanOrEqual(1e-4)
    expect(told.size).toBe(before)
    expect(embedder.status.waiting).toBe(0)
  })
})
