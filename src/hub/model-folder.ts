// A model folder on this machine's disk: the ModelFolder port over node:fs. Large files are hashed once, then remembered.
// What is small is read at once: the way through the thread pool costs a process that answers from disk more than the reading.

import { createHash } from 'node:crypto'
import {
  closeSync,
  constants,
  createReadStream,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  realpathSync,
  statSync,
} from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import {
  type DigestedFile,
  HEAD_BYTES,
  type ModelFile,
  type ModelFolder,
  standIn,
  unsupported,
} from '../embedder/model/folder.js'
import { externalDataOf, ONNX_FOLDERS } from '../embedder/model/table.js'
import { OpDbusError } from '../errors.js'
import { unlessAbsent } from '../fs/files.js'
import { makeFolder } from '../fs/folders.js'
import { replaceWith } from '../fs/replace.js'

type Digest = Pick<DigestedFile, 'sha256' | 'dynamic'>

/** What files hashed to, by real path, valid while the stamp is the same. */
export interface DigestMemo {
  get(path: string, stamp: string): Promise<Digest | undefined>
  /** Never rejects: a memo that cannot be written costs time, nothing else. */
  set(path: string, stamp: string, digest: Digest): Promise<void>
}

/** Throws where `file`, whose bytes hash to `sha256` (large ones: with the weights beside them), is not what was recorded. */
export type Check = (file: string, sha256: string) => void

/** The folder at `path`, called `id` in messages. Rejects with STORE for what is there but cannot be read, and as `check` says. */
export function diskFolder(id: string, path: string, memo: DigestMemo, check: Check = () => {}): ModelFolder {
  return {
    id,
    text: file =>
      unlessAbsent(join(path, file), async full => {
        const bytes = await readSmall(full)
        check(file, createHash('sha256').update(bytes).digest('hex'))
        return bytes.toString('utf8')
      }),
    digest: file =>
      unlessAbsent(join(path, file), async full => {
        const digest = await digestFile(full, memo)
        check(file, digest.sha256)
        refuseStandIns(id, file, full)
        return digest
      }),
    onnxFiles: async () => {
      const found: string[] = []
      for (const folder of ONNX_FOLDERS)
        for (const name of (await unlessAbsent(join(path, folder), async full => readdirSync(full))) ?? [])
          if (name.endsWith('.onnx')) found.push(folder + name)
      return found
    },
  }
}

/** Size, times and inode of a file, and of the weights beside it if it is an ONNX file. Any write changes it. */
export async function fileStamp(path: string): Promise<string> {
  const stamps: string[] = []
  for (const part of partsOf(path)) {
    const { size, mtimeNs, ctimeNs, ino } = statSync(part, { bigint: true })
    stamps.push(`${size}-${mtimeNs}-${ctimeNs}-${ino}`)
  }
  return stamps.join('+')
}

/** Whether the file still holds what its space was computed from: the same stamp, or after a mere touch the same bytes. */
export async function isUnchanged(file: ModelFile): Promise<boolean> {
  const now = await unlessAbsent(file.path, async path => {
    if ((await fileStamp(path)) === file.stamp) return file
    return digestFile(path, digestMemo(undefined))
  })
  return now?.sha256 === file.sha256
}

/** Throws UNSUPPORTED_MODEL where a file, or one of the weights beside it, is a pointer, a page or nothing. */
function refuseStandIns(id: string, file: string, path: string): void {
  for (const part of partsOf(path)) {
    const what = standIn(headOf(part))
    if (what !== undefined) throw unsupported({ id }, join(dirname(file), basename(part)), what)
  }
}

function headOf(path: string): string {
  const file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  try {
    const head = Buffer.alloc(HEAD_BYTES)
    return head.toString('latin1', 0, readSync(file, head, 0, HEAD_BYTES, 0))
  } finally {
    closeSync(file)
  }
}

/** The bytes of a file of some KB; one that may make its reader wait (a FIFO) makes the thread pool wait, and not us. */
async function readSmall(path: string): Promise<Buffer> {
  return statSync(path).isFile() ? readFileSync(path) : readFile(path)
}

