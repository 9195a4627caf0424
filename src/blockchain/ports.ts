// The seams within the chain: what reads and writes blocks, and what stands on that. Types only.
import type { Block, Draft } from './block.js'

/** Where a block's line lies. */
export interface Location {
  readonly number: number
  readonly hash: string
  /** The number of the first block of its segment, which the segment's file is called after. */
  readonly segment: number
  /** From the start of the segment, bytes. */
  readonly offset: number
  /** Without its line end, bytes. */
  readonly bytes: number
  /** The header's, Unix milliseconds. */
  readonly timestamp: number
}

/** When the blocks of one range were appended. */
export interface BlockTimes {
  readonly first: number
  /** Included. */
  readonly last: number
  /** The hash of block `last`: where it is that block's, the range is that of this chain. */
  readonly hash: string
  /** Of their headers' timestamps, Unix milliseconds. */
  readonly least: number
  readonly greatest: number
}

/** A line as it lies on the disk, whatever is in it. */
export interface RawLine {
  /** The number that its place says; what it says itself may differ. */
  readonly number: number
  readonly segment: number
  readonly offset: number
  /** Without its line end. Not UTF-8 where it is damaged; a part alone of a line that is longer than one may be. */
  readonly bytes: Uint8Array
  /** Of the whole line, without its line end. */
  readonly length: number
  /** The file ends here without a line end. */
  readonly torn?: true
}

/** A segment as it lies there, to look for words in. */
export interface RawSegment {
  /** The number of its first block. */
  readonly first: number
  /** Whole lines with their ends, unjudged, in order; a piece is good until the next. May go beyond what is acknowledged. */
  pieces(): AsyncIterable<Buffer>
}

/** Something among the segments that cannot be read as lines: a name or a kind of file that no segment has, a disk that says no. */
export interface RawFault {
  /** The number that the next line should have. */
  readonly number: number
  /** With the name of the file, for people. */
  readonly fault: string
}

/** Blocks on the disk. Every process may read; nothing here is answered from a cache of contents. */
export interface BlockReader {
  /**
   * How many blocks there are: what is acknowledged, whichever process wrote it. Looks at the disk, which is a look at one open file where
   * nothing has come. @throws OpDbusError STORE, CHAIN_DAMAGED
   */
  size(): number
  /** Undefined past the end. Its hash was worked out from its header; its body was not looked at. @throws OpDbusError CHAIN_DAMAGED, STORE */
  read(number: number): Block | undefined
  /** Blocks `from` to `to` (not included) or the end, in pieces with turns of the event loop between. @throws OpDbusError CHAIN_DAMAGED at the first that is no block, STORE */
  scan(from: number, to?: number): AsyncIterable<readonly Block[]>
  /** What is known, without reading blocks, of a range that `number` is in; derived, so that `hash` is to be compared with what is there. */
  times?(number: number): BlockTimes | undefined
  /**
   * Every line of every segment in the order of the segments' names, damaged or not, and what lies there that is no segment: for `verify`
   * alone. Up to what is acknowledged while a process writes, and all that there is where none does. Nothing is judged: that a segment is
   * missing shows in the numbers.
   */
  lines(): AsyncIterable<readonly (RawLine | RawFault)[]>
  /** The segments, the newest first. What is found in them is a hint: a block is what `read` says of its number. @throws OpDbusError STORE */
  segments(): readonly RawSegment[]
  /** What the last writer said is on the disk, unproven: for `verify` alone. Undefined where nobody said. */
  acknowledged?(): { readonly size: number; readonly hash: string } | undefined
  /**
   * For whoever speaks of the end of the chain: throws where blocks that were acknowledged are not there any more, and with `durably` also
   * where the last ones are perhaps not on the disk. @throws OpDbusError CHAIN_DAMAGED, STORE
   */
  mustBeWhole?(durably?: boolean): void
  /** Resolves when there are more than `size` blocks. @throws OpDbusError ABORTED, CLOSED */
  moreThan(size: number, signal: AbortSignal | undefined): Promise<void>
}

/** Held by who works on the files of the chain while nobody else writes: a prune, a snapshot, a restore. */
export interface ExclusiveChain {
  /** The folder of the chain: `<dataDir>/blockchain`. */
  readonly dir: string
  /** Segments in order: the number of the first block of each, and the path of its file. The last one grows. */
  segments(): readonly { readonly first: number; readonly path: string }[]
  /**
   * Puts other lines in place of those of a segment, durably and whole or not at all: the same blocks, with or without bodies. `lines` gives
   * their texts with line ends.
   */
  rewrite(segment: number, lines: Iterable<string>): Promise<void>
  /** Everything that this process knows of the files is forgotten: they are other files now. */
  replaced(): void
}

