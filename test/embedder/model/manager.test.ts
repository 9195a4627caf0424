// Which model serves: from this machine, else from the hub, or a lower level where that is allowed and said aloud.
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { ModelManager, type ModelRequest, type Pull } from '../../../src/embedder/model/manager.js'
import { OpDbusError } from '../../../src/errors.js'
import type { HubOptions } from '../../../src/hub/find.js'
import { temporaryFolder } from '../../support.js'
import { bareHub } from '../node-embedder.js'
import { DIMS, graphs, tinyFiles, writeModel } from '../tiny-model.js'

let home: string
let hub: HubOptions
beforeEach(() => {
  home = temporaryFolder()
  hub = bareHub(home, { builtinDir: join(home, 'builtin'), env: { OP_DBUS_MODEL_DIR: join(home, 'models') } })
})

const IDS = {
  high: 'sentence-transformers/all-mpnet-base-v2',
  medium: 'sentence-transformers/all-MiniLM-L6-v2',
  low: 'sentence-transformers/paraphrase-MiniLM-L3-v2',
}

/** A model of our own making that has room for every level's tokens. */
const files = (changes: Record<string, unknown> = {}) => ({
  ...tinyFiles(),
  'config.json': { hidden_size: DIMS, max_position_embeddings: 512 },
  ...changes,
})
const put = (name: string, changes?: Record<string, unknown>) => writeModel(join(home, name), files(changes))
const builtin = () => put('builtin', { 'onnx/model.onnx': undefined, 'onnx/model_quantized.onnx': graphs.plain() })

/** A hub that has `offered` and nothing else; `pulls` is what was asked of it. */
function playedHub(offered: Record<string, Record<string, unknown>> = {}) {
  const pulls: Parameters<Pull>[] = []
  const pull: Pull = async (name, options, call = {}) => {
    pulls.push([name, options, call])
    if (call.signal?.aborted) throw new OpDbusError('ABORTED', 'the call was aborted')
    if (!offered[name]) throw new OpDbusError('DOWNLOAD', `no hub at all\nfor ${name}`, { details: { why: 'offline' } })
    call.onProgress?.({ model: name, from: 'hub', into: home, file: 'onnx/model.onnx', done: 1, total: 2 })
    const path = writeModel(join(home, 'pulled', name), offered[name])
    return { id: name, commit: 'c0ffee', path, bytes: 2, downloaded: 2, files: [] }
  }
  return { pulls, models: new ModelManager(pull) }
}

const request = (more: Partial<ModelRequest> = {}): ModelRequest => ({ hub, ...more })

