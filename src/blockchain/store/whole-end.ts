// Where the last whole append of a segment ends, found from line ends and from what the last lines say of themselves. Checks no block.
import { readAt } from '../../fs/files.js'
import { lookAtBytes } from './block-line.js'

const PIECE = 1 << 20
const LINE_END = 10

/**
 * `lines`: of whole appends; `bytes`: where the last of them ends. `acknowledged`: so many lines belong to the chain, whatever was cut off
 * behind them.
 */
export function wholeEnd(fd: number, size: number, acknowledged = 0): { lines: number; bytes: number } {
  const starts = startsOf(fd, size)
  let lines = starts.length - 1
  // From the end backwards, over an append that was cut off: its last line says that more follow, and each one before it one more.
  let expected = 0
  while (lines > Math.max(0, acknowledged)) {
    const more = moreOf(fd, starts[lines - 1]!, starts[lines]! - 1)
    // What is damaged is somebody's block: whoever reads it is told.
    if (more === undefined || (expected === 0 ? more === 0 : more !== expected)) break
    expected = more + 1
    lines--
  }
  return { lines, bytes: starts[lines]! }
}

/** Where each line begins, and where the last one ends. */
function startsOf(fd: number, size: number): number[] {
  const starts = [0]
  const buffer = Buffer.allocUnsafe(Math.max(1, Math.min(PIECE, size)))
  for (let base = 0; base < size; ) {
    const count = readAt(fd, buffer.subarray(0, Math.min(buffer.length, size - base)), base)
    if (count === 0) break
    const there = buffer.subarray(0, count)
    for (let at = there.indexOf(LINE_END); at >= 0; at = there.indexOf(LINE_END, at + 1)) starts.push(base + at + 1)
    base += count
  }
  return starts
}

function moreOf(fd: number, from: number, to: number): number | undefined {
  const bytes = Buffer.allocUnsafe(to - from)
  readAt(fd, bytes, from)
  const read = lookAtBytes(bytes)
  return typeof read === 'string' ? undefined : read.more
}
