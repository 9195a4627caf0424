// Plain counts of what the daemon does, read by `/metrics`, `/api/stats` and `/events`. Holds no text, no key and no address, and knows no library.
import type { PrefetchedEvent, TunedEvent } from '../diagnostics.js'
import type { CacheName, Device, Source, TierName } from '../ports.js'
import type { Caches } from '../public.js'
import type { Latency } from './api.js'
import { Histogram } from './histogram.js'

/** How many rows of one request came from where. */
export type RowCounts = { [S in Source]: number }

/** Nearest first: a request whose rows came from several is counted under the farthest, which it waited for. */
export const SOURCES: readonly Source[] = ['memory', 'pattern', 'disk', 'shared', 'computed']

export interface RouteCounts {
  /** Answers by the first digit of their status, from 1 to 5. */
  readonly byClass: Float64Array
  /** Empty for streams: they last as long as their reader likes. */
  readonly micros: Histogram
}

export interface ModelCounts {
  readonly rows: RowCounts
  tokens: number
}

export interface FaultCount {
  readonly cache: string
  readonly tier: TierName
  readonly why: string
  count: number
}

export type TunedCount = Pick<TunedEvent, 'cache' | 'what' | 'undone'> & { count: number }
export type PrefetchCount = Pick<PrefetchedEvent, 'cache' | 'predictor' | 'outcome'> & { count: number }

export interface Meters {
  /** A request was answered: by route pattern (`/v1/embeddings`), never by address. `micros`: undefined for a stream. */
  answered(route: string, status: number, micros: number | undefined): void
  /** A request found no room: too many are in hand, or too many texts wait. */
  turnedAway(): void
  /** Rows of one embedding request. `micros`: from the question to the answer. `tokens`: as `usage` tells them. */
  embedded(model: string, rows: Readonly<RowCounts>, micros: number, tokens: number): void
  /** A request came in, or has been answered or given up: what is in hand. */
  waiting(change: 1 | -1): void
  /** Counts what the caches of a model tell of their embedder and their tiers, until the function that it returns is called. */
  listenTo(caches: Pick<Caches, 'on'>): () => void
  /** Texts answered, by where the vector came from. */
  readonly rows: Readonly<RowCounts>
  /** Texts answered a second, over the last ten seconds. */
  readonly rowsPerSecond: number
  /** Of embedding requests, by the farthest source that one of their rows came from. Within 9 %. */
  latency(source: Source): Latency
  readonly requests: {
    /** Answered. */
    readonly total: number
    /** With a status from 400 to 499. */
    readonly refused: number
    /** From 500. */
    readonly failed: number
    readonly inHand: number
  }
  /** What only `/metrics` reads. */
  readonly counts: MeterCounts
}

export interface MeterCounts {
  readonly routes: ReadonlyMap<string, RouteCounts>
  readonly models: ReadonlyMap<string, ModelCounts>
  readonly lookups: Readonly<Record<Source, Histogram>>
  /** Texts in each embedding request. */
  readonly requestRows: Histogram
  /** Requests that found no room. */
  readonly overloaded: number
  /** Texts that workers computed as one; how long the oldest of them had waited, and what the batch took. */
  readonly batchRows: Histogram
  readonly queueWait: Histogram
  readonly batchMicros: Histogram
  readonly computedBy: ReadonlyMap<Device, number>
  readonly faults: ReadonlyMap<string, FaultCount>
  readonly warnings: number
  /** Changes of the tuner. */
  readonly tuned: ReadonlyMap<string, TunedCount>
  /** Entries that were fetched ahead and came to their end; what fetching them took, all together. */
  readonly prefetches: ReadonlyMap<string, PrefetchCount>
  readonly prefetchMicros: number
  /** Entries loaded at the start. */
  readonly warmed: ReadonlyMap<CacheName, number>
}

export interface MetersOptions {
  readonly clock: { /** ms */ monotonic(): number }
}

/** Names beyond these are counted under `other`: whatever calls us, the number of series stays bounded. */
const MOST_NAMES = 100
const OTHER = 'other'
const SECONDS = 10

export function createMeters({ clock }: MetersOptions): Meters {
  return new PlainMeters(clock)
}

class PlainMeters implements Meters {
  readonly rows = noRows()
  readonly requests = { total: 0, refused: 0, failed: 0, inHand: 0 }
  readonly counts = {
    routes: new Map<string, RouteCounts>(),
    models: new Map<string, ModelCounts>(),
    lookups: bySource(() => new Histogram()),
    requestRows: new Histogram(),
    batchRows: new Histogram(),
    queueWait: new Histogram(),
    batchMicros: new Histogram(),
    overloaded: 0,
    computedBy: new Map<Device, number>(),
    faults: new Map<string, FaultCount>(),
    warnings: 0,
    tuned: new Map<string, TunedCount>(),
    prefetches: new Map<string, PrefetchCount>(),
    prefetchMicros: 0,
    warmed: new Map<CacheName, number>(),
  }
  readonly #clock: MetersOptions['clock']
  readonly #started: number
  /** Rows of each of the last seconds, by second modulo their number; the one under way is among them. */
  readonly #perSecond = new Float64Array(SECONDS + 1)
  #second: number

