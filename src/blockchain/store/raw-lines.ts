// Every line of every segment as it lies there, for whoever verifies: judges nothing, believes nothing, and stops at nothing.
import * as fs from 'node:fs'
import { yieldToEventLoop } from '../../cache/yield-to-event-loop.js'
import { messageOf } from '../../errors.js'
import { statOf } from '../../fs/files.js'
import { namesIn } from '../../fs/folders.js'
import type { RawFault, RawLine } from '../ports.js'
import { isSegmentName, kindOf, type Layout, type Segment, segmentOfName } from './layout.js'
import { linesOf } from './line-reader.js'
import { openSegment } from './segment-files.js'

const PIECE_BYTES = 1 << 20

/** What lies beside segments and is none of them: what a rewrite that was killed has left, and blocks as op-dbus wrote them. */
const BESIDE = /\.[0-9a-f]{16}\.tmp$|^([0-9a-f]{64}|block-\d+)\.json$/

/** `limit`: where to end in the segment of that number, since a process writes behind it. */
export async function* rawLines(
  layout: Layout,
  limit: { readonly segment: number; readonly bytes: number } | undefined,
): AsyncGenerator<readonly (RawLine | RawFault)[]> {
  let number = 0
  for (const name of namesIn(layout.timing).sort()) {
    if (!isSegmentName(name)) {
      if (!BESIDE.test(name)) yield [{ number, fault: `${layout.timing}/${name} is no segment` }]
      continue
    }
    const segment = segmentOfName(layout, name)
    if (limit !== undefined && segment.first > limit.segment) return
    number = segment.first
    try {
      const stats = statOf(segment.path)
      if (stats !== undefined && !stats.isFile()) throw new Error(`is ${kindOf(stats)}`)
      for await (const piece of linesIn(segment, limit)) {
        number = piece.at(-1)!.number + 1
        yield piece
      }
    } catch (error) {
      yield [{ number, fault: `${segment.path}: ${messageOf(error)}` }]
    }
  }
}

async function* linesIn(
  { first, path }: Segment,
  limit: { readonly segment: number; readonly bytes: number } | undefined,
): AsyncGenerator<readonly RawLine[]> {
  const fd = openSegment(path)
  if (fd === undefined) return
  try {
    const end = limit?.segment === first ? limit.bytes : fs.fstatSync(fd).size
    let piece: RawLine[] = []
    let bytes = 0
    let number = first
    for (const { offset, bytes: line, length, ended } of linesOf(fd, 0, end)) {
      piece.push({
        number: number++,
        segment: first,
        offset,
        bytes: line,
        length,
        ...(!ended && { torn: true as const }),
      })
      bytes += length
      if (bytes < PIECE_BYTES) continue
      yield piece
      piece = []
      bytes = 0
      await yieldToEventLoop()
    }
    if (piece.length > 0) yield piece
  } finally {
    fs.closeSync(fd)
  }
}
