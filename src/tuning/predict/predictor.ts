// What all predictors have in common: each fetch is within the budget, can be cancelled, and is accounted for until its end. Decides neither
// what to fetch nor when.
import type { Diagnostics, PrefetchedEvent } from '../../diagnostics.js'
import type { CacheName, Clock } from '../../ports.js'
import type { PredictorName, PredictorState } from '../report.js'
import type { Budget } from './budget.js'
import { Judge } from './judge.js'

/** Fetches that are accounted for at the same time, of one predictor. */
const MOST_FETCHES = 256
/** One that takes so many times as long as it was to take, and so much longer, ms, is given up: nobody is to wait for what may hang. */
const PATIENCE = 4
const PATIENCE_MS = 100

export interface PredictorParts {
  readonly name: PredictorName
  readonly cache: CacheName
  /** Of the cache: shared by its predictors. */
  readonly budget: Budget
  /** What was asked for would have been computed without prediction too. Default: whoever asks for fetches tells the budget himself. */
  readonly usedIsOwed?: boolean
  readonly clock: Pick<Clock, 'monotonic'>
  readonly diagnostics: Pick<Diagnostics, 'prefetched' | 'warn'>
  /** Told how each fetch ended, and what it took, microseconds. */
  readonly ended?: (outcome: FetchOutcome, micros: number) => void
}

export type FetchOutcome = PrefetchedEvent['outcome']

/** How one fetch stands. Times are ms of the monotonic clock. */
interface Fetch {
  readonly controller: AbortController
  readonly estimate: number
  readonly began: number
  /** Before this nobody needed it: what was there before served as well. */
  readonly usefulFrom: number
  /** Spent, once it is here. */
  micros: number | undefined
  /** When it is of no use any more; while it is under way, when it is given up. */
  until: number
}

export class Predictor {
  readonly name: PredictorName
  readonly #parts: PredictorParts
  readonly #judge = new Judge()
  /** By id: under way, or here and not asked for. The oldest first. */
  readonly #fetches = new Map<string, Fetch>()
  #useful = 0
  #useless = 0
  #late = 0
  #micros = 0
  #pauses = 0
  #closed = false

  constructor(parts: PredictorParts) {
    this.#parts = parts
    this.name = parts.name
  }

  /** What was fetched and waits to be asked for, or is under way. On the way of every hit: look before {@link asked}. */
  get waiting(): number {
    return this.#fetches.size
  }

  has(id: string): boolean {
    return this.#fetches.has(id)
  }

  /** Whether it is being fetched. */
  isUnderWay(id: string): boolean {
    const fetch = this.#fetches.get(id)
    return fetch !== undefined && fetch.micros === undefined
  }

