// What the chain answers to questions about itself. Types only.
import type { Block } from './block.js'

export type * from './upkeep-reports.js'

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
  /** A block number: only those of smaller ones. Default: all. */
  readonly before?: number | undefined
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
  /** Bodies, the index, vectors as they lie there, and every byte of a line as well. Without it: headers, hashes, links, heads and tree. */
  readonly full?: boolean | undefined
  /** Compute each vector of the model that serves now again, and compare: see `VerifyReport.vectors`. */
  readonly vectors?: boolean | undefined
  /** A signed checkpoint that was saved before, or several, one behind the other: the chain must continue each. */
  readonly head?: string | undefined
  /** Verifier keys that must have signed them. Default: those that this chain has and had; a copy elsewhere has none. */
  readonly keys?: readonly string[] | undefined
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
  /** Of those: how many no prune announced, each of which is a fault. Absent where there are none. */
  readonly unannounced?: number
  /** Blocks that were imported and could not be verified. */
  readonly unverified: number
  /** Whether bodies and all that is derived were looked at. */
  readonly full: boolean
  /** Of the saved heads that were compared: the size of the longest. */
  readonly head?: { readonly size: number }
  /** What became of the vectors, where they were to be computed again. */
  readonly vectors?: VectorCheck
  /**
   * Places in the index that are of before a prune or a restore, or of another copy of this chain. No fault: whoever uses one looks at what
   * lies there. Absent where there are none, and where it was not looked.
   */
  readonly staleIndex?: number
}

export interface VectorCheck {
  /** Vectors that were computed again and compared. */
  readonly compared: number
  /** Vectors that were not, since another model made them than the one that computes now. */
  readonly passed: number
  /** Texts that have no vector: the embedder refused them, or they were not embedded yet. */
  readonly missing: number
}

