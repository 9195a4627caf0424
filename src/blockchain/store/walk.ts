// Walks along the segments from a block that is known to the end, and checks every line's hash, place and link. Says where the last whole
// append ends, and whether something that was cut off stands behind it. Changes nothing.
import * as fs from 'node:fs'
import { yieldToEventLoop } from '../../cache/yield-to-event-loop.js'
import { isOpDbusError, messageOf } from '../../errors.js'
import { errnoOf } from '../../fs/errno.js'
import { statOf } from '../../fs/files.js'
import { type Block, NO_PREVIOUS } from '../block.js'
import { lookAtLine, type ReadLine } from '../line.js'
import type { Location } from '../ports.js'
import { damaged, lost } from './faults.js'
import { locationOf } from './group.js'
import type { Head } from './head-file.js'
import { type Layout, type Segment, segmentPath, segmentsIn } from './layout.js'
import { lastLineOf, linesOf } from './line-reader.js'
import { openSegment } from './segment-files.js'
import type { Tip } from './tip.js'

export interface WalkEnd {
  readonly tip: Tip
  /** Bytes behind it: an append that was cut off. */
  readonly torn: number
  /** Blocks up to the last whole line: some of it may be of that append. */
  readonly reached: number
}

export const START: Tip = { segment: 0, bytes: 0, count: 0, hash: NO_PREVIOUS, timestamp: 0 }

/** Lines between two turns of the event loop. */
const TURN = 256

/** Where the last segment begins. @throws OpDbusError CHAIN_DAMAGED, STORE */
function startOfLast(layout: Layout): Tip {
  const segments = segmentsIn(layout)
  if (segments.length === 0) return START
  if (segments[0]!.first !== 0) throw damaged(0, 'is missing: the first segment is not there', segmentPath(layout, 0))
  const last = segments.at(-1)!
  if (last.first === 0) return START
  const before = lastBlockIn(segments.at(-2)!)
  if (before.number !== last.first - 1) {
    throw damaged(before.number + 1, `is missing: the next segment begins with block ${last.first}`, last.path)
  }
  const { hash, header } = before
  return { segment: last.first, bytes: 0, count: last.first, hash, timestamp: header.timestamp }
}

/**
 * Where who takes the lock begins to look: at the end that `head` tells where the last segment was not written to since, by the times of
 * both files and by its last block; else where that segment begins. Whoever wrote `head` had looked at all before. What a disk spoilt
 * without a word since then is found by whoever reads it, and by `verify`. @throws OpDbusError CHAIN_DAMAGED, STORE
 */
export function startOfWalk(layout: Layout, head: Head | undefined): Tip {
  const start = startOfLast(layout)
  if (head === undefined || head.segment !== start.segment || head.bytes <= 0) return start
  const { segment, bytes, size, hash } = head
  const path = segmentPath(layout, segment)
  const [there, said] = [statOf(path), statOf(layout.head)]
  // Times are as coarse as some milliseconds: what happened within one may have come after.
  const isUntouched = there?.size === bytes && said !== undefined && there.ctimeMs < said.mtimeMs
  const last = isUntouched ? blockOrNone(() => lastBlockIn({ first: segment, path })) : undefined
  if (last?.hash !== hash || last.number !== size - 1) return start
  return { segment, bytes, count: size, hash, timestamp: last.header.timestamp }
}

/** Where it is damaged, the walk says better what is wrong. */
function blockOrNone(look: () => Block): Block | undefined {
  try {
    return look()
  } catch (error) {
    if (isOpDbusError(error, 'CHAIN_DAMAGED')) return undefined
    throw error
  }
}

/** @throws OpDbusError CHAIN_DAMAGED */
function lastBlockIn({ first, path }: Segment): Block {
  const fd = openSegment(path)
  if (fd === undefined) throw damaged(first, 'is missing: its segment went away', path)
  try {
    const line = lastLineOf(fd, fs.fstatSync(fd).size)
    if (line === undefined) throw damaged(first, 'is missing: its segment is empty, and others follow', path)
    return lookAtLine(line.bytes.toString('utf8')).block
  } catch (error) {
    if (isOpDbusError(error) || errnoOf(error) !== undefined) throw error
    throw damaged(first, `or one behind it, the last of its segment, ${messageOf(error)}`, path)
  } finally {
    fs.closeSync(fd)
  }
}

/**
 * From `from` to the end. `head` tells what was acknowledged: what is wrong there is damage, and no append that was cut off. `passed` is
 * told of whole appends.
 * @throws OpDbusError CHAIN_DAMAGED, and what the system says
 */
