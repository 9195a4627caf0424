// What tuning says: of sizes and policies, of what it changed by itself, of what was fetched ahead, and what all of it is worth. Types only: the
// command line, `/api/tuning` and the console agree on them.
import type { PolicyName } from '../cache/eviction.js'
import type { CacheName } from '../ports.js'

/** One size of one policy. */
export interface CurvePoint {
  /** Entries. */
  readonly capacity: number
  readonly bytes: number
  /** 0 to 1. */
  readonly hitRate: number
  /** Of the time that all requests would take without memory, the part that hits save; 0 to 1. */
  readonly savedRate: number
  /** Seconds a day. */
  readonly savedSeconds: number
}

export interface PolicyCurve {
  readonly policy: PolicyName
  /** The smallest first. */
  readonly points: readonly CurvePoint[]
}

export interface CacheAdvice {
  readonly cache: CacheName
  /** What a hit of memory makes needless, and `savedRate` and `savedSeconds` count: where the disk has it too, only reading that. */
  readonly saves: 'reading' | 'computing'
  readonly requests: number
  /** Different keys, of all: estimated where the trace is a sample. */
  readonly keys: number
  /** Requests to an entry that was never asked for before: no memory answers those. */
  readonly firstSeen: number
  readonly curves: readonly PolicyCurve[]
  /** As it was while it was traced; absent where the trace does not say. */
  readonly now?: {
    readonly policy: PolicyName
    readonly capacity: number
    readonly bytes: number
    readonly hitRate: number
  }
  /**
   * The policy to take at the size of `now`, and what is to be expected of it there: the one that saves most or, where it saves as much within
   * half a point of all time, the one that is. Where memory is off, or the trace does not say, at a size that saves most of what any could.
   */
  readonly best: CurvePoint & { readonly policy: PolicyName }
  /** The smallest size, under the best policy, with so high a hit rate; `capacity` absent where none reaches it. */
  readonly targets: readonly { readonly hitRate: number; readonly capacity?: number; readonly bytes?: number }[]
  /** What more memory would save, under the best policy. */
  readonly more: { readonly bytes: number; readonly savedSeconds: number }
  /** Computations that another process or machine among the traces had done before: what sharing would save. Absent with one trace. */
  readonly shared?: { readonly computations: number; readonly savedSeconds: number }
  /** The advice in plain sentences, the most worth first. */
  readonly advice: readonly string[]
}

export interface AdviceReport {
  readonly available: true
  readonly traces: number
  readonly requests: number
  readonly spanSeconds: number
  /** Part of the keys that the curves were made from. */
  readonly sampled: number
  readonly caches: readonly CacheAdvice[]
}

/** No advice yet, and what to do to have some. */
export interface NoAdvice {
  readonly available: false
  readonly reason: string
}

/** What is recorded. */
export interface TraceState {
  readonly on: boolean
  readonly files: number
  readonly bytes: number
  readonly maxBytes: number
  readonly requests: number
  /** Part of the keys that is recorded now. */
  readonly rate: number
  /** Requests that were not recorded though they were to be: too many came, or the disk did not take them. */
  readonly dropped: number
}

/** One change that the tuner made. */
export interface TuningChange {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly cache: CacheName
  readonly what: 'capacity' | 'policy'
  readonly from: string
  readonly to: string
  readonly why: string
  /** The change took earlier ones back: they had not paid, or the tuner gave up. */
  readonly undone: boolean
}

export interface AutoState {
  readonly on: boolean
  /** Why the tuner gave up; absent where it did not. What it had changed is put back then, as `changes` say. */
  readonly failed?: string
  readonly budgetBytes: number
  readonly usedBytes: number
  /** What each cache has of the budget now. */
  readonly shares: Readonly<Partial<Record<CacheName, { readonly bytes: number; readonly policy: PolicyName }>>>
  /** The newest first. */
  readonly changes: readonly TuningChange[]
}

export type PredictorName = 'refresh-ahead' | 'read-ahead' | 'query-successors' | 'text-successors'

export interface PredictorState {
  readonly name: PredictorName
  readonly cache: CacheName
  /** `paused`: it switched itself off, because less than half of what it fetched was used. */
  readonly state: 'on' | 'paused' | 'off'
  /** Fetched and asked for; fetched and never asked for; asked for before it had arrived. */
  readonly useful: number
  readonly useless: number
  readonly late: number
  readonly waiting: number
  /** Microseconds of computing that were spent on it. */
  readonly micros: number
}

export interface WarmState {
  /** Entries loaded at the start of this process, and how long that took. */
  readonly loaded: number
  readonly bytes: number
  readonly ms: number
  /** Of those that were loaded, how many were asked for by now. */
  readonly used: number
  /** Keys of the list that are gone, or of another space. */
  readonly gone: number
  readonly stoppedBy?: 'bytes' | 'time' | 'clear' | 'close' | 'error'
  /** Milliseconds since 1970 of the last list that was saved, and its length; absent where there is none. */
  readonly savedAt?: number
  readonly saved?: number
}

/**
 * What a cache was good for in this process. Estimates: each hit counts as much as the like of it took on average, here or, before anything was
 * measured here, in other processes on the folder. The two savings are not to be added: the first is over having no cache, the second over
 * having no memory.
 */
export interface Worth {
  /**
   * Computing, asking plugins or comparing states, that hits of any tier made needless. Of embeddings, rows as batches computed them. A hit of
   * what prediction fetched made nothing needless: the first one is not counted.
   */
  readonly computeSeconds: number
  /** Reading of the disk that hits of memory made needless. */
  readonly diskSeconds: number
  /**
   * Asking disk and shared tier, whether they had it or not, writing to them, and fetching ahead what nobody asked for then; measured.
   */
  readonly spentSeconds: number
  /** What it holds in memory and on disk. */
  readonly memoryBytes: number
  readonly diskBytes: number
}

/** What a running process knows of its own tuning. */
export interface TuningState {
  readonly policies: Readonly<Record<CacheName, PolicyName>>
  readonly auto: AutoState
  readonly predictors: readonly PredictorState[]
  /** Absent where no warm start is on. */
  readonly warm?: WarmState
  readonly trace?: TraceState
}
