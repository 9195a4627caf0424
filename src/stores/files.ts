// One JSON document per entry, for the few and small: blocks and queries. Bounded in number and age; never touches a
// file that is not ours.
import { rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { abortError, OpDbusError } from '../errors.js'
import { guarded, quietly } from '../fs/errno.js'
import { readFile, statOf, unlink } from '../fs/files.js'
import { isFolder, makeFolder, namesIn } from '../fs/folders.js'
import { HeldFile } from '../fs/held-file.js'
import { replaceFile } from '../fs/replace.js'
import type { HeldEntry } from '../held-entry.js'
import type { CallOptions, Clock, Crc32, Hash, Key, Store, StoreCounters } from '../ports.js'

/*
   <dir>/<key>.json      {"op-dbus":1,"crc32":"0f3a91bc","document":<the value's bytes>}\n
   <dir>/.<key>.<8 hex>.tmp   being written; renamed when whole
   <dir>/.epoch          a random token, replaced by `clear`, so that other processes notice

   The CRC-32 covers the key and the value, so that a damaged or misplaced file is a miss. Where the value is JSON, the
   whole file is. A file without our first bytes is somebody else's: it is neither read, nor replaced, nor removed.
*/
const MAGIC = '{"op-dbus":1,"crc32":"'
const MIDDLE = '","document":'
const END = '}\n'
const HEAD_BYTES = MAGIC.length + 8 + MIDDLE.length
const EPOCH = '.epoch'
const TOKEN = /^[0-9a-f]{32}\n$/
const TOKEN_BYTES = 33
/** Never blank: stands for a file that cannot be looked into. */
const NOTHING = Uint8Array.of(1)
const SUFFIX = '.json'
const KEY = /^[a-z0-9_-][a-z0-9._-]{0,99}$/
const TEMPORARY = /^\.[a-z0-9_-][a-z0-9._-]{0,99}\.[0-9a-f]{8}\.tmp$/
/** A temporary file this old has no writer any more, in ms. */
const ORPHAN_MS = 60_000
/** Expired files are looked for this often, in ms. */
const SWEEP_MS = 60_000

export interface FileStoreOptions {
  /** What the store is called in messages. */
  readonly name: string
  /** The folder; made, with 0700, at the first write. */
  readonly dir: string
  /** Files kept; the oldest go first. */
  readonly maxEntries: number
  /** A file older than this, in ms, is removed at the first look and every minute. Absent: never. */
  readonly maxAgeMs?: (key: Key) => number
  /** Which files are entries for `size`, `list` and `verify`; the others only accompany them. Absent: all. */
  readonly isEntry?: (key: Key) => boolean
  /** Which files neither `clear` nor want of room removes: age alone does, and who names them. Absent: none. */
  readonly outlives?: (key: Key) => boolean
  /** A file longer than this is damaged or not ours, and a value longer than this is refused. Default 64 MiB. */
  readonly maxBytes?: number
  readonly clock: Clock
  readonly hash: Hash
  readonly crc32: Crc32
}

export interface FileReport {
  /** Files with our first bytes. */
  readonly files: number
  /** Those of them that are entries and whose check holds. */
  readonly entries: number
  /** Those of them whose check does not. */
  readonly damaged: number
  /** Of the entries. */
  readonly bytes: number
  /** Other files of our name; left alone. */
  readonly foreign: number
}

export interface FileStore extends Store {
  getSync(key: Key): Uint8Array | undefined
  /** One entry, held: undefined where there is none that is whole. Let go of it. */
  holdSync(key: Key): HeldEntry | undefined
  /** One entry, written before this returns: for what must not wait, such as a process's exit. */
  setSync(key: Key, value: Uint8Array): void
  /** By their files' names alone, which may be damaged or not ours. */
  keysSync(): readonly Key[]
  /** Where an entry lies, for messages. */
  pathOf(key: Key): string
  clearedElsewhere(): boolean
  /** As `clear`, and the folder itself goes, unless something of somebody else's is in it: for one that nobody uses any more. */
  remove(): Promise<void>
  /** Reads everything there is. */
  verify(): Promise<FileReport>
  readonly counters: Readonly<StoreCounters>
}

/** Creates nothing and reads nothing until it is used. */
export function openFileStore(options: FileStoreOptions): FileStore {
  const { dir, clock, crc32, isEntry = () => true, outlives = () => false } = options
  const maxBytes = options.maxBytes ?? 64 * 2 ** 20
  const encoder = new TextEncoder()
  const counters: StoreCounters = { damaged: 0, evicted: 0 }
  let closed = false
  let epoch: string | undefined
  let entries: number | undefined
  let timer: NodeJS.Timeout | undefined

  const enter = (keys: readonly Key[], call?: CallOptions): void => {
    if (closed) throw new OpDbusError('CLOSED', `the ${options.name} store is closed`)
    if (call?.signal?.aborted) throw abortError(call.signal)
    for (const key of keys) {
      if (!KEY.test(key)) throw new OpDbusError('INVALID_INPUT', `not a key: ${JSON.stringify(key)}`)
    }
    if (timer === undefined && options.maxAgeMs !== undefined) {
      timer = setInterval(() => quietly(sweep), SWEEP_MS)
      timer.unref()
      quietly(sweep)
    }
  }
  const pathOf = (key: Key): string => join(dir, key + SUFFIX)
  const checksum = (key: Key, value: Uint8Array): string =>
    crc32(value, crc32(encoder.encode(key)))
      .toString(16)
      .padStart(8, '0')

  /** Absent, foreign and damaged are all undefined; damage is counted. */
  function read(key: Key): Uint8Array | undefined {
    const bytes = readFile(pathOf(key), maxBytes + HEAD_BYTES + END.length)
    return bytes && valueIn(key, bytes)
  }

  function valueIn(key: Key, bytes: Uint8Array): Uint8Array | undefined {
    if (!isOurs(bytes)) return undefined
    const value = bytes.subarray(HEAD_BYTES, bytes.length - END.length)
    const head = text(bytes.subarray(0, HEAD_BYTES))
    const whole = bytes.length >= HEAD_BYTES + END.length && text(bytes.subarray(-END.length)) === END
    if (whole && head === MAGIC + checksum(key, value) + MIDDLE) return value
    counters.damaged++
    return undefined
  }

  function write(key: Key, value: Uint8Array): void {
    const path = pathOf(key)
    const there = look(path)
    if (there === 'foreign' && !isLeftOver(readFile(path, maxBytes) ?? NOTHING)) return
    const temporary = join(dir, `.${key}.${options.hash.random(4)}.tmp`)
    const file = Buffer.concat([encoder.encode(MAGIC + checksum(key, value) + MIDDLE), value, encoder.encode(END)])
    replaceFile(path, file, temporary, { sync: false })
    if (there !== 'ours' && entries !== undefined) entries++
  }

  function set(items: readonly (readonly [Key, Uint8Array])[], call?: CallOptions): void {
    const keys = items.map(([key]) => key)
    enter(keys, call)
    const large = items.find(([, value]) => value.length > maxBytes)
    if (large) throw new OpDbusError('INVALID_INPUT', `${large[0]}: more than ${maxBytes} bytes`)
    if (items.length === 0) return
    guarded(dir, () => {
      makeFolder(dir)
      if (!isFolder(dir)) throw new OpDbusError('STORE', `not a folder of its own: ${dir}`, { details: { dir } })
      for (const [key, value] of items) write(key, value)
      trim()
    })
  }

  /** Keeps the number of files within bounds. Other processes write too, so the count is taken anew when it is over. */
  function trim(): void {
    // By name alone: where even these are few enough, none need be looked into.
    entries ??= keysByName().length
    if (entries <= options.maxEntries) return
    const spare = ours().filter(({ key }) => !outlives(key))
    const files = spare.sort((a, b) => a.mtimeMs - b.mtimeMs)
    // A little more than needed, so that a full folder is not listed at every write.
    const keep = options.maxEntries - Math.floor(options.maxEntries / 16)
    const extra = files.length > options.maxEntries ? files.slice(0, files.length - keep) : []
    for (const { key } of extra) if (remove(key)) counters.evicted++
    entries = files.length - extra.length
  }

  function sweep(): void {
    const now = clock.now()
    for (const { key, mtimeMs } of ours()) {
      if (now - mtimeMs > options.maxAgeMs!(key)) remove(key)
    }
    for (const name of namesIn(dir)) {
      if (TEMPORARY.test(name) && now - (statOf(join(dir, name))?.mtimeMs ?? now) > ORPHAN_MS) unlink(join(dir, name))
    }
    entries = undefined
  }

  /** Removes a file of ours; false when there was none. */
  function remove(key: Key): boolean {
    return look(pathOf(key)) === 'ours' && removeSeen(key)
  }

  /** The same for one that was just seen to be ours. */
  function removeSeen(key: Key): boolean {
    if (!unlink(pathOf(key))) return false
    if (entries !== undefined) entries--
    return true
  }

  function look(path: string): 'absent' | 'ours' | 'foreign' {
    const stats = statOf(path)
    if (stats === undefined) return 'absent'
    if (!stats.isFile()) return 'foreign'
    const bytes = readFile(path, maxBytes + HEAD_BYTES + END.length, MAGIC.length)
    return bytes !== undefined && isOurs(bytes) ? 'ours' : 'foreign'
  }

  /** Of files that have a name of ours. */
  function keysByName(): Key[] {
    const names = namesIn(dir).filter(name => name.endsWith(SUFFIX))
    return names.map(name => name.slice(0, -SUFFIX.length) as Key).filter(key => KEY.test(key))
  }

  function ours(): { key: Key; bytes: number; mtimeMs: number }[] {
    const found = []
    for (const key of keysByName()) {
      const path = pathOf(key)
      const stats = look(path) === 'ours' ? statOf(path) : undefined
      if (stats) found.push({ key, bytes: stats.size, mtimeMs: stats.mtimeMs })
    }
    return found
  }

  function removeOurs(spared: (key: Key) => boolean = () => false): void {
    for (const { key } of ours()) if (!spared(key)) remove(key)
    for (const name of namesIn(dir)) if (TEMPORARY.test(name)) unlink(join(dir, name))
    entries = undefined
  }

  function isOurEpoch(): boolean {
    const bytes = readFile(join(dir, EPOCH), TOKEN_BYTES)
    return bytes !== undefined && TOKEN.test(text(bytes))
  }

  function readEpoch(): string {
    const stats = statOf(join(dir, EPOCH))
    return stats ? `${stats.ino} ${stats.mtimeMs}` : ''
  }

  return {
    name: options.name,
    counters,
    pathOf,
    getSync(key) {
      enter([key])
      return guarded(dir, () => read(key))
    },
    holdSync(key) {
      enter([key])
      return guarded(dir, () => {
        const file = HeldFile.open(pathOf(key), maxBytes + HEAD_BYTES + END.length, () => clock.monotonic())
        const value = file && valueIn(key, file.bytes)
        if (value !== undefined) return { value, stands: () => file!.stands(), release: () => file!.release() }
        file?.release()
        return undefined
      })
    },
    keysSync() {
      enter([])
      return guarded(dir, keysByName)
    },
    async getMany(keys, call) {
      enter(keys, call)
      return guarded(dir, () => keys.map(read))
    },
    setSync(key, value) {
      set([[key, value]])
    },
    async setMany(items, call) {
      set(items, call)
    },
    async deleteMany(keys) {
      enter(keys)
      // A damaged file counts as gone already, but goes.
      return guarded(dir, () => keys.filter(key => read(key) !== undefined && removeSeen(key)).length)
    },
    async *list() {
      enter([])
      for (const key of guarded(dir, keysByName).filter(isEntry)) {
        const value = guarded(dir, () => read(key))
        if (value !== undefined) yield { key, bytes: value.length }
      }
    },
    async size() {
      enter([])
      const files = guarded(dir, ours).filter(({ key }) => isEntry(key))
      return { entries: files.length, bytes: files.reduce((sum, file) => sum + file.bytes, 0) }
    },
    async verify() {
      enter([])
      return guarded(dir, () => {
        const files = ours()
        const whole = files.filter(({ key }) => read(key) !== undefined)
        const entries = files.filter(({ key }) => isEntry(key))
        return {
          files: files.length,
          entries: whole.filter(({ key }) => isEntry(key)).length,
          damaged: files.length - whole.length,
          bytes: entries.reduce((sum, file) => sum + file.bytes, 0),
          foreign: keysByName().length - files.length,
        }
      })
    },
    async clear() {
      enter([])
      guarded(dir, () => {
        if (statOf(dir) === undefined) return
        // What a link leads to is not ours to clear.
        if (!isFolder(dir)) throw new OpDbusError('STORE', `not a folder of its own: ${dir}`, { details: { dir } })
        if (statOf(join(dir, EPOCH)) === undefined || isOurEpoch()) {
          const temporary = join(dir, `.epoch.${options.hash.random(4)}.tmp`)
          replaceFile(join(dir, EPOCH), encoder.encode(`${options.hash.random(16)}\n`), temporary, { sync: false })
        }
        epoch = readEpoch()
        removeOurs(outlives)
      })
    },
    async remove() {
      enter([])
      guarded(dir, () => {
        if (!isFolder(dir)) return
        removeOurs()
        if (isOurEpoch()) unlink(join(dir, EPOCH))
        // Not empty: what is left is somebody else's.
        quietly(() => rmdirSync(dir))
      })
    },
    clearedElsewhere() {
      const now = readEpoch()
      const before = epoch ?? now
      epoch = now
      if (now === before) return false
      entries = undefined
      return true
    },
    async close() {
      closed = true
      clearInterval(timer)
    },
  }
}

function isOurs(bytes: Uint8Array): boolean {
  return text(bytes.subarray(0, MAGIC.length)) === MAGIC
}

/** What a power cut may leave of a file of ours. It says nothing, so it may be written over, but whose it is nobody knows. */
function isLeftOver(bytes: Uint8Array): boolean {
  return bytes.every(byte => byte === 0) || (bytes.length < MAGIC.length && MAGIC.startsWith(text(bytes)))
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
}