describe('from here, else from the hub', () => {
  test('what is here is not asked for', async () => {
    const { models, pulls } = playedHub()
    put(`models/${IDS.medium}`)
    const { spec, ranAs, gaveWay } = await models.resolve('medium', request())
    expect({ id: spec.id, ranAs, gaveWay }).toEqual({ id: IDS.medium, ranAs: 'medium', gaveWay: [] })
    expect(pulls).toEqual([])
  })

  test('a level and a hub id are fetched, with the dtype that is wanted and the progress passed on', async () => {
    const { models, pulls } = playedHub({
      medium: files(),
      'org/name': files({ 'onnx/model_int8.onnx': graphs.plain() }),
    })
    const seen: unknown[] = []
    const level = await models.resolve('medium', request({ onProgress: progress => seen.push(progress) }))
    expect(level.spec).toMatchObject({ id: IDS.medium, maxTokens: 256, dtype: 'fp32' })
    expect(seen).toEqual([expect.objectContaining({ model: 'medium', file: 'onnx/model.onnx', done: 1, total: 2 })])
    const named = await models.resolve('org/name', request({ overrides: { dtype: 'int8' } }))
    expect(named).toMatchObject({ ranAs: 'org/name', spec: { id: 'org/name', dtype: 'int8' } })
    expect(pulls.map(([name, , call]) => [name, call?.dtype])).toEqual([
      ['medium', 'fp32'],
      ['org/name', 'int8'],
    ])
  })

  test('a copy that another tool left without its ONNX file is completed', async () => {
    const { models, pulls } = playedHub({ medium: files() })
    const snapshot = join(home, `.cache/huggingface/hub/models--${IDS.medium.replace('/', '--')}/snapshots/abc`)
    writeModel(snapshot, files({ 'onnx/model.onnx': undefined, 'model.safetensors': 'weights' }))
    const { spec } = await models.resolve('medium', request({ hub: { ...hub, env: {} } }))
    expect(pulls).toHaveLength(1)
    expect(spec.files.model.path).toContain(join(home, 'pulled'))
    await expect(models.resolve('medium', request({ hub: { ...hub, env: {} }, offline: true }))).rejects.toMatchObject({
      code: 'UNSUPPORTED_MODEL',
      details: { file: 'onnx/model.onnx' },
    })
  })

  test('a model that is here and wrong is not fetched again', async () => {
    const { models, pulls } = playedHub({ medium: files() })
    put(`models/${IDS.medium}`, { 'modules.json': [{ type: 'x.Dense' }] })
    await expect(models.resolve('medium', request())).rejects.toMatchObject({ code: 'UNSUPPORTED_MODEL' })
    expect(pulls).toEqual([])
  })

  test.each(['nope', './models/x', '/absent', 'builtin', 'a/b/c', '../x/y', ''])('%j is never fetched', async name => {
    const { models, pulls } = playedHub()
    await expect(models.resolve(name, request())).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' })
    expect(pulls).toEqual([])
  })

  test('a folder of the user’s own stays as it is, also where its name could be a hub id', async () => {
    const { models, pulls } = playedHub()
    const dir = put('own', { 'tokenizer.json': undefined })
    for (const name of [dir, 'own/model']) {
      const before = process.cwd()
      try {
        if (name !== dir) {
          put('own/model', { 'tokenizer.json': undefined })
          process.chdir(home)
        }
        await expect(models.resolve(name, request())).rejects.toMatchObject({ code: 'UNSUPPORTED_MODEL' })
      } finally {
        process.chdir(before)
      }
    }
    expect(pulls).toEqual([])
  })

  test('offline, nothing is fetched', async () => {
    const { models, pulls } = playedHub({ medium: files() })
    await expect(models.resolve('medium', request({ offline: true }))).rejects.toMatchObject({
      code: 'DOWNLOAD',
      message: expect.stringMatching(/offline.*\n.*copy models--sentence-transformers--all-MiniLM-L6-v2/),
      details: { why: 'offline', folder: join(home, 'models') },
    })
    // What is no model of a hub would not have been fetched either.
    await expect(models.resolve('nope', request({ offline: true }))).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' })
    expect(pulls).toEqual([])
  })

  test('what the hub says is what the caller hears, an abort too', async () => {
    const { models } = playedHub()
    await expect(models.resolve('medium', request())).rejects.toMatchObject({ code: 'DOWNLOAD' })
    const signal = AbortSignal.abort()
    await expect(models.resolve('medium', request({ signal }))).rejects.toMatchObject({ code: 'ABORTED' })
    await expect(models.resolve('medium', request({ signal, fallback: true }))).rejects.toMatchObject({
      code: 'ABORTED',
    })
  })
})

