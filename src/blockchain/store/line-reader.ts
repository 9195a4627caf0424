// The lines of an open file, one after the other, in bounded memory. Knows nothing of blocks.
import { readAt } from '../../fs/files.js'
import { MAX_LINE_BYTES } from '../block.js'

export interface FileLine {
  readonly offset: number
  /** Without the line end; a piece alone of what is longer than a line may be. Stays as it is. */
  readonly bytes: Buffer
  /** Of the whole line, without its line end. */
  readonly length: number
  /** False for what stands behind the last line end. */
  readonly ended: boolean
}

const PIECE = 1 << 20
const LINE_END = 10

/** The lines from `from` to `end` (not included). `first`: bytes to read at first, where few lines are wanted. */
export function* linesOf(fd: number, from: number, end: number, first = PIECE): Generator<FileLine> {
  let buffer = Buffer.allocUnsafe(Math.max(1, Math.min(PIECE, first, end - from)))
  /** Where in the file the buffer begins, how much of it is filled, and how much of that was handed out. */
  let [base, filled, taken] = [from, 0, 0]
  /** Bytes of a line that is too long, which are not kept. */
  let dropped = 0
  for (;;) {
    const at = buffer.subarray(0, filled).indexOf(LINE_END, taken)
    if (at >= 0) {
      const length = at - taken + dropped
      yield { offset: base + taken - dropped, bytes: buffer.subarray(taken, at), length, ended: true }
      taken = at + 1
      dropped = 0
      continue
    }
    const kept = filled - taken
    if (kept === buffer.length && buffer.length > MAX_LINE_BYTES) {
      // No line of ours is as long.
      dropped += kept
      base += kept
      filled = 0
    } else if (kept === buffer.length) {
      const larger = Buffer.allocUnsafe(2 * buffer.length)
      buffer.copy(larger, 0, 0, filled)
      buffer = larger
    } else if (taken > 0) {
      buffer = moved(buffer, taken, filled)
      base += taken
      filled = kept
      taken = 0
    }
    const room = Math.min(buffer.length - filled, end - base - filled)
    const count = room > 0 ? readAt(fd, buffer.subarray(filled, filled + room), base + filled) : 0
    if (count === 0) {
      if (filled > taken || dropped > 0) {
        const length = filled - taken + dropped
        yield { offset: base + taken - dropped, bytes: buffer.subarray(taken, filled), length, ended: false }
      }
      return
    }
    filled += count
  }
}

/** Into a buffer of its own, with room: lines that were handed out together stay as they are. */
function moved(buffer: Buffer, from: number, to: number): Buffer<ArrayBuffer> {
  const fresh = Buffer.allocUnsafe(Math.max(PIECE, 2 * (to - from)))
  buffer.copy(fresh, 0, from, to)
  return fresh
}

/** The last line that has an end before `end`; undefined where there is none. */
export function lastLineOf(fd: number, end: number): FileLine | undefined {
  for (let span = 1 << 14; ; span *= 4) {
    const from = Math.max(0, end - span)
    const bytes = Buffer.allocUnsafe(end - from)
    const there = bytes.subarray(0, readAt(fd, bytes, from))
    const last = there.lastIndexOf(LINE_END)
    const before = last > 0 ? there.lastIndexOf(LINE_END, last - 1) : -1
    if (last >= 0 && (before >= 0 || from === 0)) {
      const line = there.subarray(before + 1, last)
      return { offset: from + before + 1, bytes: line, length: line.length, ended: true }
    }
    if (from === 0 || span > 4 * MAX_LINE_BYTES) return undefined
  }
}
