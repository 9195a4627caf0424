// Finds a model on this machine: by name, as a folder, or by hub id where other tools keep theirs. Downloads nothing.

import { readdir, stat } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import { OpDbusError } from '../errors.js'
import { digestMemo, diskFolder, unlessAbsent } from './hub-files.js'
import { type ModelOverrides, type ModelSpec, readModelSpec } from './model-spec.js'
import { KNOWN_MODELS, knownModel } from './models.js'

export interface HubOptions {
  /** Folder of the model that comes with this package. */
  readonly builtinDir: string
  /** Read: OP_DBUS_MODEL_DIR, HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** The user's home folder. */
  readonly home: string
  /** JSON file that remembers what model files hashed to; made when it is missing. Default: nothing is remembered. */
  readonly memoFile?: string | undefined
}

/**
 * The spec of `name`: `builtin`, `low`, `medium`, `high`, a folder in the hub layout, or a hub id (`org/name`).
 * A path that begins with `.` or `/`, or leads to a folder, is a folder. Reads and hashes files; loads no model.
 * Rejects with MODEL_NOT_FOUND (`details.known`), UNSUPPORTED_MODEL, or STORE where files cannot be read.
 */
export async function findModel(name: string, hub: HubOptions, overrides: ModelOverrides = {}): Promise<ModelSpec> {
  const folder = await locateModel(name, hub)
  if (folder === undefined) throw await notFound(name, hub)
  return modelAt(name, folder, hub, overrides)
}

/** The folder that {@link findModel} would read, `name` itself where that is the folder; undefined where there is none. */
export function locateModel(name: string, hub: HubOptions): Promise<string | undefined> {
  return locate(name, knownModel(name)?.hubId ?? name, hub)
}

/** The spec of the model `name` whose files lie in the folder `path`. Rejects as {@link findModel} does. */
export async function modelAt(
  name: string,
  path: string,
  hub: HubOptions,
  overrides: ModelOverrides = {},
): Promise<ModelSpec> {
  const known = knownModel(name)
  return readModelSpec(diskFolder(known?.hubId ?? name, path, digestMemo(hub.memoFile)), {
    ...overrides,
    dtype: overrides.dtype ?? known?.dtype,
    maxTokens: overrides.maxTokens ?? known?.maxTokens,
  })
}

/** Names that {@link findModel} finds on this machine now, for messages and `doctor`. */
export async function localModels(hub: HubOptions): Promise<string[]> {
  const names: string[] = []
  for (const [name, { hubId }] of Object.entries(KNOWN_MODELS))
    if (await locate(name, hubId ?? name, hub)) names.push(name)
  for (const folder of (await unlessAbsent(hubCache(hub), path => readdir(path))) ?? []) {
    const id = /^models--(.+?)--(.+)$/.exec(folder)
    if (id && (await inHubCache(`${id[1]}/${id[2]}`, hub))) names.push(`${id[1]}/${id[2]}`)
  }
  return names
}

async function locate(name: string, hubId: string, hub: HubOptions): Promise<string | undefined> {
  if (name === 'builtin') return isFolder(hub.builtinDir)
  if (name.startsWith('.') || isAbsolute(name)) return isFolder(name)
  // A hub id goes into paths below: nothing that climbs out.
  if (!/^[\w-][\w.-]*(\/[\w-][\w.-]*)?$/.test(hubId)) return isFolder(name)
  return (await inModelDir(hubId, hub)) ?? (await inHubCache(hubId, hub)) ?? (await isFolder(name))
}

async function inModelDir(hubId: string, { env }: HubOptions): Promise<string | undefined> {
  const dir = env.OP_DBUS_MODEL_DIR
  if (!dir) return undefined
  return (await isFolder(join(dir, hubId))) ?? isFolder(join(dir, hubId.split('/').at(-1)!))
}

/** The snapshot of `main`, or the only one there is. */
async function inHubCache(hubId: string, hub: HubOptions): Promise<string | undefined> {
  const repository = join(hubCache(hub), `models--${hubId.replace('/', '--')}`)
  const snapshots = join(repository, 'snapshots')
  const commits = (await unlessAbsent(snapshots, path => readdir(path))) ?? []
  const main = await diskFolder(hubId, repository, digestMemo(undefined)).text('refs/main')
  const commit = commits.find(name => name === main?.trim()) ?? (commits.length === 1 ? commits[0] : undefined)
  return commit === undefined ? undefined : isFolder(join(snapshots, commit))
}

/** The Hugging Face cache, by the same variables in the same order as its own tools. */
function hubCache({ env, home }: HubOptions): string {
  const { HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME } = env
  return HF_HUB_CACHE || join(HF_HOME || join(XDG_CACHE_HOME || join(home, '.cache'), 'huggingface'), 'hub')
}

async function isFolder(path: string): Promise<string | undefined> {
  const info = await unlessAbsent(path, full => stat(full))
  return info?.isDirectory() ? path : undefined
}

async function notFound(name: string, hub: HubOptions): Promise<OpDbusError> {
  const known = await localModels(hub)
  const elsewhere = Object.entries(KNOWN_MODELS).flatMap(([level, { hubId }]) => (hubId ? [`${level} (${hubId})`] : []))
  return new OpDbusError(
    'MODEL_NOT_FOUND',
    [
      `no model ${JSON.stringify(name)} on this machine; there is: ${known.join(', ') || 'none'}`,
      `known by name: ${elsewhere.join(', ')}`,
      'give a folder, or put the model into OP_DBUS_MODEL_DIR or the Hugging Face cache',
    ].join('\n'),
    { details: { known } },
  )
}