  /**
   * Fetches with `run`, if there is budget for about `micros` of computing and the predictor is not paused. `run` answers undefined where
   * there is nothing to fetch, else a promise of the time, ms, until which what it fetched is good (undefined: it was there already, or could
   * not be kept). Resolves to whether it is of use when it is over; undefined where nothing was begun.
   */
  fetch(
    id: string,
    micros: number,
    usefulFrom: number,
    run: (signal: AbortSignal) => Promise<number | undefined> | undefined,
  ): Promise<boolean> | undefined {
    const { clock, budget } = this.#parts
    if (this.#closed || this.has(id)) return undefined
    if (!this.#judge.occasion() || !budget.reserve(micros)) return undefined
    const controller = new AbortController()
    const began = clock.monotonic()
    const answer = attempt(() => run(controller.signal))
    if (answer === undefined) {
      budget.settle(micros, 0)
      return undefined
    }
    const until = began + (PATIENCE * micros) / 1000 + PATIENCE_MS
    const fetch: Fetch = { controller, estimate: micros, began, usefulFrom, micros: undefined, until }
    this.#makeRoom()
    this.#fetches.set(id, fetch)
    return answer.then(
      until => this.#arrived(id, fetch, until),
      () => this.#over(id, fetch, controller.signal.aborted ? 'cancelled' : 'failed'),
    )
  }

  /** Somebody asks for it. `here`: and finds it. */
  asked(id: string, here: boolean): void {
    const fetch = this.#fetches.get(id)
    if (fetch === undefined) return
    if (fetch.micros === undefined) {
      // Else what was there before still answers.
      if (!here) this.#handOver(id, fetch)
      return
    }
    const now = this.#parts.clock.monotonic()
    if (here && now < fetch.usefulFrom) return
    this.#fetches.delete(id)
    this.#count(here && now <= fetch.until ? 'useful' : 'useless', fetch.micros)
  }

  /** What was fetched is not served any more, and what is under way will not be. */
  drop(id: string): void {
    const fetch = this.#fetches.get(id)
    if (fetch === undefined) return
    if (fetch.micros === undefined) fetch.controller.abort(new Error('it is not to be served any more'))
    else {
      this.#fetches.delete(id)
      this.#count('useless', fetch.micros)
    }
  }

  /** The cache is emptied, or closes: nobody could have asked for what is left. */
  dropAll(): void {
    for (const [id, fetch] of [...this.#fetches]) {
      if (fetch.micros === undefined) fetch.controller.abort(new Error('the cache was emptied'))
      else {
        this.#fetches.delete(id)
        this.#tell('cancelled', fetch.micros)
      }
    }
  }

  /** Ends what nobody has asked for in its time, and what does not come. Answers when the next one ends, ms; Infinity for never. */
  sweep(now: number): number {
    let next = Number.POSITIVE_INFINITY
    for (const [id, { until }] of this.#fetches) {
      if (until > now) next = Math.min(next, until)
      else this.drop(id)
    }
    return next
  }

  close(): void {
    this.#closed = true
    this.dropAll()
  }

  state(): PredictorState {
    const { name, cache } = this.#parts
    return {
      name,
      cache,
      state: this.#closed ? 'off' : this.#judge.paused ? 'paused' : 'on',
      useful: this.#useful,
      useless: this.#useless,
      late: this.#late,
      waiting: this.#fetches.size,
      micros: Math.round(this.#micros),
    }
  }

  #makeRoom(): void {
    if (this.#fetches.size < MOST_FETCHES) return
    const oldest = [...this.#fetches].find(([, { micros }]) => micros !== undefined)
    if (oldest) this.drop(oldest[0])
  }

  /**
   * Somebody who asks waits for it now: it is theirs, as what they would have begun themselves. Should they not wait for its end, it ends with
   * them.
   */
  #handOver(id: string, fetch: Fetch): void {
    this.#fetches.delete(id)
    // What it takes is told by who computes, as of whatever somebody waits for.
    this.#parts.budget.settle(fetch.estimate, 0)
    const micros = this.#took(fetch)
    this.#micros += micros
    fetch.controller.abort(new Error('somebody else waits for it'))
    this.#count('late', micros)
  }

  #arrived(id: string, fetch: Fetch, until: number | undefined): boolean {
    if (until === undefined || this.#closed) return this.#over(id, fetch, 'cancelled')
    if (this.#fetches.get(id) !== fetch) return false
    fetch.micros = this.#spent(fetch, this.#took(fetch))
    fetch.until = until
    return true
  }

  #over(id: string, fetch: Fetch, outcome: 'cancelled' | 'failed'): false {
    if (this.#fetches.get(id) !== fetch) return false
    this.#fetches.delete(id)
    const took = this.#took(fetch)
    // Who computes it may not be able to stop.
    this.#tell(outcome, this.#spent(fetch, fetch.controller.signal.aborted ? Math.max(took, fetch.estimate) : took))
    return false
  }

  #took({ began }: Fetch): number {
    return 1000 * (this.#parts.clock.monotonic() - began)
  }

  #spent({ estimate }: Fetch, micros: number): number {
    this.#parts.budget.settle(estimate, micros)
    this.#micros += micros
    return micros
  }

  #count(outcome: 'useful' | 'useless' | 'late', micros: number): void {
    const { name, cache, budget, diagnostics, usedIsOwed = false } = this.#parts
    if (usedIsOwed && outcome === 'useful') budget.owe(micros)
    if (outcome === 'useful') this.#useful++
    else if (outcome === 'late') this.#late++
    else this.#useless++
    this.#tell(outcome, micros)
    const verdict = this.#judge.note(outcome !== 'useless')
    if (verdict === undefined) return
    const { used, judged, pause } = verdict
    diagnostics.warn(
      `${name} (${cache}) has paused itself: of the last ${judged} that it fetched ahead only ${used} were asked for; it tries again after ${pause} occasions`,
      undefined,
      `pause ${++this.#pauses} of ${name} of ${cache}`,
    )
  }

  #tell(outcome: FetchOutcome, micros: number): void {
    const { name: predictor, cache, diagnostics, ended } = this.#parts
    ended?.(outcome, micros)
    if (diagnostics.prefetched.heard)
      diagnostics.prefetched.tell({ cache, predictor, outcome, micros: Math.round(micros) })
  }
}

function attempt<T>(run: () => T | undefined): T | undefined {
  try {
    return run()
  } catch {
    // Caches that are closed, a folder that cannot be read: whoever asks next is told.
    return undefined
  }
}
