// The index of the chain: where each block lies, in files of a thousand in the cache folder. Derived, and believed by nobody: whoever
// asks compares the hash with what lies there. Nothing here throws; where nothing can be kept on the disk, memory has to do.
import * as fs from 'node:fs'
import { join } from 'node:path'
import { messageOf } from '../../errors.js'
import { quietly } from '../../fs/errno.js'
import { openToRead, readAt, readFile, statOf, unlink } from '../../fs/files.js'
import { makeFolder, namesIn } from '../../fs/folders.js'
import { replaceFile } from '../../fs/replace.js'
import type { Clock, Crc32, Hash, Warn } from '../../ports.js'
import type { BlockIndex, BlockTimes, Location, StoredPlaces } from '../ports.js'
import { isOurIndexFile, sizeOfBlockIndex } from './index-folder.js'
import {
  drawIndexFile,
  ENTRY_BYTES,
  entriesIn,
  entryAt,
  FILE_BYTES,
  HEADER_BYTES,
  INDEX_FILE,
  type IndexHeader,
  indexFileName,
  isHeaderOf,
  MAX_INDEXED,
  PER_FILE,
  readEntry,
  readIndexFile,
  readIndexHeader,
} from './index-format.js'
import { isSame, Thousand } from './index-thousand.js'

export interface BlockIndexOptions {
  /** `<cacheDir>/blocks`; undefined where nothing is kept on the disk. Made with the first file. */
  readonly dir: string | undefined
  /** The hash of block 0, by which files of several chains in one folder are told apart; undefined where there is none yet. Asked once. */
  readonly chain: () => string | undefined
  readonly clock: Clock
  readonly hash: Hash
  readonly crc32: Crc32
  /** Told when nothing can be kept on the disk. */
  readonly warn: Warn
}

/** Files that are open at a time. */
const MOST_OPEN = 64
/** Thousands that memory holds at most: those that are not on the disk as they are. */
const MOST_HELD = 16
/** Thousands that may wait to be written. */
const MOST_DUE = 8
/** A thousand whose end is not known is written when so many entries of it are new. */
const WORTH_WRITING = 250
/** After a write that failed, the disk is left alone for so long, in ms. */
const PAUSE_MS = 60_000

interface OpenIndexFile {
  readonly fd: number
  /** Its first line. Read at once, and understood once somebody wants to know. */
  readonly line: Uint8Array
}

/** Creates and opens nothing until it is used. */
export function openBlockIndex(options: BlockIndexOptions): BlockIndex {
  return new IndexFiles(options)
}

class IndexFiles implements BlockIndex {
  readonly #options: BlockIndexOptions
  #chain: string | undefined
  /** By the number of the first block; the one used last is last. */
  readonly #open = new Map<number, OpenIndexFile>()
  readonly #held = new Map<number, Thousand>()
  readonly #due = new Set<number>()
  #turn: NodeJS.Immediate | undefined
  #pausedUntil = Number.NEGATIVE_INFINITY
  #closed = false

  constructor(options: BlockIndexOptions) {
    this.#options = options
  }

  find(number: number): Location | undefined {
    const first = firstOf(number)
    if (first === undefined) return undefined
    return this.#held.get(first)?.entries[number - first] ?? this.#onDisk(number, first)
  }

  times(number: number): BlockTimes | undefined {
    const first = firstOf(number)
    if (first === undefined) return undefined
    const held = this.#held.get(first)
    if (held !== undefined) return held.times()
    const header = this.#header(first)
    const last = header?.timed ? this.#onDisk(first + PER_FILE - 1, first) : undefined
    return last && { first, last: last.number, hash: last.hash, least: header!.least, greatest: header!.greatest }
  }

