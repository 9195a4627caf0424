// The bytes of segments in pieces of whole lines, for whoever looks for words in them. Judges nothing, and keeps nothing open.
import * as fs from 'node:fs'
import { readAt } from '../../fs/files.js'
import { MAX_LINE_BYTES } from '../block.js'
import type { RawSegment } from '../ports.js'
import type { Segment } from './layout.js'
import { openSegment } from './segment-files.js'

const PIECE_BYTES = 1 << 20
const LINE_END = 10

/** The newest first. */
export function newestSegments(segments: readonly Segment[]): RawSegment[] {
  return [...segments].reverse().map(({ first, path }) => ({ first, pieces: () => piecesOf(path) }))
}

/** What is behind the last line end is left out, and so is a line that is longer than one may be, with all behind it. */
async function* piecesOf(path: string): AsyncGenerator<Buffer> {
  const fd = openSegment(path)
  if (fd === undefined) return
  try {
    let size = PIECE_BYTES
    let buffer = Buffer.allocUnsafe(size)
    for (let at = 0; ; ) {
      const there = buffer.subarray(0, readAt(fd, buffer, at))
      const whole = there.lastIndexOf(LINE_END) + 1
      if (whole > 0) yield there.subarray(0, whole)
      else if (there.length < size || size > MAX_LINE_BYTES) return
      else {
        size *= 4
        buffer = Buffer.allocUnsafe(size)
      }
      at += whole
      await new Promise(resolve => setImmediate(resolve))
    }
  } finally {
    fs.closeSync(fd)
  }
}
