// Objects as files in a folder, under the names that S3 would give them. Follows no link below the folder.
import * as fs from 'node:fs'
import { readdir } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import { messageOf, OpDbusError, throwIfAborted } from '../errors.js'
import { isAbsent } from '../fs/errno.js'
import { openToRead, statOf } from '../fs/files.js'
import { isFolder, makeFolder } from '../fs/folders.js'
import { createBeside, discard, placeNew, placeOver, syncFolder, syncHandle } from '../fs/replace.js'
import type { CallOptions, ObjectSource, ObjectStore } from '../ports.js'

const NAME = /^[a-z0-9-]+(\.[a-z0-9]+)?(\/[a-z0-9-]+(\.[a-z0-9]+)?)*$/

/** Touches nothing: the first object makes the folder. */
export function openObjectFolder(dir: string): ObjectStore {
  return {
    at: dir,
    putNew: (name, source, call) => told(dir, () => putNew(dir, name, source, call)),
    replace: (name, source, call) => told(dir, () => write(dir, name, source, call, placeOver)),
    read: (name, call) => read(dir, name, call),
    list: call => list(dir, dir, call),
  }
}

async function putNew(dir: string, name: string, source: ObjectSource, call?: CallOptions): Promise<boolean> {
  if (statOf(pathOf(dir, name)) !== undefined) return false
  let placed = false
  await write(dir, name, source, call, (path, draft) => {
    placed = placeNew(path, draft)
  })
  return placed
}

/** Writes all of it beside where it belongs, then has `place` give the draft its name, or leave it. */
async function write(
  dir: string,
  name: string,
  source: ObjectSource,
  { signal }: CallOptions = {},
  place: (path: string, draft: string) => void,
): Promise<void> {
  const path = pathOf(dir, name)
  refuseLinks(dir, dirname(path))
  makeFolder(dirname(path))
  const draft = await createBeside(path, 0o600)
  try {
    for (const piece of source.pieces()) {
      throwIfAborted(signal)
      await draft.file.writeFile(piece)
    }
    await syncHandle(draft.file)
    place(path, draft.path)
    syncFolder(dirname(path))
  } finally {
    // Under its own name it is no draft any more.
    await discard(draft)
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
  if (fd === undefined || !fs.fstatSync(fd).isFile()) {
    if (fd !== undefined) fs.closeSync(fd)
    throw new OpDbusError('STORE', `${path} is not there, or no file`, { details: { why: 'absent', file: path } })
  }
  const stream = fs.createReadStream(path, { fd, start: from, highWaterMark: 2 ** 20 })
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
    const name = relative(top, path).replaceAll(sep, '/')
    if (entry.isDirectory()) yield* list(top, path, call)
    else if (NAME.test(name)) yield { name, bytes: entry.isFile() ? (statOf(path)?.size ?? 0) : 0 }
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
