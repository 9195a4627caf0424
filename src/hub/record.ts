// The lock file of models: which commit and which bytes of each were pulled. Read strictly, replaced as a whole.

import { constants } from 'node:fs'
import { access, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { OpDbusError } from '../errors.js'
import type { ModelPlace } from './cache.js'
import { makeFolder, unlessAbsent } from './files.js'
import { errnoOf, onDisk, syncFile } from './io.js'
import { isBlobName, isByteCount, isCommit, isSafePath } from './listing.js'
import { type LockOptions, withLock } from './lock.js'
import { isHubId } from './names.js'
import type { HubFile } from './select.js'

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

/**
 * Records `model` under `id`, or forgets it (undefined); other models' entries stay. Writes only what changed, and moves
 * what lies inside the folder of models out of it.
 */
export async function writeRecord(
  place: ModelPlace,
  id: string,
  model: RecordedModel | undefined,
  options: LockOptions,
): Promise<void> {
  if (same(await recordOf(place, id), model) && !(await mayMove(place))) return
  await withLock(join(place.dir, '.locks', 'op-dbus-models.lock'), options, async () => {
    const models = new Map<string, RecordedModel>(await readRecords(place))
    if (model) models.set(id, model)
    else models.delete(id)
    const text = render(models)
    const { lockFile, lockFileInside } = place
    if (lockFileInside === undefined) return replaceText(lockFile, text, options.io.id())
    if (await keptInside(place)) return replaceText(lockFileInside, text, options.io.id())
    await replaceText(lockFile, text, options.io.id())
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

/** A reader sees the old text or the new one. */
export async function replaceText(path: string, text: string, unique: string, beside = path): Promise<void> {
  const temporary = `${beside}.${unique}.tmp`
  await onDisk(path, async () => {
    await makeFolder(dirname(path), 0o777)
    try {
      const file = await open(temporary, 'wx')
      try {
        await file.writeFile(text)
        await syncFile(file)
      } finally {
        await file.close()
      }
      await rename(temporary, path)
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => {})
      throw error
    }
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
