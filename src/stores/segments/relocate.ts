// Moves records into our own segment and then removes the files they came from, without undoing anyone's delete.

import { retire } from '../../fs/files.js'
import { isDead } from '../../fs/process-identity.js'
import type { Crc32 } from '../../ports.js'
import type { Descriptors } from './descriptors.js'
import type { SpaceFolder } from './folder.js'
import { KEY_AT, type Layout, LIVE, STATE_AT } from './format.js'
import { newProbe, probeBytes } from './probe.js'
import { type Segment, scan } from './segment.js'
import type { Writer } from './writer.js'

export interface RelocateParts {
  readonly folder: SpaceFolder
  readonly writer: Writer
  readonly descriptors: Descriptors
  readonly layout: Layout
  readonly crc32: Crc32
}

/** A record that was copied: where from, and the number of its copy. */
interface Copy {
  readonly slot: number
  readonly a: number
  readonly b: number
  readonly number: number
}

/** What is on its way out of which segment. */
export type Copies = Map<Segment, readonly Copy[]>

/** Copies those live records of a segment that are the newest of their key and that `wanted` says yes to, at most `limit`. */
export function copyLive(
  source: Segment,
  parts: RelocateParts,
  wanted: (slot: number) => boolean = () => true,
  limit = Number.POSITIVE_INFINITY,
): readonly Copy[] {
  const { folder, writer } = parts
  const fd = parts.descriptors.of(source)
  const copies: Copy[] = []
  if (fd < 0) return copies
  const probe = newProbe()
  scan(fd, parts.layout, 0, source.slots, parts.crc32, (slot, record, sound) => {
    if (!sound || record[STATE_AT] !== LIVE || copies.length >= limit || source.gone || !wanted(slot)) return
    probeBytes(record, KEY_AT, probe)
    const number = folder.numberOf(source, slot)
    // Not the newest: written again, or copied already. Not there at all: deleted.
    if (folder.newestBut(number, probe) !== number) return
    writer.prepare()
    // Preparing may have found that all was cleared.
    if (source.gone) return
    writer.appendRecord(probe, record)
    folder.index.remove(probe.a, probe.b, number)
    const own = folder.own!
    copies.push({ slot, a: probe.a, b: probe.b, number: folder.numberOf(own, own.slots - 1) })
  })
  return copies
}

/**
 * Whether another process may have copied records of this segment and not looked at them again since. It takes a segment
 * that has gone meanwhile for a delete and undoes its copies: so whoever leaves a record to such a copy keeps the original.
 */
export function isBeingCopied(source: Segment, { folder, layout, crc32, descriptors }: RelocateParts): boolean {
  const fd = descriptors.of(source)
  if (fd < 0) return false
  const probe = newProbe()
  let found = false
  scan(fd, layout, 0, source.slots, crc32, (slot, record, sound) => {
    if (found || !sound || record[STATE_AT] !== LIVE) return
    probeBytes(record, KEY_AT, probe)
    const number = folder.numberOf(source, slot)
    const newest = folder.newestBut(number, probe)
    if (newest === undefined || newest === number) return
    const holder = folder.segmentOf(newest)!
    // Sealed or without a writer: what was to be undone is undone.
    found = holder !== folder.own && !holder.sealed && !isDead(holder.header)
  })
  return found
}

/**
 * Removes segments whose records were copied, and returns how many went. The copies are on disk before the originals are
 * looked at once more, and whoever deletes a key looks at the folder once more afterwards: one of the two sees the other,
 * so that dead stays dead. Two processes that do this to the same segment leave duplicates, never a wrong record.
 */
export function retireCopied(copies: Copies, parts: RelocateParts, durable: boolean): number {
  const { folder, writer } = parts
  writer.flush()
  if (durable) writer.sync()
  const sources = [...copies.keys()].filter(source => !source.gone)
  const state = new Uint8Array(STATE_AT + 1)
  for (const source of sources) {
    for (const { slot, a, b, number } of copies.get(source)!) {
      if (source.readHead(slot, state) && state[STATE_AT] === LIVE) continue
      const copy = folder.segmentOf(number)
      if (copy !== undefined) writer.kill(copy, folder.slotOf(number))
      folder.index.remove(a, b, number)
    }
  }
  let retired = 0
  for (const source of sources) {
    const fd = parts.descriptors.of(source)
    if (fd >= 0 && retire(source.path, fd)) retired++
  }
  folder.drop(sources)
  return retired
}