describe('giving way', () => {
  test('never unasked', async () => {
    builtin()
    await expect(playedHub().models.resolve('high', request())).rejects.toMatchObject({ code: 'DOWNLOAD' })
  })

  test('to the next level that can, with every reason, keyed as what really runs', async () => {
    builtin()
    put(`models/${IDS.high}`, { 'modules.json': [{ type: 'x.Dense' }] })
    put(`models/${IDS.low}`)
    const { models } = playedHub()
    const { spec, ranAs, gaveWay } = await models.resolve('high', request({ fallback: true }))
    expect(ranAs).toBe('low')
    expect(spec).toMatchObject({ id: IDS.low, maxTokens: 128 })
    expect(gaveWay).toEqual([
      { name: 'high', reason: expect.stringContaining('Dense') },
      { name: 'medium', reason: 'no hub at all' },
    ])
    const direct = await models.resolve('low', request())
    expect(spec.space).toBe(direct.spec.space)
  })

  test('down to the built-in model, which keeps its own dtype', async () => {
    builtin()
    const { models } = playedHub()
    const resolved = await models.resolve(IDS.medium, request({ fallback: true, overrides: { dtype: 'fp32' } }))
    expect(resolved).toMatchObject({ ranAs: 'builtin', spec: { id: 'builtin', dtype: 'int8' } })
    expect(resolved.gaveWay.map(({ name }) => name)).toEqual(['medium', 'low'])
  })

  test('not where the next one would not do either: all reasons in one error, its code that of the first', async () => {
    const { models } = playedHub()
    const error = await models.resolve('low', request({ fallback: true })).catch(e => e)
    expect(error).toMatchObject({ code: 'DOWNLOAD', details: { why: 'offline' } })
    expect(error.message).toMatch(/^no level could serve: low \(no hub at all\); builtin \(.*\)$/)
  })

  test('only levels do: a hub id or a folder does not', async () => {
    builtin()
    const { models } = playedHub()
    await expect(models.resolve('org/name', request({ fallback: true }))).rejects.toMatchObject({ code: 'DOWNLOAD' })
    await expect(models.resolve('/absent', request({ fallback: true }))).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
    })
  })

  test('dims that a level never had are the caller’s mistake; dims that only a lower one lacks are a reason', async () => {
    builtin()
    put(`models/${IDS.medium}`)
    const { models } = playedHub()
    const asked = (name: string, dimensions: number) =>
      models.resolve(name, request({ fallback: true, overrides: { dimensions } }))
    await expect(asked('medium', DIMS + 1)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    const error = await asked('high', DIMS + 1).catch(e => e)
    expect(error).toMatchObject({ code: 'DOWNLOAD' })
    expect(error.message).toMatch(/medium \(dimensions of model .* from 1 to 4, not 5\)/)
  })

  test('decided once: what has come back meanwhile does not split one process over two spaces', async () => {
    builtin()
    const { models } = playedHub()
    const first = models.resolve('medium', request({ fallback: true }))
    const second = models.resolve('medium', request({ fallback: true }))
    expect((await first).ranAs).toBe('builtin')
    put(`models/${IDS.medium}`)
    expect(await second).toEqual(await first)
    expect(await models.resolve('medium', request({ fallback: true }))).toEqual(await first)
    // Another process, and who does not allow it, get what they ask for.
    expect((await playedHub().models.resolve('medium', request({ fallback: true }))).ranAs).toBe('medium')
    expect((await models.resolve('medium', request())).ranAs).toBe('medium')
  })

  test('a level whose graph cannot be opened gives way as well; without leave nothing is opened to find out', async () => {
    builtin()
    put(`models/${IDS.medium}`)
    const { models } = playedHub()
    const probed: string[] = []
    const probe = async ({ id }: { id: string }) => {
      probed.push(id)
      if (id !== 'builtin') throw new OpDbusError('DEVICE_UNAVAILABLE', 'no device could open the model')
    }
    await models.resolve('medium', request({ probe }))
    expect(probed).toEqual([])
    const { ranAs, gaveWay } = await models.resolve('medium', request({ probe, fallback: true }))
    expect(ranAs).toBe('builtin')
    expect(gaveWay[0]).toEqual({ name: 'medium', reason: 'no device could open the model' })
    expect(probed).toEqual([IDS.medium, 'builtin'])
    await expect(
      models.resolve('high', request({ fallback: true, probe: () => Promise.reject(new TypeError('a bug')) })),
    ).rejects.toThrow('a bug')
  })
})
