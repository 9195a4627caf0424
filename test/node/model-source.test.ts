// Where models come from on Node: what is here is not asked for, what may be fetched is.
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import type { ModelOverrides } from '../../src/embedder/model/spec.js'
import { OpDbusError } from '../../src/errors.js'
import type { HubOptions } from '../../src/hub/places.js'
import { type ModelSourceOptions, type Pull, specOf } from '../../src/node/model-source.js'
import { bareHub } from '../embedder/node-embedder.js'
import { DIMS, graphs, tinyFiles, writeModel } from '../embedder/tiny-model.js'
import { temporaryFolder } from '../support.js'

let home: string
let hub: HubOptions
beforeEach(() => {
  home = temporaryFolder()
  hub = bareHub(home, { builtinDir: join(home, 'builtin'), env: { OP_DBUS_MODEL_DIR: join(home, 'models') } })
})

const MEDIUM = 'sentence-transformers/all-MiniLM-L6-v2'

/** A model of our own making that has room for every level's tokens. */
const files = (changes: Record<string, unknown> = {}) => ({
  ...tinyFiles(),
  'config.json': { hidden_size: DIMS, max_position_embeddings: 512 },
  ...changes,
})
const put = (name: string, changes?: Record<string, unknown>) => writeModel(join(home, name), files(changes))

type Asked = Partial<ModelSourceOptions> & { readonly overrides?: ModelOverrides; readonly signal?: AbortSignal }

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
  const find = (name: string, { overrides = {}, signal, ...options }: Asked = {}) =>
    specOf(name, overrides, { hub, pull, ...options }, { signal })
  return { pulls, find }
}

describe('from here, else from the hub', () => {
  test('what is here is not asked for', async () => {
    const { find, pulls } = playedHub()
    put(`models/${MEDIUM}`)
    expect(await find('medium')).toMatchObject({ id: MEDIUM, maxTokens: 256 })
    expect(pulls).toEqual([])
  })

  test('a level and a hub id are fetched, with the dtype that is wanted and the progress passed on', async () => {
    const { find, pulls } = playedHub({
      medium: files(),
      'org/name': files({ 'onnx/model_int8.onnx': graphs.plain() }),
    })
    const seen: unknown[] = []
    const level = await find('medium', { onProgress: progress => seen.push(progress) })
    expect(level).toMatchObject({ id: MEDIUM, maxTokens: 256, dtype: 'fp32' })
    expect(seen).toEqual([expect.objectContaining({ model: 'medium', file: 'onnx/model.onnx', done: 1, total: 2 })])
    const named = await find('org/name', { overrides: { dtype: 'int8' } })
    expect(named).toMatchObject({ id: 'org/name', dtype: 'int8' })
    expect(pulls.map(([name, , call]) => [name, call?.dtype])).toEqual([
      ['medium', 'fp32'],
      ['org/name', 'int8'],
    ])
  })

  test('a copy that another tool left without its ONNX file is completed', async () => {
    const { find, pulls } = playedHub({ medium: files() })
    const snapshot = join(home, `.cache/huggingface/hub/models--${MEDIUM.replace('/', '--')}/snapshots/abc`)
    writeModel(snapshot, files({ 'onnx/model.onnx': undefined, 'model.safetensors': 'weights' }))
    const spec = await find('medium', { hub: { ...hub, env: {} } })
    expect(pulls).toHaveLength(1)
    expect(spec.files.model.path).toContain(join(home, 'pulled'))
    await expect(find('medium', { hub: { ...hub, env: {} }, offline: true })).rejects.toMatchObject({
      code: 'UNSUPPORTED_MODEL',
      details: { file: 'onnx/model.onnx' },
    })
  })

  test('a model that is here and wrong is not fetched again', async () => {
    const { find, pulls } = playedHub({ medium: files() })
    put(`models/${MEDIUM}`, { 'modules.json': [{ type: 'x.Dense' }] })
    await expect(find('medium')).rejects.toMatchObject({ code: 'UNSUPPORTED_MODEL' })
    expect(pulls).toEqual([])
  })

  test.each(['nope', './models/x', '/absent', 'builtin', 'a/b/c', '../x/y', ''])('%j is never fetched', async name => {
    const { find, pulls } = playedHub()
    await expect(find(name)).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' })
    expect(pulls).toEqual([])
  })

  test('a folder of the user’s own stays as it is, also where its name could be a hub id', async () => {
    const { find, pulls } = playedHub()
    const dir = put('own', { 'tokenizer.json': undefined })
    for (const name of [dir, 'own/model']) {
      const before = process.cwd()
      try {
        if (name !== dir) {
          put('own/model', { 'tokenizer.json': undefined })
          process.chdir(home)
        }
        await expect(find(name)).rejects.toMatchObject({ code: 'UNSUPPORTED_MODEL' })
      } finally {
        process.chdir(before)
      }
    }
    expect(pulls).toEqual([])
  })

  test('offline, nothing is fetched', async () => {
    const { find, pulls } = playedHub({ medium: files() })
    await expect(find('medium', { offline: true })).rejects.toMatchObject({
      code: 'DOWNLOAD',
      message: expect.stringMatching(/offline.*\n.*copy models--sentence-transformers--all-MiniLM-L6-v2/),
      details: { why: 'offline', folder: join(home, 'models') },
    })
    // What is no model of a hub would not have been fetched either.
    await expect(find('nope', { offline: true })).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' })
    expect(pulls).toEqual([])
  })

  test('what the hub says is what the caller hears, an abort too', async () => {
    const { find } = playedHub()
    await expect(find('medium')).rejects.toMatchObject({ code: 'DOWNLOAD' })
    const signal = AbortSignal.abort()
    await expect(find('medium', { signal })).rejects.toMatchObject({ code: 'ABORTED' })
  })
})
