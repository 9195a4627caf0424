// The eviction policies as they are named and drawn, the same in words, pages and pictures. Colours are the pages' own (look/tokens.css).
import type { PolicyName } from '../cache/eviction.js'

export interface PolicyLook {
  readonly name: string
  /** Lengths of dashes and gaps, so that colour is not the only sign. */
  readonly dash: readonly number[]
}

/** In the order in which they are listed. */
export const POLICY_LOOKS: Readonly<Record<PolicyName, PolicyLook>> = {
  lru: { name: 'LRU', dash: [] },
  sieve: { name: 'SIEVE', dash: [8, 3] },
  's3-fifo': { name: 'S3-FIFO', dash: [2, 2] },
  'w-tinylfu': { name: 'W-TinyLFU', dash: [8, 3, 2, 3] },
  gdsf: { name: 'GDSF', dash: [4, 3] },
  'cost-s3-fifo': { name: 'cost-aware S3-FIFO', dash: [12, 3, 2, 3, 2, 3] },
}

export const POLICY_ORDER = Object.keys(POLICY_LOOKS) as readonly PolicyName[]
