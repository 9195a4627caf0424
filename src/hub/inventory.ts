// What models lie on this machine, and the removal of one from the cache. Fetches nothing, and follows no link to remove.

import { lstat, readdir, rm, rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type ModelFolder, readJson } from '../embedder/model/folder.js'
import { hiddenSize } from '../embedder/model/network-config.js'
import { sentenceLayout } from '../embedder/model/sentence-config.js'
import { type Dtype, dtypesIn, KNOWN_MODELS, knownModel } from '../embedder/model/table.js'
import { OpDbusError } from '../errors.js'
import type { Call } from '../ports.js'
import {
  commitsOf,
  type HubOptions,
  isPath,
  type ModelPlace,
  modelPlaces,
  repositoriesIn,
  repositoryName,
} from './cache.js'
import { digestMemo, diskFolder, unlessAbsent } from './files.js'
import { locateModel, notFound, snapshotIn } from './find.js'
import { type HubIo, NODE_IO, onDisk } from './io.js'
import { withLock } from './lock.js'
import { isHubId } from './names.js'
import { recordOf, writeRecord } from './record.js'
import { inTheWay, Repository } from './store.js'

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

export interface Inventory {
  readonly models: readonly LocalModel[]
  /** Levels that would have to be fetched. */
  readonly absent: readonly { readonly level: string; readonly id: string }[]
  /** Repositories in the cache that hold no ONNX file, as other tools fetch them. */
  readonly others: number
}

/** Every model here: the built-in one, then by place and name. Reads small files only. */
export async function inventory(hub: HubOptions): Promise<Inventory> {
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

export interface RemoveOptions extends Call {
  /** Also what other tools keep of this model. */
  readonly force?: boolean
  readonly onWait?: (who: string) => void
  readonly io?: Partial<HubIo>
}

/**
 * Removes the repository of `name` from the cache that it is found in first: blobs, snapshots, refs and its entry in the
 * lock file. Rejects with INVALID_INPUT for the built-in model, a folder of the user's, and, without `force`, where the
 * repository holds more than was pulled by the record; with MODEL_NOT_FOUND, STORE or ABORTED.
 */
export async function removeModel(
  name: string,
  hub: HubOptions,
  { force, signal, onWait, io: given }: RemoveOptions = {},
): Promise<{ readonly id: string; readonly path: string; readonly bytes: number }> {
  const id = knownModel(name)?.hubId ?? name
  if (name === 'builtin') throw new OpDbusError('INVALID_INPUT', 'the built-in model belongs to the package')
  if (isPath(name) || !isHubId(id)) throw notCached(name)
  const io = { ...NODE_IO, ...given }
  for (const place of modelPlaces(hub)) {
    const repository = new Repository(place, id, io)
    const there = await unlessAbsent(repository.dir, path => lstat(path))
    if (!there) continue
    if (!there.isDirectory()) throw inTheWay(repository.dir, 'is no folder of the model cache')
    const lock = { io, signal, onWait }
    const bytes = await withLock(repository.lock, lock, async () => {
      if (!force) await refuseForeign(place, repository)
      const size = await bytesIn(repository.dir)
      // First what names the files, so that nobody finds a model that is going.
      for (const part of ['refs', 'snapshots', 'blobs', '.no_exist']) {
        const path = join(repository.dir, part)
        await onDisk(path, () => rm(path, { recursive: true, force: true }))
      }
      await rmdir(repository.dir).catch(() => {})
      await writeRecord(place, id, undefined, { ...lock, onWait: undefined })
      return size
    })
    await rmdir(dirname(repository.lock)).catch(() => {})
    return { id, path: repository.dir, bytes }
  }
  const folder = await locateModel(name, hub)
  throw folder === undefined ? await notFound(name, hub) : notCached(folder)
}

/** Blobs that op-dbus did not record are another tool's, or of a commit before an update. */
async function refuseForeign(place: ModelPlace, repository: Repository): Promise<void> {
  const ours = new Set((await recordOf(place, repository.id))?.files.map(file => file.blob))
  const names = (await unlessAbsent(repository.blobs, path => readdir(path))) ?? []
  const foreign = names.filter(blob => !ours.has(blob) && !blob.endsWith('.incomplete'))
  if (foreign.length === 0) return
  throw new OpDbusError(
    'INVALID_INPUT',
    [
      `${repository.dir} holds ${foreign.length} files beside those that were pulled last`,
      'they belong to other tools that share the cache, or to an earlier commit',
      'to remove them too: --force',
    ].join('\n'),
    { details: { foreign: foreign.length } },
  )
}

function notCached(what: string): OpDbusError {
  return new OpDbusError('INVALID_INPUT', `${JSON.stringify(what)} is no model in the cache: only those are removed`)
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

/** Of all regular files below; what links lead to is not counted. */
async function bytesIn(dir: string): Promise<number> {
  let bytes = 0
  for (const entry of (await unlessAbsent(dir, path => readdir(path, { withFileTypes: true }))) ?? []) {
    const path = join(dir, entry.name)
    if (entry.isDirectory()) bytes += await bytesIn(path)
    else if (entry.isFile()) bytes += (await unlessAbsent(path, full => lstat(full)))?.size ?? 0
  }
  return bytes
}
