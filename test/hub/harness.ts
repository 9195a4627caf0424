// What the tests of downloads share: a hub with one small model, a cache of its own, and a look at what lies in it.
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join, relative } from 'node:path'
import { afterEach, beforeEach, expect } from 'vitest'
import { type PullOptions, pullModel } from '../../src/hub/download.js'
import type { HubOptions } from '../../src/hub/places.js'
import { tinyFiles } from '../embedder/tiny-model.js'
import { blobName, type Files, startHub, type TestHub } from '../hub-server.js'
import { temporaryFolder } from '../support.js'

/** Bytes that do not repeat, so that no two parts of a file can be taken for each other. */
export const weights = (length: number, seed = 1): Uint8Array => {
  let state = seed
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state >>> 24
  })
}

const onnx = weights(300_000)
/** What is fetched for fp32: the small files of a model that can be honoured, and weights that nobody opens. */
const needed: Files = {
  ...Object.fromEntries(
    Object.entries(tinyFiles()).flatMap(([path, content]) =>
      content instanceof Uint8Array ? [] : [[path, JSON.stringify(content)]],
    ),
  ),
  'onnx/model.onnx': onnx,
}

/** The one model of the hub: its id, its folder in a cache, its files, those of them that are fetched, the largest of these. */
export const TINY = {
  id: 'org/tiny',
  folder: 'models--org--tiny',
  onnx,
  needed,
  files: {
    ...needed,
    'README.md': '# nothing to compute with',
    'pytorch_model.bin': 'other weights',
    'model.safetensors': 'other weights',
    'onnx/model_quantized.onnx': weights(1_000, 2),
  } as Files,
}

export interface Scene {
  hub: TestHub
  home: string
  /** The cache that pulls write into. */
  cache: string
  commit: string
}
export const scene = {} as Scene

/** A hub and an empty cache for each test of the file. */
export function useHub(): void {
  beforeEach(async () => {
    scene.hub = await startHub()
    scene.commit = scene.hub.push(TINY.id, TINY.files)
    scene.home = temporaryFolder()
    scene.cache = join(scene.home, 'hub')
  })
  afterEach(() => scene.hub.close())
}

export const hubOptions = (env: HubOptions['env'] = {}): HubOptions => ({
  builtinDir: join(scene.home, 'builtin'),
  env: { HF_HUB_CACHE: scene.cache, HF_ENDPOINT: scene.hub.endpoint, ...env },
  home: scene.home,
})

/** Where pulls note what they fetched. */
export const lockFile = () => join(scene.home, 'op-dbus-models.lock.json')

/** Pulls without waiting between tries. */
export const pull = (options: PullOptions = {}, env: HubOptions['env'] = {}, id = TINY.id) =>
  pullModel(id, hubOptions(env), { ...options, io: { sleep: async () => {}, timeoutMs: 10_000, ...options.io } })

/** All files and links below a folder, with what a link says. */
export function tree(dir: string): Record<string, string> {
  const found: Record<string, string> = {}
  const visit = (path: string) => {
    for (const name of readdirSync(path)) {
      const full = join(path, name)
      const info = lstatSync(full)
      if (info.isDirectory()) visit(full)
      else found[relative(dir, full)] = info.isSymbolicLink() ? readlinkSync(full) : ''
    }
  }
  if (lstatSync(dir, { throwIfNoEntry: false })) visit(dir)
  return found
}

/** Every blob that lies under its final name holds the bytes that the name promises; no snapshot shows what is not whole. */
export function expectNothingHalf(): void {
  for (const name of Object.keys(tree(join(scene.cache, TINY.folder, 'blobs')))) {
    if (name.endsWith('.incomplete')) continue
    const bytes = readFileSync(join(scene.cache, TINY.folder, 'blobs', name))
    expect(blobName(name.length === 64 ? 'x.onnx' : 'x.json', bytes)).toBe(name)
  }
  expect(tree(join(scene.cache, TINY.folder, 'snapshots'))).toEqual({})
  expect(tree(join(scene.cache, TINY.folder, 'refs'))).toEqual({})
}

/** The model is here, whole, and every file reads as the hub has it. */
export function expectWhole(commit = scene.commit, files: Files = TINY.needed): void {
  const snapshot = join(scene.cache, TINY.folder, 'snapshots', commit)
  expect(Object.keys(tree(snapshot)).sort()).toEqual(Object.keys(files).sort())
  for (const [path, content] of Object.entries(files)) {
    expect(Buffer.compare(readFileSync(join(snapshot, path)), Buffer.from(content as Uint8Array)), path).toBe(0)
  }
  expect(Object.keys(tree(join(scene.cache, TINY.folder, 'blobs'))).filter(name => name.includes('.'))).toEqual([])
  expect(tree(join(scene.cache, '.locks'))).toEqual({})
}

export const requestsFor = (file: string | undefined) => scene.hub.requests.filter(request => request.file === file)
