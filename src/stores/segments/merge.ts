// Folds small segments that no one writes any more into our own, so that a thousand short processes leave a handful.
import * as fs from 'node:fs'
import { isDead } from '../../fs/process-identity.js'
import type { Clock } from '../../ports.js'
import { type Copies, copyLive, isBeingCopied, type RelocateParts, retireCopied } from './relocate.js'
import type { Segment } from './segment.js'

/** A segment below this is small; more than so many small ones are merged. */
const SMALL_BYTES = 2 ** 20
const MANY = 4
/** A segment without a footer that was untouched for so long has lost its writer, ms. */
export const ORPHAN_MS = 10 * 60_000

export interface MergeParts extends RelocateParts {
  readonly segmentBytes: number
  readonly clock: Clock
}

/** Copies the live records of small segments to our own, syncs, then removes them; returns how many segments that were. */
export function mergeSmall(parts: MergeParts): number {
  const sources = chooseSources(parts)
  if (sources.length < 2) return 0
  const copies: Copies = new Map()
  for (const source of sources) copies.set(source, copyLive(source, parts))
  return retireCopied(copies, parts, true)
}

/**
 * The oldest small segments, if there are many, as far as they fit into our own. Nothing tells for sure that another
 * writer has gone; one that only slept finds its file removed, and begins a new one.
 */
function chooseSources(parts: MergeParts): Segment[] {
  const { folder, writer, layout, segmentBytes, clock, descriptors } = parts
  const limit = Math.min(SMALL_BYTES, segmentBytes / 2)
  const small = [...folder.segments.values()].filter(segment => {
    if (segment === folder.own || segment.size >= limit) return false
    if (segment.sealed || isDead(segment.header)) return true
    const fd = descriptors.of(segment)
    return fd >= 0 && clock.now() - fs.fstatSync(fd).mtimeMs > ORPHAN_MS
  })
  if (small.length <= MANY) return []
  small.sort((one, other) => (one.isNewerThan(other) ? 1 : -1))
  let slots = writer.slotsLeft
  const chosen: Segment[] = []
  for (const segment of small) {
    if (isBeingCopied(segment, parts)) continue
    slots -= Math.ceil(segment.size / layout.recordBytes)
    if (slots < 0) break
    chosen.push(segment)
  }
  return chosen
}
