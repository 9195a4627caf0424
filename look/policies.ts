// The eviction policies as they are drawn: a colour, a pattern of dashes and a name each, the same in every picture.
import type { PolicyName } from '../src/cache/eviction.js'

export interface PolicyLook {
  readonly name: string
  /** A token of tokens.css. */
  readonly token: string
  /** Lengths of dashes and gaps, so that colour is not the only sign. */
  readonly dash: readonly number[]
}

/** In the order in which they are listed. */
export const POLICY_LOOKS: Readonly<Record<PolicyName, PolicyLook>> = {
  lru: { name: 'LRU', token: '--policy-lru', dash: [] },
  sieve: { name: 'SIEVE', token: '--policy-sieve', dash: [8, 3] },
  's3-fifo': { name: 'S3-FIFO', token: '--policy-s3-fifo', dash: [2, 2] },
  'w-tinylfu': { name: 'W-TinyLFU', token: '--policy-w-tinylfu', dash: [8, 3, 2, 3] },
  gdsf: { name: 'GDSF', token: '--policy-gdsf', dash: [4, 3] },
  'cost-s3-fifo': { name: 'cost-aware S3-FIFO', token: '--policy-cost-s3-fifo', dash: [12, 3, 2, 3, 2, 3] },
}

export const POLICY_ORDER = Object.keys(POLICY_LOOKS) as readonly PolicyName[]