export async function walk(
  layout: Layout,
  from: Tip,
  head: Head | undefined,
  passed: (locations: Location[]) => void,
): Promise<WalkEnd> {
  let tip = from
  for (;;) {
    const path = segmentPath(layout, tip.segment)
    const end = await walkSegment(path, tip, head, passed)
    tip = end.tip
    const next = segmentsIn(layout).find(({ first }) => first > tip.segment)
    if (next === undefined) {
      // What was acknowledged is no append that was cut off, whatever is missing there.
      if (head !== undefined && head.size > tip.count) throw lost(Math.min(end.reached, head.size - 1), head.size, path)
      return end
    }
    if (end.torn > 0) throw damaged(tip.count, 'is no block, and segments follow behind it', path)
    if (next.first !== tip.count) {
      throw damaged(tip.count, `is missing: the next segment begins with block ${next.first}`, next.path)
    }
    tip = { ...tip, segment: next.first, bytes: 0 }
  }
}

async function walkSegment(
  path: string,
  from: Tip,
  head: Head | undefined,
  passed: (locations: Location[]) => void,
): Promise<WalkEnd> {
  const fd = openSegment(path)
  if (fd === undefined) {
    if (from.bytes === 0) return { tip: from, torn: 0, reached: from.count }
    throw damaged(from.count - 1, 'was on the disk, and is not there any more', path)
  }
  try {
    const { size } = fs.fstatSync(fd)
    if (size < from.bytes) throw damaged(from.count - 1, 'was on the disk, and is not there any more', path)
    const steps = stepsIn({ fd, path, size, from, head, passed })
    for (;;) {
      const step = steps.next()
      if (step.done) return step.value
      await yieldToEventLoop()
    }
  } finally {
    fs.closeSync(fd)
  }
}

interface Walk {
  readonly fd: number
  readonly path: string
  /** In bytes. */
  readonly size: number
  readonly from: Tip
  readonly head: Head | undefined
  readonly passed: (locations: Location[]) => void
}

/** For readers, as the writer would find it: from a place that is known to the end of the segment. @throws OpDbusError CHAIN_DAMAGED */
export function endBehind(walk: Omit<Walk, 'passed'>): WalkEnd {
  const steps = stepsIn({ ...walk, passed: () => {} })
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
  }
}

/** Yields where whoever walks may pause. */
function* stepsIn({ fd, path, size, from, head, passed }: Walk): Generator<void, WalkEnd> {
  let tip = from
  /** Behind the lines of an append that is not whole yet. */
  let at = from
  let more = 0
  let unit: Location[] = []
  let turn = 0
  for (const line of linesOf(fd, from.bytes, size)) {
    const read = line.ended ? blockIn(line.bytes, at, more) : 'has no line end'
    if (typeof read === 'string') {
      // A hash that does not fit what was acknowledged, or blocks of another append behind it: nothing of this was cut off.
      refuseDamage(fd, { path, size, from: line.offset, at, more, fault: read, ended: line.ended, head })
      break
    }
    const { block } = read
    more = read.more
    unit.push(locationOf(block, from.segment, line.offset, line.length))
    at = {
      segment: from.segment,
      bytes: line.offset + line.length + 1,
      count: at.count + 1,
      hash: block.hash,
      timestamp: block.header.timestamp,
    }
    if (head !== undefined && head.size === at.count && head.hash !== block.hash) {
      throw damaged(block.number, 'is not the one that was acknowledged', path)
    }
    if (more === 0) {
      tip = at
      passed(unit)
      unit = []
    }
    if (++turn % TURN === 0) yield
  }
  return { tip, torn: size - tip.bytes, reached: at.count }
}

/** The block in a line where it fits its place; else what is wrong. `more`: what the line before said. */
function blockIn(bytes: Buffer, { count, hash }: Tip, more: number): ReadLine | string {
  let read: ReadLine
  try {
    read = lookAtLine(bytes.toString('utf8'))
  } catch (error) {
    return messageOf(error)
  }
  if (read.block.number !== count) return `is missing: block ${read.block.number} is in its place`
  if (read.block.header.previous !== hash) return 'names another block before it than there is'
  if (more > 0 && read.more !== more - 1) return `stands in the middle of an append, and says "more" ${read.more}`
  return read
}

interface Fault {
  readonly path: string
  readonly size: number
  readonly from: number
  readonly at: Tip
  readonly more: number
  readonly fault: string
  readonly ended: boolean
  readonly head: Head | undefined
}

/**
 * A loss of power leaves any part of the last write, which was not acknowledged: lines of one append, some of them whole. Everything else
 * is damage.
 */
function refuseDamage(fd: number, { path, size, from, at, more, fault, ended, head }: Fault): void {
  const refuse = () => {
    throw damaged(at.count, fault, path)
  }
  /** The number of the last block of the append that was cut off, once it is known. */
  let end = more > 0 ? at.count + more - 1 : undefined
  let whole = ended
  for (const line of linesOf(fd, from, size)) {
    if (!line.ended) break
    whole = true
    const there = quietBlock(line.bytes)
    if (there === undefined) continue
    const last = there.block.number + there.more
    if (there.block.number < at.count || (end !== undefined && end !== last)) refuse()
    end = last
  }
  if (whole && (head === undefined || head.size > at.count)) refuse()
}

function quietBlock(bytes: Buffer): ReadLine | undefined {
  try {
    return lookAtLine(bytes.toString('utf8'))
  } catch {
    return undefined
  }
}