export interface SearchCall extends BlockFilter {
  /** How many; default: 10. */
  readonly k?: number | undefined
  /** `meaning`: nearest vectors; `text`: the text holds these words as they are, whatever their case; `hybrid`: both, by rank. Default: meaning. */
  readonly by?: 'meaning' | 'text' | 'hybrid' | undefined
  /**
   * Whether to wait until every block has its vector, however long that takes. Default: only where few are missing, which is a few seconds;
   * with more, the report says how many could not be found (`pending`), and they are made in the background.
   */
  readonly wait?: boolean | undefined
  /** While vectors are made: blocks that have been looked at, of all. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined
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
  /** Blocks that fit the filter and could not be searched, since they were pruned. For `text` alone, which looks at every block. */
  readonly pruned?: number
  /** Blocks with a text that have no vector yet, so that a search by meaning cannot find them. */
  readonly pending: number
  /** Blocks that fit the filter and that a search by meaning cannot find: damaged, or their text was refused. Absent for `text`. */
  readonly refused?: number
  /** Space of the vectors; absent for `text`. */
  readonly space?: string
  /** Why `hybrid` searched by text alone: embedding is switched off, or the model cannot be had. Absent where it did not. */
  readonly textOnly?: string
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

export interface ExportCall extends BlockFilter {
  /** A block number, included. Default: 0. */
  readonly from?: number | undefined
  /** A block number, not included. Default: the end as it is at the start. */
  readonly to?: number | undefined
  readonly onProgress?: ((done: number, total: number) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

export interface ExportReport {
  /** How many blocks were written out. */
  readonly blocks: number
  /** The first of them; absent where there was none. */
  readonly first?: { readonly number: number; readonly hash: string }
  /** The last of them. */
  readonly last?: { readonly number: number; readonly hash: string }
}

/** Forms that an import reads: what `export` wrote, or a segment; the folder `timing` of op-dbus; that of op-dbus-p1. */
export type ImportFormat = 'blocks' | 'op-dbus' | 'op-dbus-p1'

export interface ImportCall {
  /** Default: told by what is there. A file or a stream is of blocks. */
  readonly format?: ImportFormat | undefined
  /** `total`: 0 where nobody knows. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined
  /** Ends it between two batches: what was imported until then stays. */
  readonly signal?: AbortSignal | undefined
}

/**
 * How far the hash of a foreign block could be recomputed. `four-part`: it covers plugin, operation, timestamp and data hash;
 * `three-part`: not the data hash; `event`: the whole event of op-dbus-p1; `none`: it is none of these, or covers nothing.
 */
export type ImportVerified = 'four-part' | 'three-part' | 'event' | 'none'

/** What the metadata of an imported block has under `op-dbus:import`. */
export interface ImportMark {
  readonly format: Exclude<ImportFormat, 'blocks'>
  /** The name of its file. */
  readonly file: string
  /** The hash that it had. */
  readonly hash: string
  /** As it was there: Unix seconds, and in op-dbus-p1 milliseconds. */
  readonly timestamp: number
  readonly verified: ImportVerified
}

export interface ImportReport {
  readonly format: ImportFormat
  /** Blocks that were appended. */
  readonly imported: number
  /** Blocks that were here already. */
  readonly present: number
  /** Of those appended: without a body. */
  readonly pruned: number
  /**
   * Of those without a body: how many no prune among those appended announces, as where an export ends before the block that does. `verify`
   * finds a fault in each, until that block is here. Absent where there are none, and where blocks became new ones.
   */
  readonly unannounced?: number
  /**
   * The last of those appended, where none of this form follows: each block is confirmed by the one behind it, and this one by nothing yet.
   * A head that was saved elsewhere confirms it (`verify` with `head`). Absent where nothing was appended, and where blocks became new ones.
   */
  readonly unconfirmed?: number
  /** Of those appended: how many could be verified in which way; absent for `blocks`, which all were. */
  readonly verified?: Readonly<Record<ImportVerified, number>>
  /** Names in the folder that blocks of this form do not have: left alone. */
  readonly ignored?: number
  /** Blocks in this chain afterwards. */
  readonly size: number
}

/** The log's key: made at first use. */
export interface KeyCall {
  /**
   * The log's name, where the key is made now: 1 to 255 bytes of UTF-8 without spaces, control characters and `+`, as `example.com/changes`.
   * Default: made from the key.
   */
  readonly origin?: string | undefined
  /**
   * Makes another key, and so another log, and keeps the old one beside: the way on where the chain does not continue what was signed (after
   * a restore), or where the key is lost or known to others. A name that was given stays, unless `origin` is another.
   */
  readonly renew?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

export interface LogKey {
  /** The log's name. */
  readonly origin: string
  /** What others need to check what this log signed: `name+hash+base64` (C2SP signed-note). Public. */
  readonly verifierKey: string
  /** Where the private key lies. */
  readonly file: string
  /** Made by this call. */
  readonly created: boolean
  /** Verifier keys of the keys before, as far as they are kept. */
  readonly retired: readonly string[]
}

/** A head that somebody signed: what is saved, and later compared with. */
export interface SignedHead {
  /** The log's name. */
  readonly origin: string
  /** Blocks. */
  readonly size: number
  /** Of the Merkle tree, 64 hexadecimal digits. */
  readonly root: string
  /** The checkpoint as it was signed (C2SP tlog-checkpoint). */
  readonly text: string
  /** There was no key yet, and this call made one: where others are to check, the log's name is to be chosen before (`Chain.key`). */
  readonly keyMade?: true
}

export interface ProofCall {
  /** A signed head that was saved before: proves as well that the chain continues it. */
  readonly head?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/** Shows that a block is in the chain whose head was signed. Hashes are 64 hexadecimal digits. */
export interface BlockProof {
  readonly number: number
  readonly hash: string
  /** The header's canonical JSON: what is hashed, and so what a verifier needs beside the proof. */
  readonly entry: string
  /** What was signed, and what the path leads to. */
  readonly head: SignedHead
  /** Leaf's sibling first. */
  readonly path: readonly string[]
  /** All of it but the entry as a file `.tlog-proof` (C2SP tlog-proof). */
  readonly text: string
  /** Where a saved head was given. */
  readonly consistency?: ConsistencyProof
}

/** Shows that the chain whose head was signed continues an earlier one. */
export interface ConsistencyProof {
  /** Blocks of the earlier one. */
  readonly from: number
  readonly head: SignedHead
  readonly path: readonly string[]
  /** As C2SP tlog-witness sends it: `old N`, hashes in base64, an empty line, the checkpoint. */
  readonly text: string
}

export interface TilesCall {
  /** Told in blocks. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

export interface TilesReport {
  readonly dir: string
  /** Blocks that the folder held before. */
  readonly from: number
  readonly head: SignedHead
  readonly verifierKey: string
  /** Files written, and bytes in them. */
  readonly files: number
  readonly bytes: number
  /** Of those files: how many the folder should have held already, and did not, or not as they were. */
  readonly mended: number
}
