// A place in the chain between two blocks. Types only.

/** The end of the chain, or any place between two blocks. */
export interface Tip {
  /** The number of the first block of the segment. */
  readonly segment: number
  /** Where the last block's line ends there. */
  readonly bytes: number
  /** Blocks before this place. */
  readonly count: number
  /** Of the block before this place. */
  readonly hash: string
  /** Of its header, Unix milliseconds; 0 where there is none. */
  readonly timestamp: number
}
