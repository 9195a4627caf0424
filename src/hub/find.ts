// Finds the models of this machine: one by name, as a folder, or by hub id where other tools keep theirs; or all of them. Downloads nothing.
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { type ModelFolder, readJson } from '../embedder/model/folder.js'
import { hiddenSize } from '../embedder/model/network-config.js'
import { sentenceLayout } from '../embedder/model/sentence-config.js'
import { type ModelOverrides, type ModelSpec, readModelSpec } from '../embedder/model/spec.js'
import { type Dtype, dtypesIn, externalDataOf, KNOWN_MODELS, knownModel } from '../embedder/model/table.js'
import { OpDbusError } from '../errors.js'
import { unlessAbsent } from '../fs/files.js'
import { bytesIn } from '../fs/folders.js'
import { alteredError } from './error-messages.js'
import { recordOf } from './lockfile.js'
import { type Check, digestMemo, diskFolder, joined } from './model-folder.js'
import { isHubId, repositoryName } from './names.js'
import {
  commitsOf,
  existingFolder,
  folderAt,
  type HubOptions,
  isPath,
  type ModelPlace,
  modelPlaces,
  repositoriesIn,
} from './places.js'

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
 * What the lockfile says of the files in the snapshot `path`; undefined where that is no recorded one. The digests are made
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
  if (name === 'builtin') return existingFolder(hub.builtinDir)
  const own = folderAt(name, hub)
  if (isPath(name)) return existingFolder(own)
  // A hub id goes into paths below: nothing that climbs out.
  if (!isHubId(hubId)) return existingFolder(own)
  for (const place of modelPlaces(hub)) {
    const found = (await plainIn(place, hubId)) ?? (await snapshotIn(place, hubId))
    if (found !== undefined) return found
  }
  return existingFolder(own)
}

async function plainIn({ plain, dir }: ModelPlace, hubId: string): Promise<string | undefined> {
  if (!plain) return undefined
  return (await existingFolder(join(dir, hubId))) ?? existingFolder(join(dir, hubId.split('/').at(-1)!))
}

/** The snapshot that was recorded and no other; where nothing was recorded that of `main`, else the only one there is. */
async function snapshotIn(place: ModelPlace, hubId: string): Promise<string | undefined> {
  const repository = join(place.dir, repositoryName(hubId))
  const commits = await commitsOf(repository)
  if (commits.length === 0) return undefined
  const record = await recordOf(place, hubId)
  const main = await unlessAbsent(join(repository, 'refs/main'), path => readFile(path, 'utf8'))
  const wanted = record?.commit ?? main?.trim()
  const only = record === undefined && commits.length === 1 ? commits[0] : undefined
  const commit = commits.find(name => name === wanted) ?? only
  return commit === undefined ? undefined : existingFolder(join(repository, 'snapshots', commit))
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

/** A model that can be named on this machine now. */
export interface LocalModel {
  /** Hub id, folder name, or `builtin`. */
  readonly name: string
  readonly level: string | undefined
  /** The folder with its files. */
  readonly path: string
  /** Undefined for a plain folder. */
  readonly commit: string | undefined
  /** Undefined where its files do not say. */
  readonly dims: number | undefined
  /** Which weights it holds. */
  readonly dtypes: readonly Dtype[]
  /** On disk, all commits and whatever other tools keep with it. */
  readonly bytes: number
}

export interface ModelInventory {
  readonly models: readonly LocalModel[]
  /** Levels that would have to be fetched. */
  readonly absent: readonly { readonly level: string; readonly id: string }[]
  /** Repositories in the cache that hold no ONNX file, as other tools fetch them. */
  readonly others: number
}

/** Every model here: the built-in one, then by place and name. Reads small files only. */
export async function inventory(hub: HubOptions): Promise<ModelInventory> {
  const models: LocalModel[] = []
  let others = 0
  const builtin = await locateModel('builtin', hub)
  if (builtin !== undefined) models.push(await describe('builtin', builtin, builtin))
  for (const place of modelPlaces(hub)) {
    for (const name of await plainModels(place)) {
      models.push(await describe(name, join(place.dir, name), join(place.dir, name)))
    }
    for (const id of await repositoriesIn(place)) {
      const path = await snapshotIn(place, id)
      const model = path && (await describe(id, path, dirname(dirname(path)), path.slice(dirname(path).length + 1)))
      if (model && model.dtypes.length > 0) models.push(model)
      // What has no snapshot is a download that was broken off, not another tool's model.
      else if ((await commitsOf(join(place.dir, repositoryName(id)))).length > 0) others++
    }
  }
  const absent: { level: string; id: string }[] = []
  for (const [level, { hubId }] of Object.entries(KNOWN_MODELS)) {
    if (hubId !== undefined && (await locateModel(level, hub)) === undefined) absent.push({ level, id: hubId })
  }
  return { models, absent, others }
}

async function describe(name: string, path: string, root: string, commit?: string): Promise<LocalModel> {
  const folder = diskFolder(name, path, digestMemo(undefined))
  const level = Object.entries(KNOWN_MODELS).find(
    ([, { hubId }]) => hubId === name || hubId?.split('/')[1] === name,
  )?.[0]
  return {
    name,
    level: name === 'builtin' ? 'builtin' : level,
    path,
    commit,
    dims: await dimsOf(folder).catch(() => undefined),
    dtypes: dtypesIn(await folder.onnxFiles()),
    bytes: await bytesIn(root),
  }
}

async function dimsOf(folder: ModelFolder): Promise<number | undefined> {
  const layout = await sentenceLayout(folder, undefined).catch(() => undefined)
  return layout?.dims ?? hiddenSize((await readJson(folder, `${layout?.base ?? ''}config.json`)) ?? {})
}

/** Folders `name` and `org/name` that hold a model. */
async function plainModels({ dir, plain }: ModelPlace): Promise<string[]> {
  const found: string[] = []
  const visit = async (below: string, deeper: boolean): Promise<void> => {
    const entries = (await unlessAbsent(join(dir, below), path => readdir(path, { withFileTypes: true }))) ?? []
    for (const { name } of entries) {
      const path = below === '' ? name : `${below}/${name}`
      if (name.startsWith('models--') || !isHubId(path)) continue
      const inside = (await unlessAbsent(join(dir, path), full => readdir(full))) ?? []
      if (inside.includes('config.json')) found.push(path)
      else if (deeper) await visit(path, false)
    }
  }
  if (plain) await visit('', true)
  return found.sort()
}