  stored(number: number): StoredPlaces | undefined {
    const first = firstOf(number)
    const path = first === undefined ? undefined : this.#pathOf(first)
    let bytes: Uint8Array | undefined
    quietly(() => {
      bytes = path === undefined ? undefined : readFile(path, FILE_BYTES)
    })
    if (first === undefined || bytes?.length !== FILE_BYTES || !isHeaderOf(bytes, this.#chain!, first)) return undefined
    const header = readIndexHeader(bytes, this.#options.crc32)
    const places = entriesIn(bytes, first)
    const last = places.at(-1)
    const { least, greatest } = header ?? {}
    const times = header?.timed &&
      last && { first, last: last.number, hash: last.hash, least: least!, greatest: greatest! }
    return { first, sound: readIndexFile(bytes, this.#options.crc32) !== undefined, places, times: times || undefined }
  }

  learn(locations: readonly Location[]): void {
    for (let at = 0; at < locations.length; ) {
      const first = firstOf(locations[at]!.number)
      if (first === undefined || this.#closed) return
      const end = Math.min(locations.length, at + first + PER_FILE - locations[at]!.number)
      this.#learnPart(first, locations.slice(at, end))
      at = end
    }
  }

  forget(number: number): void {
    const first = firstOf(number)
    if (first === undefined) return
    this.#drop(first)
    const path = this.#pathOf(first)
    if (path !== undefined) quietly(() => isOurIndexFile(path) && unlink(path))
  }

  reset(): void {
    for (const first of [...this.#held.keys(), ...this.#open.keys()]) this.#drop(first)
    this.#chain = undefined
  }

  remove(from: number, to: number): void {
    const { dir } = this.#options
    const chain = this.#pathOf(0)
    if (dir === undefined || chain === undefined) return
    for (const name of namesIn(dir)) {
      const first = INDEX_FILE.test(name) ? Number(name.slice(-17, -5)) : undefined
      if (first === undefined || first >= to || first + PER_FILE <= from) continue
      const path = join(dir, name)
      if (path === this.#pathOf(first)) quietly(() => isOurIndexFile(path) && unlink(path))
    }
  }

  size(): { blocks: number; bytes: number } {
    const { dir, crc32 } = this.#options
    let sum = { entries: 0, bytes: 0 }
    quietly(() => {
      if (dir !== undefined && this.#pathOf(0) !== undefined)
        sum = sizeOfBlockIndex(dir, crc32, `${this.#chain!.slice(0, 16)}-`)
    })
    return { blocks: sum.entries, bytes: sum.bytes }
  }

  close(): void {
    if (this.#closed) return
    for (const first of [...this.#due]) this.#save(first)
    this.#closed = true
    this.reset()
    clearImmediate(this.#turn)
  }

  #learnPart(first: number, part: readonly Location[]): void {
    let held = this.#held.get(first)
    if (held === undefined) {
      if (this.#says(first, part[0]!, part.at(-1)!)) return
      held = this.#begin(first)
    }
    for (const location of part) held.learn(location)
    const ends = part.at(-1)!.number === first + PER_FILE - 1 || held.known === PER_FILE
    if (held.news >= WORTH_WRITING || (held.news > 0 && ends) || held.seenWhole) this.#saveSoon(first)
  }

  /** Whether a complete file says the same of both ends; then it does of all between, or is found out where it does not. */
  #says(first: number, one: Location, other: Location): boolean {
    if (!this.#header(first)?.timed) return false
    return [one, other].every(location => {
      const said = this.#onDisk(location.number, first)
      return said !== undefined && isSame(said, location)
    })
  }

  #begin(first: number): Thousand {
    const path = this.#pathOf(first)
    let before: ReturnType<typeof readIndexFile>
    quietly(() => {
      const bytes = path === undefined ? undefined : readFile(path, FILE_BYTES)
      before = bytes && readIndexFile(bytes, this.#options.crc32)
    })
    const good = before !== undefined && before.chain === this.#chain && before.first === first
    const held = new Thousand(first, good ? before!.entries : [])
    this.#held.set(first, held)
    // The one that is not touched for longest; what it knows is found anew by whoever needs it.
    if (this.#held.size > MOST_HELD) this.#drop(this.#held.keys().next().value!)
    return held
  }

  /** A turn later: whoever appends does not wait for it. */
  #saveSoon(first: number): void {
    this.#due.add(first)
    if (this.#due.size > MOST_DUE) this.#save(this.#due.values().next().value!)
    this.#turn ??= setImmediate(() => {
      this.#turn = undefined
      const [next, another] = this.#due
      if (next !== undefined) this.#save(next)
      if (another !== undefined) this.#saveSoon(another)
    })
  }

  #save(first: number): void {
    this.#due.delete(first)
    const { dir, clock, hash, crc32, warn } = this.#options
    const held = this.#held.get(first)
    const path = this.#pathOf(first)
    if (held === undefined || dir === undefined || path === undefined || clock.monotonic() < this.#pausedUntil) return
    try {
      if (statOf(path) !== undefined && !isOurIndexFile(path)) return
      makeFolder(dir)
      const bytes = drawIndexFile(this.#chain!, { first, entries: held.entries, timed: held.seenWhole }, crc32)
      const temporary = join(dir, `.${indexFileName(this.#chain!, first)}.${hash.random(4)}.tmp`)
      // Not synced: a file that a power cut spoils is not believed.
      replaceFile(path, bytes, temporary, { sync: false })
    } catch (error) {
      this.#pausedUntil = clock.monotonic() + PAUSE_MS
      warn(`cannot keep the index of the chain in ${dir}: ${messageOf(error)}`, error)
      return
    }
    this.#closeFile(first)
    held.news = 0
    if (held.seenWhole) this.#held.delete(first)
  }

  #onDisk(number: number, first: number): Location | undefined {
    const file = this.#file(first)
    if (file === undefined) return undefined
    let entry: Location | undefined
    quietly(() => {
      const line = Buffer.allocUnsafe(ENTRY_BYTES)
      if (readAt(file.fd, line, entryAt(number)) === ENTRY_BYTES) entry = readEntry(line, number)
    })
    // Perhaps another process knows more by now, and has written that under this name.
    if (entry === undefined) this.#closeFile(first)
    return entry
  }

  #header(first: number): IndexHeader | undefined {
    const file = this.#file(first)
    return file && readIndexHeader(file.line, this.#options.crc32)
  }

  #file(first: number): OpenIndexFile | undefined {
    const known = this.#open.get(first)
    if (known !== undefined) {
      this.#open.delete(first)
      this.#open.set(first, known)
      return known
    }
    const file = this.#openFile(first)
    if (file === undefined) return undefined
    this.#open.set(first, file)
    if (this.#open.size > MOST_OPEN) this.#closeFile(this.#open.keys().next().value!)
    return file
  }

  #openFile(first: number): OpenIndexFile | undefined {
    const path = this.#closed ? undefined : this.#pathOf(first)
    if (path === undefined) return undefined
    let fd: number | undefined
    let good = false
    const line = Buffer.allocUnsafe(HEADER_BYTES)
    quietly(() => {
      fd = openToRead(path)
      if (fd === undefined) return
      const stats = fs.fstatSync(fd)
      if (!stats.isFile() || stats.size !== FILE_BYTES || readAt(fd, line, 0) !== HEADER_BYTES) return
      good = isHeaderOf(line, this.#chain!, first)
    })
    if (fd !== undefined && good) return { fd, line }
    if (fd !== undefined) quietly(() => fs.closeSync(fd!))
    return undefined
  }

  #closeFile(first: number): void {
    const file = this.#open.get(first)
    this.#open.delete(first)
    if (file !== undefined) quietly(() => fs.closeSync(file.fd))
  }

  #drop(first: number): void {
    this.#held.delete(first)
    this.#due.delete(first)
    this.#closeFile(first)
  }

  /** Undefined where nothing is kept on the disk, or there is no chain yet. */
  #pathOf(first: number): string | undefined {
    const { dir, chain } = this.#options
    if (dir === undefined) return undefined
    this.#chain ??= chain()
    return this.#chain === undefined ? undefined : join(dir, indexFileName(this.#chain, first))
  }
}

/** The first number of the thousand; undefined for what is no number of a block, or one that is not kept. */
function firstOf(number: number): number | undefined {
  return Number.isSafeInteger(number) && number >= 0 && number < MAX_INDEXED ? number - (number % PER_FILE) : undefined
}
