// Where models come from in a page: the assets, else a hub. Part of the web root; reads small files only, from which the space is
// made as everywhere. Its twin is node/model-source.ts.
import { type ModelOverrides, type ModelSpec, readModelSpec } from '../embedder/model/spec.js'
import { knownModel } from '../embedder/model/table.js'
import type { OpDbusError } from '../errors.js'
import type { CallOptions, WorkerHandle } from '../ports.js'
import type { Assets } from './assets.js'
import type { FileRef } from './fetch-file.js'
import type { FileCache } from './file-cache.js'
import { hubModel } from './hub.js'
import { type KnownFile, webFolder } from './model-folder.js'

/** Where the built-in model lies among the assets. */
const BUILTIN = 'models/builtin/'

export interface ModelSourceOptions {
  readonly assets: Assets
  /** Without a slash at its end. */
  readonly hub: string
  readonly fileCache: FileCache
  readonly startWorker: () => WorkerHandle
  /** Nothing is fetched from a hub. */
  readonly offline: boolean
  /** Why what is fetched would be of no use: then nothing is. */
  readonly useless: OpDbusError | undefined
}

/**
 * The spec of `name`: `builtin`, a level, or a hub id. A model of a hub is fetched whole where it is not there.
 * Rejects with MODEL_NOT_FOUND, UNSUPPORTED_MODEL, DOWNLOAD, INVALID_INPUT or ABORTED.
 */
export async function specOf(
  name: string,
  { dtype, dimensions, pooling }: ModelOverrides,
  { assets, hub, fileCache, startWorker, offline, useless }: ModelSourceOptions,
  { signal }: CallOptions,
): Promise<ModelSpec> {
  const known = knownModel(name)
  const files: ReadonlyMap<string, KnownFile> =
    name === 'builtin'
      ? assets.folder(BUILTIN)
      : await hubModel(name, { hub, fileCache, spawn: startWorker, dtype, offline, useless, signal })
  return readModelSpec(webFolder(known?.hubId ?? name, files, fileCache, { signal }), {
    dtype: dtype ?? known?.dtype,
    maxTokens: known?.maxTokens,
    dimensions,
    pooling,
  })
}

/** Vectors that every device has to reproduce with this model, as JSON; undefined where it brings none. */
export async function ownReference(spec: ModelSpec, assets: Assets, fileCache: FileCache): Promise<unknown> {
  const file = spec.id === 'builtin' ? assets.file(`${BUILTIN}op-dbus-reference.json`) : undefined
  return file && JSON.parse(await fileCache.text(file))
}

/** The files that a device needs to compute with this model, beside its runtime. */
export function filesOf({ files: { model, tokenizer, tokenizerConfig } }: ModelSpec): FileRef[] {
  const all = [model, tokenizer, ...(tokenizerConfig ? [tokenizerConfig] : [])]
  return all.map(({ path, sha256 }) => ({ url: path, digest: sha256 }))
}
