// What a part of tuning is given, and what it is. Types only.
import type { CacheSet } from '../../caches/cache-set.js'
import type { Config } from '../../config.js'
import type { Diagnostics } from '../../diagnostics.js'
import type { Clock } from '../../ports.js'
import type { SegmentStore } from '../../stores/segments.js'

export interface TuningCall {
  readonly set: CacheSet
  readonly config: Config
  /** The cache folder; undefined where nothing is kept on disk. */
  readonly dir: string | undefined
  readonly clock: Clock
  readonly diagnostics: Diagnostics
  /** Where vectors lie; undefined before it is known what computes, and where they are not kept. */
  readonly vectors: () => SegmentStore | undefined
  /** Whether what computes can be opened without fetching anything. */
  readonly isHere: () => Promise<boolean>
}

/** One part: what it says of itself, and its end. `close` is called before the caches close, and has to be quick. */
export interface TuningPart<S> {
  state(): S
  close(): Promise<void>
}
