// The lines of a segment, written anew: blocks as they are, or without their bodies. Writes nothing by itself.
import * as fs from 'node:fs'
import { lineText, readLine } from '../line.js'
import { damaged } from './faults.js'
import type { Segment } from './layout.js'
import { linesOf } from './line-reader.js'
import { openSegment } from './segment-files.js'

/**
 * Blocks up to number `size` (not included), which were found to be sound; those in `without` lose their bodies. No line speaks of its append
 * any more: whatever of that is there stays. @throws OpDbusError CHAIN_DAMAGED where they are not what they were
 */
export function* linesAnew({ first, path }: Segment, size: number, without: ReadonlySet<number>): Generator<string> {
  const fd = openSegment(path)
  if (fd === undefined) throw damaged(first, 'is missing: its segment went away', path)
  try {
    let number = first
    for (const { bytes } of linesOf(fd, 0, fs.fstatSync(fd).size)) {
      if (number >= size) return
      const { block } = readLine(bytes.toString('utf8'))
      if (block.number !== number) throw damaged(number, 'is missing: another is in its place', path)
      const { header, body } = block
      yield lineText(body === undefined || without.has(number) ? { header } : { header, body })
      number++
    }
  } finally {
    fs.closeSync(fd)
  }
}
