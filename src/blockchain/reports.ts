// What the chain answers to questions about itself. Types only.
import type { Block } from './block.js'

/** The end of the chain. */
export interface ChainHead {
  /** Blocks. */
  readonly size: number
  /** Of the last block; 64 zeros where there is none. */
  readonly hash: string
  /** Of the Merkle tree (RFC 6962) over all blocks' hashes. */
  readonly root: string
}

/** Which blocks: all conditions hold. */
export interface BlockFilter {
  readonly plugin?: string | undefined
  readonly operation?: string | undefined
  /** Unix milliseconds of the header's timestamp, included. */
  readonly since?: number | undefined
  /** Unix milliseconds of the header's timestamp, not included. */
  readonly until?: number | undefined
}

export interface ListCall extends BlockFilter {
  /** Default: 20. */
  readonly limit?: number | undefined
  readonly signal?: AbortSignal | undefined
}

export interface StreamCall {
  /** A block number; default: 0, or the end where it follows. */
  readonly from?: number | undefined
  /** Goes on with blocks to come, until the signal fires. */
  readonly follow?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

/** Something that is not as it was written. */
export interface ChainFault {
  /** Where: a block's number; absent where it is about the whole. */
  readonly block?: number
  /** What is wrong. `line`: what stands there is no block; `sequence`: a block is missing, or out of its place; `link`: it names another block before it;
   * `hash`: the block of that number is not the one that is recorded elsewhere; `body`; `tail`: an append was cut off; `tree`, `index`, `vector`: derived, and can be made anew;
   * `head`: a saved head is not of this chain. */
  readonly kind: 'line' | 'sequence' | 'link' | 'hash' | 'body' | 'tail' | 'tree' | 'index' | 'vector' | 'head'
  readonly message: string
}

export interface VerifyCall {
  /** Bodies, derived files and every byte as well. */
  readonly full?: boolean | undefined
  /** Compute each vector again. */
  readonly vectors?: boolean | undefined
  /** A signed checkpoint that was saved before: the chain must continue it. */
  readonly head?: string | undefined
  readonly onProgress?: ((done: number, total: number) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

export interface VerifyReport extends ChainHead {
  /** No fault. */
  readonly ok: boolean
  /** In the order of blocks; at most 1,000. */
  readonly faults: readonly ChainFault[]
  /** Of all that were found. */
  readonly faultCount: number
  /** Blocks without a body. */
  readonly pruned: number
  /** Blocks that were imported and could not be verified. */
  readonly unverified: number
  /** Whether the saved head was compared, and its size. */
  readonly head?: { readonly size: number }
}

export interface SearchCall extends BlockFilter {
  /** How many; default: 10. */
  readonly k?: number | undefined
  /** `meaning`: nearest vectors; `text`: the text holds these words as they are, whatever their case; `hybrid`: both, by rank. Default: meaning. */
  readonly by?: 'meaning' | 'text' | 'hybrid' | undefined
  readonly signal?: AbortSignal | undefined
}

export interface Found {
  readonly block: Block
  /** Cosine for `meaning`; for `hybrid` the sum of reciprocal ranks; 1 for `text`. */
  readonly score: number
}

export interface SearchReport {
  readonly found: readonly Found[]
  /** Blocks that fit the filter and could be searched. */
  readonly searched: number
  /** Blocks with a text that have no vector yet, so that a search by meaning cannot find them. */
  readonly pending: number
  /** Space of the vectors; absent for `text`. */
  readonly space?: string
  /** Vectors of a model that served before: they serve for what has none of this one yet. Absent where nothing is pending, or there are none. */
  readonly older?: OlderVectors
}

export interface OlderVectors {
  readonly space: string
  /** Blocks that were searched by them: they are counted in the report as well. */
  readonly searched: number
  /** Why they could not be searched. */
  readonly problem?: string
}
