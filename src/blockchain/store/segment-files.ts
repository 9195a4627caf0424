// Open segments, and where their lines begin. A bounded number of files is open, a bounded number of tables is kept; both are made again
// where they are missing. Reads lines, and knows nothing of what is in them.
import * as fs from 'node:fs'
import { OpDbusError } from '../../errors.js'
import { errnoOf, inWords, isAbsent, quietly } from '../../fs/errno.js'
import { openToRead, readAt } from '../../fs/files.js'
import { inTheWay } from './faults.js'
import { type Layout, type Segment, segmentPath, segmentsIn } from './layout.js'

const MOST_OPEN = 64
const MOST_TABLES = 8
const PIECE = 1 << 20

/** Where the lines of a segment begin, as far as it was looked at. */
interface Table {
  readonly file: OpenSegment
  /** The first line begins at 0. One more than there are whole lines. */
  readonly starts: number[]
}

export interface OpenSegment {
  readonly fd: number
  readonly first: number
}

export class SegmentFiles {
  readonly #layout: Layout
  readonly #open = new Map<number, OpenSegment>()
  readonly #tables = new Map<number, Table>()
  #segments: readonly Segment[] | undefined

  constructor(layout: Layout) {
    this.#layout = layout
  }

  /** In order, as they were when somebody looked last. @throws OpDbusError STORE */
  list(): readonly Segment[] {
    this.#segments ??= segmentsIn(this.#layout)
    return this.#segments
  }

  /** @throws OpDbusError STORE */
  listAgain(): readonly Segment[] {
    this.#segments = undefined
    return this.list()
  }

  /** The segment in which a block of that number lies; undefined before the first. */
  segmentOf(number: number): number | undefined {
    const segments = this.list()
    let [low, high] = [0, segments.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (segments[middle]!.first <= number) low = middle + 1
      else high = middle
    }
    return segments[low - 1]?.first
  }

  /** Undefined where there is none. A file that another was put in place of is opened anew. @throws OpDbusError STORE */
  open(first: number): OpenSegment | undefined {
    const known = this.#open.get(first)
    if (known !== undefined) {
      if (fs.fstatSync(known.fd).nlink > 0) {
        if (this.#open.size > 1) {
          this.#open.delete(first)
          this.#open.set(first, known)
        }
        return known
      }
      this.#close(known)
    }
    const path = segmentPath(this.#layout, first)
    const fd = openSegment(path)
    if (fd === undefined) return undefined
    const file = { fd, first }
    this.#open.set(first, file)
    if (this.#open.size > MOST_OPEN) this.#close(this.#open.values().next().value!)
    return file
  }

  /** Offset and length of a line; undefined where the segment has fewer. @throws OpDbusError STORE */
  place(first: number, line: number): { offset: number; bytes: number } | undefined {
    const file = this.open(first)
    if (file === undefined) return undefined
    let table = this.#tables.get(first)
    if (table?.file !== file) table = { file, starts: [0] }
    this.#tables.delete(first)
    this.#tables.set(first, table)
    if (this.#tables.size > MOST_TABLES) this.#tables.delete(this.#tables.keys().next().value!)
    const { starts } = table
    if (line + 1 >= starts.length) extend(file.fd, starts)
    const [offset, next] = [starts[line], starts[line + 1]]
    return offset === undefined || next === undefined ? undefined : { offset, bytes: next - offset - 1 }
  }

  /** Counts lines anew the next time, and looks which segments there are. */
  recount(): void {
    this.#tables.clear()
    this.#segments = undefined
  }

  /** The files are others now. */
  forget(): void {
    for (const file of [...this.#open.values()]) this.#close(file)
    this.#segments = undefined
  }

  #close(file: OpenSegment): void {
    this.#open.delete(file.first)
    this.#tables.delete(file.first)
    quietly(() => fs.closeSync(file.fd))
  }
}

/** Undefined where there is none. @throws OpDbusError STORE where it cannot be read, or is no file */
export function openSegment(path: string): number | undefined {
  let fd: number | undefined
  try {
    fd = openToRead(path)
    if (fd === undefined) {
      if (fs.lstatSync(path, { throwIfNoEntry: false }) === undefined) return undefined
      throw inTheWay(path, 'no regular file')
    }
    if (fs.fstatSync(fd).isFile()) return fd
  } catch (error) {
    if (fd === undefined && isAbsent(error)) return undefined
    if (error instanceof OpDbusError) throw error
    throw new OpDbusError('STORE', `cannot read ${path}: ${inWords(error)}`, {
      cause: error,
      details: { file: path, errno: errnoOf(error) },
    })
  }
  fs.closeSync(fd)
  throw inTheWay(path, 'no regular file')
}

/** What was appended since. */
function extend(fd: number, starts: number[]): void {
  const buffer = Buffer.allocUnsafe(PIECE)
  for (let base = starts.at(-1)!; ; ) {
    const count = readAt(fd, buffer, base)
    const there = buffer.subarray(0, count)
    for (let at = there.indexOf(10); at >= 0; at = there.indexOf(10, at + 1)) starts.push(base + at + 1)
    if (count < buffer.length) return
    base += count
  }
}