  constructor(clock: MetersOptions['clock']) {
    this.#clock = clock
    this.#started = clock.monotonic()
    this.#second = Math.floor(this.#started / 1000)
  }

  answered(route: string, status: number, micros: number | undefined): void {
    const { requests, counts } = this
    requests.total++
    if (status >= 500) requests.failed++
    else if (status >= 400) requests.refused++
    const of = named(counts.routes, route, () => ({ byClass: new Float64Array(6), micros: new Histogram() }))
    of.byClass[Math.min(5, Math.max(1, Math.floor(status / 100)))]!++
    if (micros !== undefined) of.micros.add(micros)
  }

  turnedAway(): void {
    this.counts.overloaded++
  }

  embedded(model: string, rows: Readonly<RowCounts>, micros: number, tokens: number): void {
    const of = named(this.counts.models, model, () => ({ rows: noRows(), tokens: 0 }))
    of.tokens += tokens
    let all = 0
    let farthest: Source | undefined
    for (const source of SOURCES) {
      const count = rows[source]
      if (count === 0) continue
      all += count
      farthest = source
      of.rows[source] += count
      this.rows[source] += count
    }
    if (farthest === undefined) return
    this.counts.lookups[farthest].add(micros)
    this.counts.requestRows.add(all)
    const now = this.#clock.monotonic()
    this.#turnTo(now)
    this.#perSecond[this.#second % this.#perSecond.length]! += all
  }

  waiting(change: 1 | -1): void {
    this.requests.inHand += change
  }

  listenTo(caches: Pick<Caches, 'on'>): () => void {
    const { counts } = this
    const ends = [
      caches.on('computed', ({ device }) => {
        if (device !== undefined) counts.computedBy.set(device, (counts.computedBy.get(device) ?? 0) + 1)
      }),
      caches.on('batch', ({ rows, waited, micros }) => {
        counts.batchRows.add(rows)
        counts.queueWait.add(waited)
        counts.batchMicros.add(micros)
      }),
      caches.on('fault', ({ cache, tier, why }) => {
        named(counts.faults, `${cache} ${tier} ${why}`, () => ({ cache, tier, why, count: 0 })).count++
      }),
      caches.on('warning', () => {
        counts.warnings++
      }),
      caches.on('tuned', ({ cache, what, undone }) => {
        named(counts.tuned, tunedName({ cache, what, undone }), () => ({ cache, what, undone, count: 0 })).count++
      }),
      caches.on('prefetched', ({ cache, predictor, outcome, micros }) => {
        const name = prefetchName({ cache, predictor, outcome })
        named(counts.prefetches, name, () => ({ cache, predictor, outcome, count: 0 })).count++
        counts.prefetchMicros += micros
      }),
      caches.on('warmed', ({ cache, entries }) => {
        counts.warmed.set(cache, (counts.warmed.get(cache) ?? 0) + entries)
      }),
    ]
    return () => {
      for (const end of ends) end()
    }
  }

  get rowsPerSecond(): number {
    const now = this.#clock.monotonic()
    this.#turnTo(now)
    const slots = this.#perSecond.length
    let rows = 0
    for (const count of this.#perSecond) rows += count
    // Of the oldest second as much as the one under way does not cover yet.
    const oldest = this.#perSecond[(this.#second + 1) % slots]!
    const part = now / 1000 - this.#second
    const seconds = Math.min(SECONDS, Math.max(1, (now - this.#started) / 1000))
    return (rows - part * oldest) / seconds
  }

  latency(source: Source): Latency {
    const histogram = this.counts.lookups[source]
    return { count: histogram.count, p50: histogram.quantile(0.5), p99: histogram.quantile(0.99) }
  }

  /** Empties the seconds between the last one that was counted and the one of `now`. */
  #turnTo(now: number): void {
    const second = Math.floor(now / 1000)
    const slots = this.#perSecond.length
    if (second - this.#second >= slots) this.#perSecond.fill(0)
    else for (let passed = this.#second + 1; passed <= second; passed++) this.#perSecond[passed % slots] = 0
    this.#second = Math.max(this.#second, second)
  }
}

function noRows(): RowCounts {
  return bySource(() => 0)
}

/** What changes of the tuner, and what was fetched ahead, are counted under. */
export const tunedName = ({ cache, what, undone }: Omit<TunedCount, 'count'>) => `${cache} ${what} ${undone}`
export const prefetchName = ({ cache, predictor, outcome }: Omit<PrefetchCount, 'count'>) =>
  `${cache} ${predictor} ${outcome}`

export function rowsBySource(sources: Iterable<Source>): RowCounts {
  const rows = noRows()
  for (const source of sources) rows[source]++
  return rows
}

function bySource<T>(make: () => T): Record<Source, T> {
  return { memory: make(), disk: make(), shared: make(), pattern: make(), computed: make() }
}

/** What is kept under `name`, made where it is new; under `other` where there are too many names. */
function named<T>(map: Map<string, T>, name: string, make: () => T): T {
  const known = map.get(name)
  if (known !== undefined) return known
  const key = map.size < MOST_NAMES ? name : OTHER
  const kept = map.get(key) ?? make()
  map.set(key, kept)
  return kept
}
