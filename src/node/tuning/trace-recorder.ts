// Records the requests to the caches of this process, as events tell them: hashes, sizes and times. Sees no text and no key.
import { atExit } from '../../backends/at-exit.js'
import type { ComputedEvent, Diagnostics, LookupEvent } from '../../diagnostics.js'
import type { CacheName, Clock } from '../../ports.js'
import type { TraceState } from '../../tuning/report.js'
import type { OneRequest } from '../../tuning/request-list.js'
import { CACHE_ORDER, KEY_SPAN, keyOfHash, LEAST_RATE, OUTCOMES, type Outcome } from '../../tuning/requests.js'
import type { TracedCache } from '../../tuning/trace-format.js'
import { crc32, timer } from '../runtime.js'
import type { TraceSwitch } from './trace-folder.js'
import { TraceWriter } from './trace-writer.js'

/** Requests of one second that are recorded; when more come, half of the keys are left out from then on. */
const MOST_A_SECOND = 50_000
/** What was computed and waits for its look-up to end: more than a chunk of texts. */
const MOST_COMPUTED = 16_384

export interface TraceRecorderOptions {
  readonly diagnostics: Diagnostics
  readonly clock: Clock
  readonly folder: string
  readonly process: string
  /** The first part to write. */
  readonly part: number
  readonly caches: () => Readonly<Partial<Record<CacheName, TracedCache>>>
  readonly mostASecond?: number
}

export class TraceRecorder {
  readonly #options: TraceRecorderOptions
  readonly #on: TraceSwitch
  readonly #writer: TraceWriter
  /** What was measured of keys whose look-ups have not ended. */
  readonly #computed = new Map<number, { readonly tokens: number; readonly cost: number }>()
  readonly #one: OneRequest = { at: 0, cache: 0, key: 0, bytes: 0, tokens: 0, cost: 0, micros: 0, outcome: 0 }
  readonly #leave: (() => void)[]
  #rate: number
  #threshold: number
  /** The second that is counted, and the requests in it. */
  #second = 0
  #inSecond = 0
  #last: number
  #requests = 0
  #dropped = 0
  #failedAt: number | undefined
  /** The wall clock when the monotonic one began: no record is of a later time than it was, though somebody sets the clock. */
  readonly #zero: number

  /** `last`: no record is of an earlier time, whatever the clock says. */
  constructor(on: TraceSwitch, options: TraceRecorderOptions, last = 0) {
    const { diagnostics, clock, folder, process, part, caches } = options
    this.#options = options
    this.#on = on
    this.#zero = clock.now() - clock.monotonic()
    this.#last = last
    this.#rate = on.rate
    this.#threshold = on.rate * KEY_SPAN
    this.#writer = new TraceWriter({
      folder,
      maxBytes: on.maxBytes,
      crc32,
      timer,
      process,
      part,
      header: () => ({ began: this.#now(), caches: caches() }),
      failed: (message, lost) => {
        this.#failedAt = clock.monotonic()
        this.#requests -= lost
        this.#dropped += lost
        this.#silence()
        diagnostics.warn(message, undefined, 'trace of requests')
      },
    })
    this.#leave = [
      diagnostics.on('lookup', event => this.#lookedUp(event)),
      diagnostics.on('computed', event => this.#wasComputed(event)),
      atExit(() => this.#writer.closeSync()),
    ]
  }

  /** Where the next recorder of this process goes on: its first part, and its earliest time. */
  get next(): { readonly part: number; readonly last: number } {
    return { part: this.#writer.part, last: this.#last }
  }

  /** When the disk said no, by the monotonic clock. */
  get failedAt(): number | undefined {
    return this.#failedAt
  }

  state(): Omit<TraceState, 'files' | 'bytes'> {
    return {
      on: this.#failedAt === undefined,
      maxBytes: this.#on.maxBytes,
      requests: this.#requests,
      rate: this.#rate,
      dropped: this.#dropped,
    }
  }

  /** All requests so far are with the system, or lost with a warning. */
  flushed(): Promise<void> {
    return this.#writer.flushed()
  }

  async close(): Promise<void> {
    this.#silence()
    await this.#writer.close()
  }

  /** Milliseconds since 1970. */
  #now(): number {
    return Math.round(this.#zero + this.#options.clock.monotonic())
  }

  #silence(): void {
    for (const leave of this.#leave.splice(0)) leave()
  }

  /** Told before the look-ups that waited for it end. */
  #wasComputed(event: ComputedEvent): void {
    const key = keyOfHash(event.keyHash)
    if (key >= this.#threshold) return
    if (this.#computed.size >= MOST_COMPUTED) this.#computed.delete(this.#computed.keys().next().value!)
    this.#computed.set(key, { tokens: event.tokens ?? 0, cost: event.cost ?? event.micros })
  }

  #lookedUp(event: LookupEvent): void {
    const key = keyOfHash(event.keyHash)
    if (key >= this.#threshold) {
      // Beyond the part that was asked for nothing is missing.
      if (key < this.#on.rate * KEY_SPAN) this.#dropped++
      return
    }
    const now = this.#now()
    this.#last = Math.max(this.#last, now)
    if (now - this.#second >= 1000) {
      this.#second = now
      this.#inSecond = 0
    }
    if (++this.#inSecond > (this.#options.mostASecond ?? MOST_A_SECOND) && this.#rate >= 2 * LEAST_RATE) {
      // By the hash of the key, never by chance: every request to a key that is recorded is, which is what curves are made from (SHARDS,
      // Waldspurger et al., FAST 2015).
      this.#rate /= 2
      this.#threshold /= 2
      this.#inSecond = Math.floor(this.#inSecond / 2)
      if (key >= this.#threshold) {
        this.#dropped++
        return
      }
    }
    const measured = this.#computed.size > 0 ? this.#computed.get(key) : undefined
    if (measured) this.#computed.delete(key)
    const one = this.#one
    one.at = this.#last
    one.cache = CACHE_ORDER.indexOf(event.cache)
    one.key = key
    one.bytes = event.bytes ?? 0
    one.tokens = measured?.tokens ?? 0
    one.cost = measured?.cost ?? 0
    one.micros = event.micros
    one.outcome = OUTCOMES.indexOf(outcomeOf(event))
    if (this.#writer.add(one, this.#rate)) this.#requests++
    else this.#dropped++
  }
}

function outcomeOf({ outcome, source }: LookupEvent): Outcome {
  if (outcome !== 'hit') return outcome
  // A pattern's vector is the template's, which memory has.
  return source === 'disk' || source === 'shared' ? source : 'memory'
}
