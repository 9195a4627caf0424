// The lock file of models: which commit and which bytes of each were pulled. Read strictly, replaced as a whole.

import { open, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { OpDbusError } from '../../errors.js'
import type { ModelPlace } from './cache.js'
import { makeFolder, unlessAbsent } from './files.js'
import { onDisk, syncFile } from './io.js'
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

/**
 * What was recorded of `id`, if anything. Rejects with STORE where the file cannot be read or does not say what such a
 * file says: going on without it would drop the promise it makes.
 */
export async function recordOf(place: ModelPlace, id: string): Promise<RecordedModel | undefined> {
  return (await readRecords(place)).get(id)
}

export async function readRecords(place: ModelPlace): Promise<Map<string, RecordedModel>> {
  const text = await unlessAbsent(place.lockFile, path => readFile(path, 'utf8'))
  if (text === undefined) return new Map()
  const models = new Map<string, RecordedModel>()
  try {
    const file = JSON.parse(text) as { version?: unknown; models?: Record<string, unknown> }
    if (file.version !== 1) throw new Error(`its version is ${JSON.stringify(file.version)}, not 1`)
    for (const [id, model] of Object.entries(file.models ?? {})) models.set(id, checked(id, model))
  } catch (error) {
    throw new OpDbusError(
      'STORE',
      `cannot use the lock file ${place.lockFile}: ${(error as Error).message}\nrepair it, or remove it to forget which commits were pulled`,
      { cause: error, details: { file: place.lockFile } },
    )
  }
  return models
}

/** Records `model` under `id`, or forgets it (undefined); other models' entries stay. Writes only what changed. */
export async function writeRecord(
  place: ModelPlace,
  id: string,
  model: RecordedModel | undefined,
  options: LockOptions,
): Promise<void> {
  if (same(await recordOf(place, id), model)) return
  await withLock(join(place.dir, '.locks', 'op-dbus-models.lock'), options, async () => {
    const models = await readRecords(place)
    if (model) models.set(id, model)
    else models.delete(id)
    await replaceText(place.lockFile, render(models), options.io.id())
  })
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
