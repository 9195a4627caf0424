// The segment store as the Node root opens it, and records to put into it.
import { encodeVec, vecBytes } from '../../../src/caches/embedding-record.js'
import { crc32, nodeClock, nodeHash } from '../../../src/node/runtime.js'
import type { Key, Space } from '../../../src/ports.js'
import { openSegmentStore } from '../../../src/stores/segments.js'
import { WrongAnswer } from '../row.js'
import { DIMS, vectorOf } from './fixtures.js'

export type Item = readonly [key: Key, value: Uint8Array]

/** What one value is worth: its floats. */
export const PAYLOAD_BYTES = 4 * DIMS
/** Enough for a million records, as the default of the library is. */
const BUDGET_BYTES = 2 * 2 ** 30

export function openBenchStore(folder: string) {
  return openSegmentStore({
    dir: folder,
    space: 'bench@1' as Space,
    description: { model: 'bench' },
    dims: DIMS,
    valueBytes: vecBytes(DIMS),
    budgetBytes: BUDGET_BYTES,
    hash: nodeHash,
    clock: nodeClock(),
    crc32,
    warn(message) {
      throw new WrongAnswer(`the segment store warns: ${message}`)
    },
  })
}

/** Different records with their keys, the same every time. */
export function records(count: number): Item[] {
  return Array.from({ length: count }, (_, i) => {
    const text = `record ${i}`
    return [keyOf(text), encodeVec({ vector: vectorOf(text), tokens: 0, truncated: false, device: 'custom' })]
  })
}

export function keyOf(text: string): Key {
  return nodeHash.sha256(text) as Key
}
