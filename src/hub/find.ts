// Finds a model on this machine: by name, as a folder, or by hub id where other tools keep theirs. Downloads nothing.

import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type ModelOverrides, type ModelSpec, readModelSpec } from '../embedder/model/spec.js'
import { externalDataOf, KNOWN_MODELS, knownModel } from '../embedder/model/table.js'
import { OpDbusError } from '../errors.js'
import { alteredError } from './advice.js'
import {
  commitsOf,
  folderAt,
  type HubOptions,
  isFolder,
  isPath,
  type ModelPlace,
  modelPlaces,
  repositoriesIn,
  repositoryName,
} from './cache.js'
import { type Check, digestMemo, diskFolder, joined, unlessAbsent } from './files.js'
import { isHubId } from './names.js'
import { recordOf } from './record.js'

export type { HubOptions } from './cache.js'

/**
 * The spec of `name`: `builtin`, `low`, `medium`, `high`, a folder in the hub layout, or a hub id (`org/name`).
 * A path that begins with `.` or `/`, or leads to a folder, is a folder. Reads and hashes files; loads no model.
 * Rejects with MODEL_NOT_FOUND (`details.known`), UNSUPPORTED_MODEL, STORE where files cannot be read, or DOWNLOAD (why:
 * 'integrity') where a file is not the one that was recorded when the model was pulled.
 */
export async function findModel(name: string, hub: HubOptions, overrides: ModelOverrides = {}): Promise<ModelSpec> {
  return modelAt(name, await modelPath(name, hub), hub, overrides)
}

/** The folder that {@link findModel} would read. Rejects with MODEL_NOT_FOUND (`details.known`). */
export async function modelPath(name: string, hub: HubOptions): Promise<string> {
  const folder = await locateModel(name, hub)
  if (folder === undefined) throw await notFound(name, hub)
  return folder
}

/** The folder that {@link findModel} would read, `folderAt(name)` where that is it; undefined where there is none. */
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
  const id = known?.hubId ?? name
  return readModelSpec(diskFolder(id, path, digestMemo(hub.memoFile), await recordedAt(id, path, hub)), {
    ...overrides,
    dtype: overrides.dtype ?? known?.dtype,
    maxTokens: overrides.maxTokens ?? known?.maxTokens,
  })
}

/**
 * What the lock file says of the files in the snapshot `path`; undefined where that is no recorded one. The digests are made
 * for the space anyway, so that the record holds for every use of a model and not only when it is pulled. What was not
 * recorded (weights of another dtype that another tool brought) is not held to anything.
 */
async function recordedAt(id: string, path: string, hub: HubOptions): Promise<Check | undefined> {
  if (!isHubId(id)) return undefined
  for (const place of modelPlaces(hub)) {
    if (!resolve(path).startsWith(join(place.dir, repositoryName(id), 'snapshots'))) continue
    const record = await recordOf(place, id)
    if (!record || resolve(path) !== join(place.dir, repositoryName(id), 'snapshots', record.commit)) continue
    const hashes = new Map(record.files.map(file => [file.path, file.sha256]))
    return (file, found) => {
      const own = hashes.get(file)
      if (own === undefined) return
      const beside = externalDataOf(file, [...hashes.keys()].sort()).map(data => hashes.get(data)!)
      const recorded = joined(own, beside)
      if (found !== recorded) throw alteredError(id, file, recorded, found, record.lockFile)
    }
  }
  return undefined
}

/** Names that {@link findModel} finds on this machine now, for messages and `doctor`. */
export async function localModels(hub: HubOptions): Promise<string[]> {
  const names: string[] = []
  for (const name of Object.keys(KNOWN_MODELS)) if (await locateModel(name, hub)) names.push(name)
  for (const place of modelPlaces(hub))
    for (const id of await repositoriesIn(place))
      if (!names.includes(id) && (await snapshotIn(place, id))) names.push(id)
  return names
}

async function locate(name: string, hubId: string, hub: HubOptions): Promise<string | undefined> {
  if (name === 'builtin') return isFolder(hub.builtinDir)
  const own = folderAt(name, hub)
  if (isPath(name)) return isFolder(own)
  // A hub id goes into paths below: nothing that climbs out.
  if (!isHubId(hubId)) return isFolder(own)
  for (const place of modelPlaces(hub)) {
    const found = (await plainIn(place, hubId)) ?? (await snapshotIn(place, hubId))
    if (found !== undefined) return found
  }
  return isFolder(own)
}

async function plainIn({ plain, dir }: ModelPlace, hubId: string): Promise<string | undefined> {
  if (!plain) return undefined
  return (await isFolder(join(dir, hubId))) ?? isFolder(join(dir, hubId.split('/').at(-1)!))
}

/** The snapshot that was recorded and no other; where nothing was recorded that of `main`, else the only one there is. */
export async function snapshotIn(place: ModelPlace, hubId: string): Promise<string | undefined> {
  const repository = join(place.dir, repositoryName(hubId))
  const commits = await commitsOf(repository)
  if (commits.length === 0) return undefined
  const record = await recordOf(place, hubId)
  const main = await unlessAbsent(join(repository, 'refs/main'), path => readFile(path, 'utf8'))
  const wanted = record?.commit ?? main?.trim()
  const only = record === undefined && commits.length === 1 ? commits[0] : undefined
  const commit = commits.find(name => name === wanted) ?? only
  return commit === undefined ? undefined : isFolder(join(repository, 'snapshots', commit))
}

export async function notFound(name: string, hub: HubOptions): Promise<OpDbusError> {
  const known = await localModels(hub)
  const elsewhere = Object.entries(KNOWN_MODELS).flatMap(([level, { hubId }]) => (hubId ? [`${level} (${hubId})`] : []))
  return new OpDbusError(
    'MODEL_NOT_FOUND',
    [
      `no model ${JSON.stringify(name)} on this machine; there is: ${known.join(', ') || 'none'}`,
      `known by name: ${elsewhere.join(', ')}`,
      'give a folder, put the model into OP_DBUS_MODEL_DIR, or fetch it: op-dbus models pull NAME',
    ].join('\n'),
    { details: { known } },
  )
}
