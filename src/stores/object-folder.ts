// Objects as files in a folder, under the names that S3 would give them. Replaces no file, and follows no link below the folder.
import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import { messageOf, OpDbusError, throwIfAborted } from '../errors.js'
import { isAbsent } from '../fs/errno.js'
import { openToRead, statOf } from '../fs/files.js'
import { isFolder, makeFolder } from '../fs/folders.js'
import { createBeside, discard, placeNew, syncFolder, syncHandle } from '../fs/replace.js'
import type { CallOptions, ObjectSource, ObjectStore } from '../ports.js'

const NAME = /^[a-z0-9-]+(\.[a-z0-9]+)?(\/[a-z0-9-]+(\.[a-z0-9]+)?)*$/

/** Touches nothing: the first object makes the folder. */
export function openObjectFolder(dir: string): ObjectStore {
  return {
    at: dir,
    putNew: (name, source, call) => told(dir, () => putNew(dir, name, source, call)),
    read: (name, call) => read(dir, name, call),
    list: call => list(dir, dir, call),
  }
}

async function putNew(dir: string, name: string, source: ObjectSource, { signal }: CallOptions = {}): Promise<boolean> {
  const path = pathOf(dir, name)
  if (statOf(path) !== undefined) return false
  makeFolder(dirname(path))
  refuseLinks(dir, dirname(path))
  const draft = await createBeside(path, 0o600)
  let placed = false
  try {
    for (const piece of source.pieces()) {
      throwIfAborted(signal)
      await draft.file.writeFile(piece)
    }
    await syncHandle(draft.file)
    placed = placeNew(path, draft.path)
    syncFolder(dirname(path))
    return placed
  } finally {
    if (placed) await draft.file.close()
    else await discard(draft)
  }
}

async function* read(
  dir: string,
  name: string,
  { from = 0, signal }: CallOptions & { readonly from?: number } = {},
): AsyncIterable<Uint8Array> {
  const path = pathOf(dir, name)
  refuseLinks(dir, dirname(path))
  const fd = await told(dir, async () => openToRead(path))
  if (fd === undefined || !statOf(path)?.isFile()) {
    throw new OpDbusError('STORE', `${path} is not there, or no file`, { details: { why: 'absent', file: path } })
  }
  const stream = createReadStream(path, { fd, start: from, highWaterMark: 2 ** 20 })
  try {
    for await (const piece of stream) {
      throwIfAborted(signal)
      yield piece as Uint8Array
    }
  } catch (error) {
    throw asError(dir, error)
  } finally {
    stream.destroy()
  }
}

async function* list(top: string, dir: string, call: CallOptions = {}): ReturnType<ObjectStore['list']> {
  const entries = await readdir(dir, { withFileTypes: true }).catch((error: unknown) => {
    if (isAbsent(error)) return []
    throw asError(top, error)
  })
  for (const entry of entries) {
    throwIfAborted(call.signal)
    const path = join(dir, entry.name)
    if (entry.isDirectory()) yield* list(top, path, call)
    const name = relative(top, path).replaceAll(sep, '/')
    if (entry.isFile() && NAME.test(name)) yield { name, bytes: statOf(path)?.size ?? 0 }
  }
}

function pathOf(dir: string, name: string): string {
  if (!NAME.test(name)) throw new OpDbusError('INVALID_INPUT', `${JSON.stringify(name)} is no name of an object`)
  return join(dir, ...name.split('/'))
}

/** A link in place of a folder of ours would have us write elsewhere. The folder itself may be one. */
function refuseLinks(dir: string, path: string): void {
  for (let at = path; at !== dir && at !== dirname(at); at = dirname(at)) {
    if (statOf(at) !== undefined && !isFolder(at)) {
      throw new OpDbusError('STORE', `${at} is no folder of its own: nothing is read or written through it`)
    }
  }
}

async function told<T>(dir: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    throw asError(dir, error)
  }
}

function asError(dir: string, error: unknown): unknown {
  if (error instanceof OpDbusError || typeof (error as { code?: unknown }).code !== 'string') return error
  return new OpDbusError('STORE', `cannot use the folder ${dir}: ${messageOf(error)}`, {
    cause: error,
    details: { dir },
  })
}
