// The block in which a prune says which bodies go, before it takes any: a body that is gone, and that no such block speaks of, was taken by
// somebody else. Pure.
import type { JsonObject, JsonValue } from '../json/json.js'
import { isObject } from '../json/plain.js'
import type { Block, Draft } from './block.js'
import { bodyFault, draftOf } from './footprint.js'
import type { PruneNote } from './reports.js'
import { type Rules, rulesText } from './retention.js'

const PLUGIN = 'op-dbus'
const OPERATION = 'prune'
/** The name in metadata, which nobody else can use: see `OWN_METADATA` in footprint.ts. */
const NAME = 'op-dbus:prune'

/** Of one block: some hundred kilobytes of JSON. What is more goes into another block of the same append. */
const MOST_RANGES = 20_000

export type Range = readonly [from: number, to: number]

/** `ranges`: both ends included, in order. `now` is in Unix milliseconds. */
export function pruneDrafts(
  ranges: readonly Range[],
  rules: Partial<Rules>,
  size: number,
  now: number,
  text = (pruned: number) => `Pruned ${pruned} of ${size} blocks: their bodies go. Kept: ${rulesText(rules as Rules)}.`,
): Draft[] {
  const drafts: Draft[] = []
  for (let at = 0; at < ranges.length; at += MOST_RANGES) {
    const part = ranges.slice(at, at + MOST_RANGES)
    const pruned = part.reduce((sum, [from, to]) => sum + to - from + 1, 0)
    const given = Object.entries(rules).filter(([, value]) => value > 0)
    const note: PruneNote = { ranges: part, rules: Object.fromEntries(given), pruned, size }
    drafts.push(
      draftOf({ plugin_id: PLUGIN, operation: OPERATION, text: text(pruned) }, now, {
        [NAME]: note as unknown as JsonObject,
      }),
    )
  }
  return drafts
}

/** What a prune said in this block; undefined for every other block, and where its body is not the one that was written. */
export function pruneNoteIn({ number, header, body }: Block): PruneNote | undefined {
  if (header.plugin !== PLUGIN || header.operation !== OPERATION || body === undefined) return undefined
  const note = body.metadata[NAME]
  if (!isObject(note) || bodyFault(header, body) !== undefined) return undefined
  const { ranges } = note
  // Nobody prunes what comes later.
  return Array.isArray(ranges) && ranges.every(range => isRange(range, number))
    ? (note as unknown as PruneNote)
    : undefined
}

function isRange(range: JsonValue, end: number): boolean {
  const [from, to] = Array.isArray(range) ? range : []
  return Number.isSafeInteger(from) && Number.isSafeInteger(to) && 0 <= from! && from! <= to! && (to as number) < end
}