/** The file, and the files that exporters put beside a model too large for one. */
function partsOf(path: string): string[] {
  if (!path.endsWith('.onnx')) return [path]
  const names = readdirSync(dirname(path))
  return [path, ...externalDataOf(basename(path), names.sort()).map(name => join(dirname(path), name))]
}

async function digestFile(path: string, memo: DigestMemo): Promise<DigestedFile> {
  const stamp = await fileStamp(path)
  const real = realpathSync.native(path)
  const known = await memo.get(real, stamp)
  if (known) return { path, stamp, ...known }
  const digests: Digest[] = []
  for (const part of partsOf(path)) digests.push(await hashFile(part))
  if ((await fileStamp(path)) !== stamp) throw new OpDbusError('STORE', `${path} changed while it was read`)
  const [first, ...beside] = digests.map(digest => digest.sha256)
  const digest: Digest = {
    sha256: joined(first!, beside),
    dynamic: digests.some(part => part.dynamic),
  }
  await memo.set(real, stamp, digest)
  return { path, stamp, ...digest }
}

/** One digest for a file and for those beside it, in the order of their names. */
export function joined(first: string, beside: readonly string[]): string {
  return beside.length === 0
    ? first
    : createHash('sha256')
        .update([first, ...beside].join())
        .digest('hex')
}

/** The operator's name stands in the graph as plain bytes. */
const DYNAMIC = Buffer.from('DynamicQuantizeLinear')

async function hashFile(path: string): Promise<Digest> {
  const hash = createHash('sha256')
  let dynamic = false
  let tail: Buffer = Buffer.alloc(0)
  // Chunks of 1 MiB keep each turn of the event loop under about 2 ms.
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
    hash.update(chunk)
    dynamic ||= chunk.includes(DYNAMIC) || Buffer.concat([tail, chunk.subarray(0, DYNAMIC.length)]).includes(DYNAMIC)
    tail = chunk.subarray(-DYNAMIC.length)
  }
  return { sha256: hash.digest('hex'), dynamic }
}

interface MemoFile {
  readonly version: 1
  readonly digests: Readonly<Record<string, Digest & { readonly stamp: string }>>
}

/** Files remembered; the ones remembered longest go first. */
const MEMO_ENTRIES = 64

/** A memo in the JSON file at `path`, read once, replaced as a whole; without a path nothing is remembered. */
export function digestMemo(path: string | undefined): DigestMemo {
  async function read(): Promise<MemoFile['digests']> {
    try {
      const memo = JSON.parse((await readSmall(path!)).toString('utf8')) as MemoFile
      return memo.version === 1 ? (memo.digests ?? {}) : {}
    } catch {
      return {}
    }
  }
  let seen: Promise<MemoFile['digests']> | undefined
  return {
    async get(file, stamp) {
      if (path === undefined) return undefined
      seen ??= read()
      const known = (await seen)[file]
      if (known?.stamp !== stamp || !/^[0-9a-f]{64}$/.test(known.sha256)) return undefined
      return { sha256: known.sha256, dynamic: known.dynamic === true }
    },
    async set(file, stamp, digest) {
      if (path === undefined) return
      try {
        // A file of that name that is not ours is left alone.
        const there = (await unlessAbsent(path, readSmall))?.toString('utf8')
        if (there !== undefined && !there.startsWith('{\n "version": 1,')) return
        const { [file]: _old, ...others } = await read()
        const kept = Object.entries(others).slice(1 - MEMO_ENTRIES)
        const memo: MemoFile = { version: 1, digests: { ...Object.fromEntries(kept), [file]: { stamp, ...digest } } }
        makeFolder(dirname(path))
        seen = undefined
        await replaceWith(path, 0o600, temporary => temporary.writeFile(`${JSON.stringify(memo, undefined, 1)}\n`))
      } catch {
        // As the port says: the file is hashed again next time.
      }
    },
  }
}
