// The converted model against the TensorFlow.js original: same tokens, same vectors, whatever stands beside a text.
import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { InferenceSession } from 'onnxruntime-node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readTfjsWeights } from '../../build/builtin-model/tfjs-weights.mjs'
import { findUseLiteWeights } from '../../build/builtin-model/use-lite-weights.mjs'
import { buildBuiltinModel } from '../../build/builtin-model.mjs'
import { cosine, largestDifference, PACKAGE_DIR, type Runtime, referenceCases, runBatch } from './use-lite.js'

// Before the first session: otherwise ONNX Runtime keeps a device id and calls home.
process.env.ORT_DISABLE_TELEMETRY = '1'

const cases = referenceCases()
const FILES = { fp32: 'onnx/model.onnx', int8: 'onnx/model_quantized.onnx' }
const sessions = {} as Record<'fp32' | 'int8', InferenceSession>
/** Of each case, computed in a batch of its own. */
const alone = {} as Record<'fp32' | 'int8', readonly Float32Array[]>
let runtime: typeof import('onnxruntime-node')
let work: string
let sizes: Record<string, number>

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'builtin-model-'))
  sizes = await buildBuiltinModel({ packageDir: PACKAGE_DIR, outDir: join(work, 'model') })
  runtime = await import('onnxruntime-node')
  for (const dtype of ['fp32', 'int8'] as const) {
    const session = await runtime.InferenceSession.create(join(work, 'model', FILES[dtype]))
    sessions[dtype] = session
    const vectors: Float32Array[] = []
    for (const { ids } of cases) vectors.push((await runBatch(runtime, session, [ids]))[0]!)
    alone[dtype] = vectors
  }
})

afterAll(async () => {
  for (const session of Object.values(sessions)) await session.release()
  await rm(work, { recursive: true, force: true })
})

describe('vectors', () => {
  test('fp32 differs from the original by at most 2e-6', () => {
    for (const [i, { text, vector }] of cases.entries())
      expect(largestDifference(alone.fp32[i]!, vector), text).toBeLessThanOrEqual(2e-6)
  })

  test('int8 keeps a cosine of at least 0.999 to the original', () => {
    for (const [i, { text, vector }] of cases.entries())
      expect(cosine(alone.int8[i]!, vector), text).toBeGreaterThanOrEqual(0.999)
  })

  test.each(['fp32', 'int8'] as const)('%s: padding and batch-mates change nothing', async dtype => {
    const together = await runBatch(
      runtime,
      sessions[dtype],
      cases.map(({ ids }) => ids),
    )
    for (const [i, { text, ids }] of cases.entries()) {
      const [padded] = await runBatch(runtime, sessions[dtype], [ids], { width: ids.length + 9, padId: 7999 })
      expect(largestDifference(alone[dtype][i]!, together[i]!), text).toBeLessThanOrEqual(1e-6)
      expect(largestDifference(alone[dtype][i]!, padded!), text).toBeLessThanOrEqual(1e-6)
    }
  })

  test.each(['fp32', 'int8'] as const)('%s: tokens past 128 are dropped inside the graph', async dtype => {
    const long = cases.find(({ ids }) => ids.length > 128)!.ids
    const [whole, cut, shorter] = await Promise.all(
      [long, long.slice(0, 128), long.slice(0, 127)].map(ids => runBatch(runtime, sessions[dtype], [ids])),
    )
    expect(whole).toEqual(cut)
    expect(largestDifference(whole![0]!, shorter![0]!)).toBeGreaterThan(1e-5)
  })

  test('a row without tokens is the head of the model applied to zeros', async () => {
    const { head } = findUseLiteWeights(await readTfjsWeights(join(PACKAGE_DIR, 'dist')))
    const tanh = head.bias.data.map(Math.tanh)
    const length = Math.hypot(...tanh)
    const expected = tanh.map(x => x / length)
    for (const rows of [[[]], [[], cases[0]!.ids]]) {
      const [empty] = await runBatch(runtime, sessions.fp32, rows)
      expect(largestDifference(empty!, expected)).toBeLessThanOrEqual(1e-6)
    }
  })

  test('ONNX Runtime for the web computes the same', async () => {
    const web = await import('onnxruntime-web')
    web.env.wasm.numThreads = 1
    for (const dtype of ['fp32', 'int8'] as const) {
      const session = await web.InferenceSession.create(await readFile(join(work, 'model', FILES[dtype])))
      const rows = cases.slice(0, 4).map(({ ids }) => ids)
      const native = await runBatch(runtime, sessions[dtype], rows)
      for (const [i, ours] of (await runBatch(web as Runtime, session, rows)).entries()) {
        expect(largestDifference(ours, native[i]!)).toBeLessThanOrEqual(2e-6)
        if (dtype === 'fp32') expect(largestDifference(ours, cases[i]!.vector)).toBeLessThanOrEqual(2e-6)
      }
      await session.release()
    }
  })
})

describe('folder', () => {
  test('holds what a model folder of the hub holds, and a licence', async () => {
    const found = (await readdir(join(work, 'model'), { recursive: true, withFileTypes: true })).filter(e => e.isFile())
    expect(found.map(entry => join(entry.parentPath, entry.name).slice(join(work, 'model/').length)).sort()).toEqual(
      Object.keys(sizes).sort(),
    )
    expect(Object.keys(sizes)).toEqual(
      expect.arrayContaining([
        'config.json',
        'tokenizer.json',
        'modules.json',
        '1_Pooling/config.json',
        'README.md',
        'LICENSE',
      ]),
    )
    expect(sizes['onnx/model_quantized.onnx']).toBeLessThan(8.1e6)
  })

  test('uses one operator set and standard operators only', async () => {
    const { onnx } = createRequire(import.meta.url)('onnx-proto') as typeof import('onnx-proto')
    for (const file of Object.values(FILES)) {
      const model = onnx.ModelProto.decode(await readFile(join(work, 'model', file)))
      expect(model.opsetImport.map(({ domain, version }) => [domain, Number(version)])).toEqual([['', 17]])
      expect(model.graph?.node?.every(({ domain }) => !domain)).toBe(true)
    }
  })

  test('has the same bytes every time', async () => {
    await buildBuiltinModel({ packageDir: PACKAGE_DIR, outDir: join(work, 'again') })
    const digest = async (file: string) =>
      createHash('sha256')
        .update(await readFile(file))
        .digest('hex')
    for (const path of Object.keys(sizes))
      expect(await digest(join(work, 'again', path)), path).toBe(await digest(join(work, 'model', path)))
  })
})
