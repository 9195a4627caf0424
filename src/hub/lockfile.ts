// The lockfile of models: which commit and which bytes of each were pulled. Read strictly, replaced as a whole. The mutex between
// processes is another thing: fs/mutex.ts.
import { constants } from 'node:fs'
import { access, readFile, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Dtype } from '../embedder/model/table.js'
import { isOpDbusError, OpDbusError } from '../errors.js'
import { errnoOf } from '../fs/errno.js'
import { unlessAbsent } from '../fs/files.js'
import { makeFolder } from '../fs/folders.js'
import type { MutexOptions } from '../fs/mutex.js'
import { replaceWith } from '../fs/replace.js'
import { moveOn, refusal } from './error-messages.js'
import { onDisk, withMutex } from './io.js'
import { type HubFile, type Listing, neededFiles } from './listing.js'
import { isBlobName, isByteCount, isCommit, isHubId, isSafePath } from './names.js'
import type { ModelPlace } from './places.js'

/** A file that was here. */
export interface RecordedFile extends HubFile {
  readonly sha256: string
}

export interface RecordedModel {
  readonly commit: string
  readonly files: readonly RecordedFile[]
}

/** What was recorded, and the file that says so. */
export interface Recorded extends RecordedModel {
  readonly lockFile: string
}

/**
 * What was recorded of `id`, if anything. Rejects with STORE where a file cannot be read or does not say what such a
 * file says: going on without it would drop the promise it makes.
 */
export async function recordOf(place: ModelPlace, id: string): Promise<Recorded | undefined> {
  return (await readRecords(place)).get(id)
}

/** Of both files where there are two: the one inside was written last, since who writes the other removes it. */
export async function readRecords({ lockFile, lockFileInside }: ModelPlace): Promise<Map<string, Recorded>> {
  const inside = lockFileInside === undefined ? undefined : await recordsIn(lockFileInside)
  return new Map([...((await recordsIn(lockFile)) ?? []), ...(inside ?? [])])
}

/** Undefined where there is no such file. */
async function recordsIn(lockFile: string): Promise<Map<string, Recorded> | undefined> {
  const text = await unlessAbsent(lockFile, path => readFile(path, 'utf8'))
  if (text === undefined) return undefined
  const models = new Map<string, Recorded>()
  try {
    const file = JSON.parse(text) as { version?: unknown; models?: Record<string, unknown> }
    if (file.version !== 1) throw new Error(`its version is ${JSON.stringify(file.version)}, not 1`)
    for (const [id, model] of Object.entries(file.models ?? {})) models.set(id, { ...checked(id, model), lockFile })
  } catch (error) {
    throw new OpDbusError(
      'STORE',
      `cannot use the lock file ${lockFile}: ${(error as Error).message}\nrepair it, or remove it to forget which commits were pulled`,
      { cause: error, details: { file: lockFile } },
    )
  }
  return models
}

/** The recorded files that this dtype needs; undefined where its ONNX file was never pulled. */
export function recordedFiles(id: string, { files }: RecordedModel, dtype: Dtype): RecordedFile[] | undefined {
  try {
    const needed = neededFiles(id, files, dtype)
    return files.filter(file => needed.includes(file))
  } catch (error) {
    if (isOpDbusError(error, 'UNSUPPORTED_MODEL')) return undefined
    throw error
  }
}

/** The hub must list, at the recorded commit, what was recorded of it. */
export function checkListing(id: string, record: Recorded, listing: Listing): void {
  const same = (a: HubFile, b: HubFile) => a.path === b.path && a.bytes === b.bytes && a.blob === b.blob
  const other = record.files.find(file => !listing.files.some(stated => same(stated, file)))
  if (listing.commit === record.commit && !other) return
  const what = other ? `${other.path} differs` : `it answers with commit ${listing.commit.slice(0, 12)}`
  throw refusal(
    `the hub's ${id} is not what ${record.lockFile} records of commit ${record.commit.slice(0, 12)}: ${what}\n${moveOn(id)}`,
    'integrity',
    { id, commit: record.commit },
  )
}

