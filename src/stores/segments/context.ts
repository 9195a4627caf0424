// What every part of one open space works with: where it lies, how its records are laid out, its budget, clocks and checks.
// Made once from the options of a store, and handed on whole. Acts on nothing.
import * as path from 'node:path'
import { OpDbusError } from '../../errors.js'
import type { Clock, Crc32, Hash, Space, StoreCounters, Warn } from '../../ports.js'
import { footerBytes, HEADER_BYTES, type Layout, layoutOf, MAX_SEGMENT_BYTES, MAX_VALUE_BYTES } from './format.js'
import { Descriptors } from './segment.js'
import { spaceFileText } from './space-files.js'

export interface SegmentOptions {
  /** The folder of all spaces, `<cache>/embeddings`. Ours is made in it with the first write. */
  readonly dir: string
  readonly space: Space
  /** Goes into `space.json`, for people. */
  readonly description: Readonly<Record<string, string | number | boolean>>
  readonly dims: number
  /** Length of every value. */
  readonly valueBytes: number
  /** For all spaces under `dir` together. A segment is at most a sixteenth of it. */
  readonly budgetBytes: number
  readonly hash: Hash
  readonly clock: Clock
  readonly crc32: Crc32
  /** Told what no caller can be told: a write in the background that failed, an unsafe folder. */
  readonly warn: Warn
}

/** What reading a space takes. */
export interface ReadingContext {
  /** The folder of all spaces. */
  readonly dir: string
  /** The folder of this space. */
  readonly path: string
  /** See {@link Header.space}. */
  readonly space: string
  readonly layout: Layout
  readonly crc32: Crc32
  readonly clock: Clock
  readonly descriptors: Descriptors
  /** Of damaged records each is counted once; of evicted ones those of this space. */
  readonly counters: StoreCounters
}

export interface SpaceContext extends ReadingContext {
  readonly dims: number
  /** The text of `space.json`. */
  readonly spaceFile: string
  /** The size at which a segment is sealed. */
  readonly segmentBytes: number
  readonly budgetBytes: number
  readonly hash: Hash
  readonly warn: Warn
}

/** @throws OpDbusError INVALID_INPUT for measures that cannot be */
export function spaceContext(options: SegmentOptions): SpaceContext {
  const { dir, hash, clock, crc32, warn, dims, valueBytes, budgetBytes } = options
  const space = hash.sha256(options.space).slice(0, 32)
  const layout = layoutOf(checked('valueBytes', valueBytes, 1, MAX_VALUE_BYTES), space, crc32)
  checked('dims', dims, 0, MAX_VALUE_BYTES)
  const smallest = HEADER_BYTES + layout.recordBytes + footerBytes(1)
  checked('budgetBytes', budgetBytes, smallest, Number.MAX_SAFE_INTEGER)
  return {
    dir,
    path: path.join(dir, space.slice(0, 16)),
    space,
    spaceFile: spaceFileText(options.space, options.description),
    dims,
    layout,
    segmentBytes: Math.max(smallest, Math.min(Math.floor(budgetBytes / 16), MAX_SEGMENT_BYTES)),
    budgetBytes,
    hash,
    clock,
    crc32,
    warn,
    descriptors: new Descriptors(),
    counters: { damaged: 0, evicted: 0 },
  }
}

function checked(name: string, value: number, least: number, most: number): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value
  throw new OpDbusError('INVALID_INPUT', `${name} must be a whole number from ${least} to ${most}, not ${value}`)
}
