// The kinds of events that caches, state and chain tell, and their names. Types, and the one list of names. No event holds a text, a key or
// a value.
import type { BatchRun, CacheName, Device, SkipReason, Source, TierName } from './ports.js'

/** Everything that can be listened to. Times are microseconds, sizes are bytes. */
export interface DiagnosticEvents {
  /** A cache was asked for an entry, and answered. Each look-up that is counted is told once. */
  readonly lookup: LookupEvent
  /** No tier had an entry, and it was computed. */
  readonly computed: ComputedEvent
  /** A worker computed texts as one. Not told of an embedder of the user's own. */
  readonly batch: BatchRun
  /** A tier below memory took what was handed to it in one turn. */
  readonly stored: StoredEvent
  /** Memory gave an entry up to make room. */
  readonly evicted: EvictedEvent
  /** A plugin's state changed, so that nothing that was asked before is served any more. Queries only. */
  readonly invalidated: InvalidatedEvent
  /** A cache was emptied, here or by another process. */
  readonly cleared: ClearedEvent
  /** A tier failed to do what it was asked, or answered with something that is not what was stored. Told each time. */
  readonly fault: FaultEvent
  /** A plugin was asked to change its part of a system (op-dbus/state), and ended, well or not. */
  readonly applied: AppliedEvent
  /** A plugin's system told something by itself, to who has it listened to. */
  readonly pushed: PushedEvent
  /** A plugin did not do what it was asked. Told each time. */
  readonly failed: FailedEvent
  /** This process added blocks to the chain (op-dbus/blockchain), and they are on the disk. */
  readonly appended: AppendedEvent
  /** Bodies of blocks were taken away, by this process. */
  readonly pruned: PrunedEvent
  /** A snapshot was put in the chain's place, by this process. */
  readonly restored: RestoredEvent
  /** An entry that was fetched before anybody asked for it came to its end: it was of use, or not. */
  readonly prefetched: PrefetchedEvent
  /** The tuner changed the size or the policy of a cache. */
  readonly tuned: TunedEvent
  /** Entries that an earlier process used were loaded into memory. */
  readonly warmed: WarmedEvent
  /** What `onWarning` is told as well. */
  readonly warning: WarningEvent
}

export type DiagnosticName = keyof DiagnosticEvents

export const DIAGNOSTIC_NAMES: readonly DiagnosticName[] = [
  'lookup',
  'computed',
  'batch',
  'stored',
  'evicted',
  'invalidated',
  'cleared',
  'fault',
  'applied',
  'pushed',
  'failed',
  'appended',
  'pruned',
  'restored',
  'prefetched',
  'tuned',
  'warmed',
  'warning',
]

/** A tier that was looked into on the way to an answer, or was left out. */
export interface TierVisit {
  readonly tier: TierName
  readonly kind: 'hit' | 'miss' | 'skipped'
  /** Why it was left out. */
  readonly why?: SkipReason
  readonly micros: number
}

/** About one entry. */
export interface EntryEvent {
  readonly cache: CacheName
  /** SHA-256 of the key, the same in every process and run; of an embedding, its name on disk. Costs a digest at each reading. */
  readonly keyHash: string
}

export interface LookupEvent extends EntryEvent {
  /** `joined`: waited for a computation that somebody else had asked for. `absent`: was not to be computed. */
  readonly outcome: 'hit' | 'computed' | 'joined' | 'absent' | 'failed'
  /** Where the answer came from; absent where there is none. */
  readonly source?: Source
  /** From the question to the answer. */
  readonly micros: number
  /** What the entry takes in memory; absent where there is none. */
  readonly bytes?: number
  /** The tiers below memory that were asked, nearest first; empty for `joined`. */
  readonly tiers: readonly TierVisit[]
}