/**
 * Records `model` under `id`, or forgets it (undefined); other models' entries stay. Writes only what changed, and moves
 * what lies inside the folder of models out of it.
 */
export async function writeRecord(
  place: ModelPlace,
  id: string,
  model: RecordedModel | undefined,
  options: Omit<MutexOptions, 'below'>,
): Promise<void> {
  if (same(await recordOf(place, id), model) && !(await mayMove(place))) return
  const mutex = join(place.dir, '.locks', 'op-dbus-models.lock')
  await withMutex(mutex, { ...options, below: place.dir }, async () => {
    const models = new Map<string, RecordedModel>(await readRecords(place))
    if (model) models.set(id, model)
    else models.delete(id)
    const text = render(models)
    const { lockFile, lockFileInside } = place
    if (lockFileInside === undefined) return replace(lockFile, text)
    if (await keptInside(place)) return replace(lockFileInside, text)
    await replace(lockFile, text)
    await onDisk(lockFileInside, () => rm(lockFileInside, { force: true }))
  })
}

/** True where a file lies inside that need not. */
async function mayMove(place: ModelPlace): Promise<boolean> {
  const { lockFileInside } = place
  if (lockFileInside === undefined) return false
  return (await unlessAbsent(lockFileInside, path => stat(path))) !== undefined && !(await keptInside(place))
}

/**
 * What is beside the folder of models must be ours to write, and last as long: a volume that is mounted there outlives
 * what it is mounted into. Once there is a file beside, it stays the one.
 */
async function keptInside({ dir, lockFile }: ModelPlace): Promise<boolean> {
  if ((await unlessAbsent(lockFile, path => stat(path))) !== undefined) return false
  const beside = dirname(lockFile)
  const writable = await access(beside, constants.W_OK | constants.X_OK).then(
    () => true,
    error => errnoOf(error) === 'ENOENT',
  )
  if (!writable) return true
  const [here, there] = [await unlessAbsent(dir, path => stat(path)), await unlessAbsent(beside, path => stat(path))]
  return here !== undefined && there !== undefined && here.dev !== there.dev
}

function replace(path: string, text: string): Promise<void> {
  return onDisk(path, () => {
    makeFolder(dirname(path), 0o777)
    return replaceWith(path, 0o666, file => file.writeFile(text))
  })
}

/** In one order, so that the file can lie in version control. */
function render(models: ReadonlyMap<string, RecordedModel>): string {
  const sorted = [...models].sort(([a], [b]) => (a < b ? -1 : 1))
  const entries = sorted.map(([id, { commit, files }]) => {
    const byPath = [...files].sort((a, b) => (a.path < b.path ? -1 : 1))
    return [
      id,
      {
        commit,
        files: Object.fromEntries(byPath.map(({ path, bytes, blob, sha256 }) => [path, { bytes, blob, sha256 }])),
      },
    ]
  })
  return `${JSON.stringify({ version: 1, models: Object.fromEntries(entries) }, undefined, 2)}\n`
}

function checked(id: string, value: unknown): RecordedModel {
  const { commit, files } = value as { commit: unknown; files: Record<string, HubFile & { sha256: string }> }
  if (!isHubId(id)) throw new Error(`${JSON.stringify(id)} is no hub id`)
  if (!isCommit(commit)) throw new Error(`${id} has no commit of 40 hex digits`)
  return {
    commit,
    files: Object.entries(files ?? {}).map(([path, { bytes, blob, sha256 }]) => {
      const sound = isSafePath(path) && isByteCount(bytes) && isBlobName(blob) && /^[0-9a-f]{64}$/.test(sha256)
      if (!sound) throw new Error(`${id} has an entry ${JSON.stringify(path)} that is no file with its hashes`)
      return { path, bytes, blob, sha256 }
    }),
  }
}

function same(a: RecordedModel | undefined, b: RecordedModel | undefined): boolean {
  const text = (model: RecordedModel | undefined) => model && render(new Map([['', model]]))
  return text(a) === text(b)
}