export interface BlockWriter {
  /**
   * Appends all, or none, behind what every other process appended, and answers when they are on the disk. Several calls under way share
   * one sync. The signal ends the wait for another writer alone.
   * @throws OpDbusError STORE where nothing was appended, or (`details.uncertain`) nobody can tell; CHAIN_DAMAGED where the end of the chain is
   *   not what was written, and nothing is appended; INVALID_INPUT, ABORTED, CLOSED
   */
  append(drafts: readonly Draft[], call?: WriteCall): Promise<readonly Block[]>
  /**
   * Appends blocks of another copy of this chain as they are, all or none: numbers, hashes and timestamps stay. They were checked (`bodyFault`,
   * and that they follow one another); here is looked whether they continue this chain exactly.
   * @throws OpDbusError CONFLICT where they do not; then, and with STORE, CHAIN_DAMAGED, INVALID_INPUT and ABORTED as for `append`, nothing was appended
   */
  adopt(blocks: readonly Block[], call?: WriteCall): Promise<void>
  /** Runs `work` while no process appends. @throws what `work` throws; STORE, ABORTED, CLOSED */
  exclusively<T>(work: (chain: ExclusiveChain) => Promise<T>, call?: WriteCall): Promise<T>
}

export interface WriteCall {
  readonly signal?: AbortSignal | undefined
  /** Told once when another process writes, which is waited for; `who` is for people. */
  readonly onWait?: ((who: string) => void) | undefined
}

/** The blocks of the chain on this machine, and who is told of what happens to them. */
export interface BlockStore extends BlockReader, BlockWriter {
  readonly dir: string
  /** Told of blocks that this process appended, once they are on the disk; the function that it returns ends that. */
  onAppended(listener: (blocks: readonly Block[]) => void): () => void
  /** Counts what was pruned and restored, in every process: what was cached under another number may have gone. One look at an open file. */
  rewrites(): string
  close(): Promise<void>
}

/**
 * Where lines lie, kept between processes: derived from the segments, and never trusted without a look at what lies there. Nothing here
 * throws: what is missing, damaged or somebody else's is not known, and where nothing can be kept on the disk memory has to do.
 */
export interface BlockIndex {
  find(number: number): Location | undefined
  /** Of a thousand blocks, where all of it is on the disk. */
  times(number: number): BlockTimes | undefined
  /** What lies on the disk around a block, as it lies there: for `verify` alone. Undefined where nothing of this chain does. */
  stored?(number: number): StoredPlaces | undefined
  /** Of blocks that are on the disk, in order and without a gap: they may be kept, in files of a thousand, a turn of the event loop later. */
  learn(locations: readonly Location[]): void
  /** What it says of these is wrong: a look showed it. */
  forget(number: number): void
  /** The files of the chain are other ones now, perhaps of another chain: nothing that memory holds is good any more. */
  reset(): void
  /** What the files say of blocks `from` to `to` (not included) is wrong: their lines were written anew. */
  remove(from: number, to: number): void
  /** What its files know of this chain. */
  size(): { readonly blocks: number; readonly bytes: number }
  /** Puts onto the disk what is to be kept, and closes its files. */
  close(): void
}

/** What is kept of the places of a thousand blocks. */
export interface StoredPlaces {
  readonly first: number
  /** Every byte of the file is as it was written. Of the right chain it may still be from before a prune or a restore. */
  readonly sound: boolean
  /** A thousand; undefined where nothing is known, or nothing can be read. */
  readonly places: readonly (Location | undefined)[]
  /** As `times` answers. */
  readonly times: BlockTimes | undefined
}

/** What is kept of a tree. */
export interface StoredTree {
  /** Leaves. */
  readonly size: number
  readonly root: string
  /**
   * `count` hashes of whole subtrees of 256 ** `level` blocks each, from the one of that number on, 32 bytes each; fewer where they are not
   * all there.
   */
  hashes(level: number, from: number, count: number): Uint8Array
}

/** The Merkle tree of RFC 6962 over the hashes of blocks. Derived from the blocks, and brought up to them when it is asked. */
export interface MerkleTree {
  /** The root hash over the first `size` blocks, 64 hexadecimal digits. @throws OpDbusError CHAIN_DAMAGED, STORE */
  root(size: number): Promise<string>
  /** The path of block `number` in the tree of the first `size`, leaf's sibling first. */
  inclusion(number: number, size: number): Promise<string[]>
  /** What shows that the tree of `size` continues that of `from`. */
  consistency(from: number, size: number): Promise<string[]>
  /**
   * `count` hashes of whole subtrees of 256 ** `level` blocks each, from the one of that number on, 32 bytes each: what a tile is made of.
   * All of them lie within the first `size` blocks.
   */
  hashes(level: number, from: number, count: number, size: number): Promise<Uint8Array>
  /** Its files are not believed any more, and made anew from the blocks: what they say led to something else than was signed, which is `why`. */
  remake(why: string): Promise<void>
  /** What lies in its files, unproven, and not brought up to date: for `verify` alone. Undefined where nothing is kept. */
  stored(): StoredTree | undefined
  /**
   * The numbers of the first `size` blocks whose hash begins so, at most `limit`. Whoever reads those blocks compares their hashes: that
   * there is none is checked here.
   */
  withPrefix(prefix: string, size: number, limit: number): Promise<number[]>
}
