// Records the requests to the caches of this process, as events tell them: hashes, sizes and times. Sees no text and no key.
import { atExit } from '../../backends/at-exit.js'
import type { ComputedEvent, Diagnostics, LookupEvent } from '../../diagnostics.js'
import type { CacheName, Clock } from '../../ports.js'
import type { TraceState } from '../../tuning/report.js'
import type { OneRequest } from '../../tuning/request-list.js'
import { CACHE_ORDER, KEY_SPAN, keyOfHash, OUTCOMES, type Outcome } from '../../tuning/requests.js'
import type { TracedCache } from '../../tuning/trace-format.js'
import { crc32, timer } from '../runtime.js'
import { type TraceSwitch, traceFiles } from './trace-folder.js'
import { TraceWriter } from './trace-writer.js'

/** Requests of one second that are recorded; when more come, half of the keys are left out from then on. */
export const MOST_A_SECOND = 50_000
/** What was computed and waits for its look-up to end: more than a chunk of texts. */
const MOST_COMPUTED = 16_384
/** With fewer keys than this part nothing can be said. */
const LEAST_RATE = 2 ** -20

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
  /** Files that were looked at before. */
  readonly #known = new Set<string>()
  #rate: number
  #threshold: number
  /** The second that is counted, and the requests in it. */
  #second = 0
  #inSecond = 0
  #last: number
  #requests = 0
  #dropped = 0
  #failed = false

  /** `last`: no record is of an earlier time, whatever the clock says. */
  constructor(on: TraceSwitch, options: TraceRecorderOptions, last = 0) {
    const { diagnostics, clock, folder, process, part, caches } = options
    this.#options = options
    this.#on = on
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
      header: () => ({ began: clock.now(), caches: caches() }),
      failed: message => {
        this.#failed = true
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

  state(): TraceState {
    const files = traceFiles(this.#options.folder, this.#known)
    return {
      on: !this.#failed,
      files: files.length,
      bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
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
      this.#dropped++
      return
    }
    const clock = this.#options.clock.now()
    this.#last = Math.max(this.#last, clock)
    // Also where the clock was set back: that is no reason to count on.
    if (clock - this.#second >= 1000 || clock < this.#second) {
      this.#second = clock
      this.#inSecond = 0
    }
    if (++this.#inSecond > (this.#options.mostASecond ?? MOST_A_SECOND) && this.#rate > LEAST_RATE) {
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
