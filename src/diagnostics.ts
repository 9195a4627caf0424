// What happens inside the caches, the state and the chain, as typed events for whoever listens. While nobody does, an event costs one branch
// and is not made. No event holds a text, a key or a value: an entry is named by a hash, worked out only when it is asked for.
import type {
  AppendedEvent,
  AppliedEvent,
  ClearedEvent,
  ComputedEvent,
  DiagnosticEvents,
  DiagnosticName,
  EvictedEvent,
  FailedEvent,
  FaultEvent,
  InvalidatedEvent,
  LookupEvent,
  PrefetchedEvent,
  PrunedEvent,
  PushedEvent,
  RestoredEvent,
  StoredEvent,
  TunedEvent,
  WarmedEvent,
  WarningEvent,
} from './diagnostic-events.js'
import { messageOf } from './errors.js'
import type { BatchListener, BatchRun, Clock } from './ports.js'

export * from './diagnostic-events.js'

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
  readonly prefetched: Topic<PrefetchedEvent>
  readonly tuned: Topic<TunedEvent>
  readonly warmed: Topic<WarmedEvent>
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
    this.prefetched = topic('prefetched')
    this.tuned = topic('tuned')
    this.warmed = topic('warmed')
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