export interface ComputedEvent extends EntryEvent, Computation {
  /** From the question to the embedder's, query's or loader's answer: waiting in its queue and in a batch is part of it. */
  readonly micros: number
  /** What the entry takes in memory. */
  readonly bytes: number
  /**
   * Computing this one by itself: of an embedding its share, by tokens, of what batches of late took; of others the call of the plugin or
   * function. Absent where nobody has measured it yet.
   */
  readonly cost?: number
}

/** What a computation says of itself. Embeddings only. */
export interface Computation {
  /** 0 for an embedder of the user's own. */
  readonly tokens?: number
  readonly device?: Device
}

export interface StoredEvent {
  readonly cache: CacheName
  readonly tier: TierName
  readonly entries: number
  readonly bytes: number
  readonly micros: number
}

export interface EvictedEvent extends EntryEvent {
  readonly tier: 'memory'
  readonly bytes: number
}

export interface InvalidatedEvent extends EntryEvent {
  /** True when another process said so, and memory followed: told by the next look-up, once for all changes since the last. */
  readonly elsewhere: boolean
}

export interface ClearedEvent {
  readonly cache: CacheName
  /** True when another process cleared the medium, and memory followed. */
  readonly elsewhere: boolean
}

export interface FaultEvent {
  readonly cache: CacheName
  readonly tier: TierName
  /** What was asked of the tier. */
  readonly what: 'read' | 'write'
  /** `damaged`: bytes that are not what was stored. `full`: more waits to be written than may. */
  readonly why: 'error' | 'timeout' | 'damaged' | 'full'
  /** What the medium said. */
  readonly message: string
}

export interface AppliedEvent {
  readonly plugin: string
  /** How many resources came to what: `{ done: 2, failed: 1 }`. */
  readonly outcomes: Readonly<Record<string, number>>
  /** With the look afterwards. */
  readonly micros: number
}

export interface PushedEvent {
  readonly plugin: string
  /** `lost`: it tells nothing any more; `sound`: it does again. */
  readonly kind: 'changed' | 'lost' | 'sound'
}

export interface FailedEvent {
  readonly plugin: string
  /** What was asked of it: `query`, `apply`, `watch` and so on. */
  readonly asked: string
  readonly why: 'error' | 'timeout'
  /** What it said. */
  readonly message: string
}

export interface AppendedEvent {
  /** Number of the first. */
  readonly first: number
  /** How many. */
  readonly blocks: number
  /** Of the last one: the end of the chain then. */
  readonly hash: string
}

export interface PrunedEvent {
  /** How many lost their bodies. */
  readonly blocks: number
  /** What the chain's files are smaller by. */
  readonly bytes: number
  readonly micros: number
}

export interface RestoredEvent {
  /** Blocks of the chain now, and before. */
  readonly size: number
  readonly before: number
  readonly micros: number
}

export interface PrefetchedEvent {
  readonly cache: CacheName
  readonly predictor: 'refresh-ahead' | 'read-ahead' | 'query-successors' | 'text-successors'
  /** `late`: somebody asked before it had arrived, and waited for it. `useless`: it went without being asked for. */
  readonly outcome: 'useful' | 'useless' | 'late' | 'cancelled' | 'failed'
  /** Spent on fetching it. */
  readonly micros: number
}

export interface TunedEvent {
  readonly cache: CacheName
  readonly what: 'capacity' | 'policy'
  /** Bytes, or names of policies. */
  readonly from: string
  readonly to: string
  /** In words. */
  readonly why: string
  /** It takes an earlier change back, which had not paid. */
  readonly undone: boolean
}

export interface WarmedEvent {
  readonly cache: CacheName
  readonly entries: number
  readonly bytes: number
  readonly micros: number
  /** Entries that were to be loaded and are not there any more. */
  readonly gone: number
  /** Why not all were loaded, if so. */
  readonly stoppedBy?: 'bytes' | 'time' | 'clear' | 'close' | 'error'
}

export interface WarningEvent {
  readonly message: string
}
