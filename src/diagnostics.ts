// What happens inside the caches, the state and the chain, as typed events for whoever listens. While nobody does, an event costs one branch
// and is not made. No event holds a text, a key or a value: an entry is named by a hash, worked out only when it is asked for.
import { messageOf } from './errors.js'
import type { BatchListener, BatchRun, CacheName, Clock, Device, SkipReason, Source, TierName } from './ports.js'

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

export interface WarningEvent {
  readonly message: string
}

/** What `node:diagnostics_channel` has under one name. */
export interface Channel {
  readonly hasSubscribers: boolean
  publish(message: unknown): void
}

export interface DiagnosticsOptions {
  /** Told every warning, once. */
  readonly onWarning?: (message: string) => void
  /** Where the runtime has channels that any part of a program can subscribe to. */
  readonly channel?: (name: DiagnosticName) => Channel
}

/** One kind of event. */
class Topic<E> {
  #listeners: readonly ((event: E) => void)[] = []
  readonly #channel: Channel | undefined
  readonly #failed: (error: unknown) => void

  constructor(channel: Channel | undefined, failed: (error: unknown) => void) {
    this.#channel = channel
    this.#failed = failed
  }

  /** Whether anybody listens. Look before you make an event. */
  get heard(): boolean {
    return this.#listeners.length > 0 || this.#channel?.hasSubscribers === true
  }

  /** Calls `listener` from now on, until the function that it returns is called. */
  on(listener: (event: E) => void): () => void {
    // Of its own for each call, so that one listener added twice is taken away one at a time.
    const own = (event: E) => listener(event)
    this.#listeners = [...this.#listeners, own]
    return () => {
      this.#listeners = this.#listeners.filter(other => other !== own)
    }
  }

  /** Tells everybody, now. What a listener throws is not the teller's concern. */
  tell(event: E): void {
    for (const listener of this.#listeners) {
      try {
        listener(event)
      } catch (error) {
        this.#failed(error)
      }
    }
    this.#channel?.publish(event)
  }
}

/** Warnings beyond this many are told without being remembered as told. */
const MOST_REMEMBERED = 1000

/** The events of one set of caches, and the one place where a warning is told, once. */
export class Diagnostics {
  readonly lookup: Topic<LookupEvent>
  readonly computed: Topic<ComputedEvent>
  readonly batch: Topic<BatchRun>
  readonly stored: Topic<StoredEvent>
  readonly evicted: Topic<EvictedEvent>
  readonly invalidated: Topic<InvalidatedEvent>
  readonly cleared: Topic<ClearedEvent>
  readonly fault: Topic<FaultEvent>
  readonly applied: Topic<AppliedEvent>
  readonly pushed: Topic<PushedEvent>
  readonly failed: Topic<FailedEvent>
  readonly appended: Topic<AppendedEvent>
  readonly pruned: Topic<PrunedEvent>
  readonly restored: Topic<RestoredEvent>
  readonly warning: Topic<WarningEvent>
  readonly #told = new Set<string>()
  readonly #onWarning: ((message: string) => void) | undefined

  constructor({ onWarning, channel }: DiagnosticsOptions = {}) {
    this.#onWarning = onWarning
    const topic = <N extends DiagnosticName>(name: N) =>
      new Topic<DiagnosticEvents[N]>(channel?.(name), error => this.#listenerThrew(name, error))
    this.lookup = topic('lookup')
    this.computed = topic('computed')
    this.batch = topic('batch')
    this.stored = topic('stored')
    this.evicted = topic('evicted')
    this.invalidated = topic('invalidated')
    this.cleared = topic('cleared')
    this.fault = topic('fault')
    this.applied = topic('applied')
    this.pushed = topic('pushed')
    this.failed = topic('failed')
    this.appended = topic('appended')
    this.pruned = topic('pruned')
    this.restored = topic('restored')
    this.warning = topic('warning')
  }

  on<N extends DiagnosticName>(name: N, listener: (event: DiagnosticEvents[N]) => void): () => void {
    return (this[name] as unknown as Topic<DiagnosticEvents[N]>).on(listener)
  }

  /**
   * Tells a warning, unless the same was told before: the same sentence, or whatever else was said under the same `about`. A
   * function of its own, so that it can be handed on.
   */
  readonly warn = (message: string, _cause?: unknown, about: string = message): void => {
    if (!this.#isNew(about)) return
    if (this.warning.heard) this.warning.tell({ message })
    this.#pass(message)
  }

  /** Tells the batches of an embedder. */
  batches(clock: Pick<Clock, 'monotonic'>): BatchListener {
    return {
      clock,
      ran: (batch: BatchRun) => {
        if (this.batch.heard) this.batch.tell(batch)
      },
    }
  }

  #listenerThrew(name: DiagnosticName, error: unknown): void {
    // Past the listeners of warnings, one of which may be the one that threw.
    if (this.#isNew(`listener of ${name}`)) this.#pass(`a listener for "${name}" threw: ${messageOf(error)}`)
  }

  #pass(message: string): void {
    try {
      this.#onWarning?.(message)
    } catch {
      // Whoever was to be told cannot take it, and what was going on is not to fail for that.
    }
  }

  #isNew(about: string): boolean {
    if (this.#told.has(about)) return false
    if (this.#told.size < MOST_REMEMBERED) this.#told.add(about)
    return true
  }
}
