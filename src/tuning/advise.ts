// Advice on sizes and policies, from traces of one process or several. Deterministic; knows no clock, no files and no cache.
import type { PolicyName } from '../cache/eviction.js'
import type { CacheName } from '../ports.js'
import { sentences } from './advice-text.js'
import { type CurveOptions, Curves, curveSizes, type Rates } from './curves.js'
import { readMicrosOf, USUAL_READ_MICROS } from './disk-reads.js'
import { median } from './fill-costs.js'
import type { AdviceReport, CacheAdvice, CurvePoint } from './report.js'
import { CACHE_ORDER, type Trace } from './requests.js'
import { shareable } from './sharing.js'
import { type CacheStream, streamOf } from './streams.js'

/** The simplest first. */
const SIMPLEST: readonly PolicyName[] = ['lru', 'sieve', 's3-fifo', 'w-tinylfu', 'gdsf', 'cost-s3-fifo']
/** What is stays, unless something else saves so much more of all time; of those that do, the simplest within this of the best. */
const MARGIN = 0.005
const AS_GOOD = 0.002
const TARGETS = [0.8, 0.9, 0.95]
const MORE_BYTES = 10_000_000
/** Where nothing says how large memory is: as much as saves this part of what all of it could. */
const ENOUGH = 0.9
/** Steps by which a size between two points of a curve is found. */
const STEPS = 5
const DAY_SECONDS = 86_400

/** What memory was like while it was traced, or is meant to be. */
export interface PresentMemory {
  readonly policy: PolicyName
  /** Entries at most, and bytes at most; absent where there is no such bound. */
  readonly capacity?: number
  readonly bytes?: number
}

export interface AdvisedTrace extends Trace {
  readonly caches?: Readonly<Partial<Record<CacheName, PresentMemory>>>
}

export interface AdviseOptions extends CurveOptions {
  /** Told after each simulation: how many are done, of about how many. */
  readonly onStep?: (done: number, all: number) => void
}

/** Takes about a second, unless `rate` says otherwise. */
export function advise(traces: readonly AdvisedTrace[], options: AdviseOptions = {}): AdviceReport {
  const first = Math.min(...traces.map(({ requests }) => requests.at[0] ?? Number.POSITIVE_INFINITY))
  const last = Math.max(...traces.map(({ requests }) => requests.at[requests.length - 1] ?? Number.NEGATIVE_INFINITY))
  const spanSeconds = last > first ? (last - first) / 1000 : 0
  const asked = CACHE_ORDER.map((name, cache) => ({ name, cache })).filter(({ cache }) =>
    traces.some(({ requests }) => requests.cache.includes(cache)),
  )
  let done = 0
  const onStep = () => options.onStep?.(++done, asked.length * (SIMPLEST.length + 1) * 14)
  const found = asked.map(
    ({ name, cache }) => new CacheCurves(traces, name, cache, spanSeconds, { ...options, onStep }),
  )
  return {
    available: true,
    traces: traces.length,
    requests: Math.round(traces.reduce((sum, { requests, rate }) => sum + requests.length / rate, 0)),
    spanSeconds,
    sampled: Math.min(1, ...found.map(({ sampled }) => sampled)),
    caches: found.map(one => one.advice()),
  }
}

/** The curves of one cache, over the memories of all processes that were traced: each has one of its own, all of one size. */
class CacheCurves {
  readonly sampled: number
  readonly #name: CacheName
  readonly #traces: readonly AdvisedTrace[]
  readonly #streams: readonly CacheStream[]
  readonly #curves: readonly Curves[]
  readonly #spanSeconds: number
  readonly #requests: number
  readonly #allSaves: number
  readonly #meanBytes: number
  readonly #isReadMeasured: boolean
  /** Bytes are the bound, and not entries. */
  readonly #byBytes: boolean
  /** Of the trace that has most: no memory needs to be larger. */
  readonly #keys: number
  readonly #known = new Map<string, CurvePoint>()
  readonly #onStep: () => void

  constructor(
    traces: readonly AdvisedTrace[],
    name: CacheName,
    cache: number,
    spanSeconds: number,
    { rate, onStep }: AdviseOptions & { onStep: () => void },
  ) {
    this.#name = name
    this.#traces = traces
    this.#spanSeconds = spanSeconds
    this.#onStep = onStep
    // Of one machine they all read one disk.
    const reads = traces.flatMap(({ requests, disk }) => (disk[name] ? (readMicrosOf(requests, cache) ?? []) : []))
    this.#isReadMeasured = reads.length > 0
    const read = reads.length > 0 ? median(Float64Array.from(reads)) : USUAL_READ_MICROS
    this.#streams = traces.map(({ requests, disk }) => streamOf(requests, cache, disk[name] ? read : undefined))
    const sum = (of: (stream: CacheStream) => number) =>
      this.#streams.reduce((all, stream, i) => all + of(stream) / traces[i]!.rate, 0)
    const keys = sum(({ stream }) => stream.keys)
    this.#requests = sum(({ requests }) => requests)
    this.#allSaves = sum(({ allSaves }) => allSaves)
    this.#meanBytes = keys > 0 ? sum(({ stream, meanBytes }) => stream.keys * meanBytes) / keys : 0
    // Bytes are the bound where they are fewer than the entries that are allowed would take.
    this.#byBytes = traces.some(({ caches }) => {
      const { bytes = 0, capacity = Number.POSITIVE_INFINITY } = caches?.[name] ?? {}
      return bytes > 0 && bytes < capacity * this.#meanBytes
    })
    const entryBytes = this.#byBytes ? this.#meanBytes : undefined
    this.#curves = this.#streams.map(({ stream }) => new Curves(stream, { rate, entryBytes }))
    this.#keys = Math.max(0, ...this.#streams.map(({ stream }, i) => Math.round(stream.keys / traces[i]!.rate)))
    this.sampled = Math.min(...this.#curves.map(({ every }, i) => traces[i]!.rate / every))
  }

  advice(): CacheAdvice {
    const even = curveSizes(this.#keys)
    const now = this.#now()
    // Of memory that is off there is nothing to be said but what some would save.
    const size = now?.capacity || this.#enough(even)
    const sizes = withSize(even, Math.min(size, this.#keys))
    const curves = SIMPLEST.map(policy => ({ policy, points: sizes.map(one => this.#at(policy, one)) }))
    const policy = this.#bestAt(size, now?.policy ?? 'lru')
    const best = { ...this.#at(policy, size), policy }
    const more = this.#at(policy, size + this.#entriesIn(MORE_BYTES))
    const shared = this.#traces.length > 1 ? shareable(this.#traces, this.#streams) : undefined
    const firstSeen = this.#streams.reduce((sum, { stream }, i) => sum + stream.keys / this.#traces[i]!.rate, 0)
    const computing = this.#traces.every(trace => trace.disk[this.#name] !== true)
    const advice: Omit<CacheAdvice, 'advice'> = {
      cache: this.#name,
      saves: computing ? 'computing' : 'reading',
      requests: Math.round(this.#requests),
      keys: shared?.keys ?? this.#keys,
      firstSeen: Math.round(firstSeen),
      curves,
      now,
      best,
      targets: TARGETS.map(hitRate => ({
        hitRate,
        ...this.#smallest(sizes, policy, point => point.hitRate >= hitRate),
      })),
      more: { bytes: MORE_BYTES, savedSeconds: Math.max(0, more.savedSeconds - best.savedSeconds) },
      shared: shared && { computations: shared.computations, savedSeconds: this.#aDay(shared.micros) },
    }
    const enough = this.#score(best) - MARGIN
    return {
      ...advice,
      advice: sentences(advice, {
        spanSeconds: this.#spanSeconds,
        recorded: this.#streams.reduce((sum, { requests }) => sum + requests, 0),
        stays: now && this.#at(now.policy, size),
        computing,
        isReadMeasured: this.#isReadMeasured,
        processes: this.#traces.length,
        byBytes: this.#byBytes,
        suffices: now && this.#smallest(sizes, policy, point => this.#score(point) >= enough),
      }),
    }
  }

  /** What is to be expected of a size; `capacity` of it is what was asked for. */
  #at(policy: PolicyName, capacity: number): CurvePoint {
    const useful = Math.min(capacity, this.#keys)
    const id = `${policy} ${useful}`
    let point = this.#known.get(id)
    if (point === undefined) {
      const { hitRate, savedRate } = this.#rates(policy, useful)
      const savedSeconds = this.#aDay(savedRate * this.#allSaves)
      point = { capacity: useful, bytes: Math.round(useful * this.#meanBytes), hitRate, savedRate, savedSeconds }
      this.#known.set(id, point)
      this.#onStep()
    }
    return useful === capacity ? point : { ...point, capacity, bytes: Math.round(capacity * this.#meanBytes) }
  }

  /** Over all processes. */
  #rates(policy: PolicyName, capacity: number): Rates {
    let hits = 0
    let saved = 0
    this.#curves.forEach((curves, i) => {
      const { rate } = this.#traces[i]!
      const { stream, allSaves } = this.#streams[i]!
      const { hitRate, savedRate } = curves.at(policy, Math.round(capacity * rate))
      hits += (hitRate * stream.length) / rate
      saved += (savedRate * allSaves) / rate
    })
    return {
      hitRate: this.#requests > 0 ? hits / this.#requests : 0,
      savedRate: this.#allSaves > 0 ? saved / this.#allSaves : 0,
    }
  }

  /** As it was in the process that asked last. A policy that this version does not know is as none. */
  #now(): CacheAdvice['now'] {
    let newest: { readonly memory: PresentMemory; readonly at: number } | undefined
    this.#traces.forEach(({ caches, requests }, i) => {
      const memory = caches?.[this.#name]
      const at = requests.at[requests.length - 1] ?? 0
      if (memory === undefined || !SIMPLEST.includes(memory.policy) || this.#streams[i]!.requests === 0) return
      if (newest === undefined || at > newest.at) newest = { memory, at }
    })
    if (newest === undefined) return undefined
    const { policy, capacity = Number.POSITIVE_INFINITY } = newest.memory
    // No bytes at all is no bound: before the first text nobody knows how large an embedding is.
    const bytes = newest.memory.bytes || Number.POSITIVE_INFINITY
    const bound = Math.floor(Math.min(capacity, this.#meanBytes > 0 ? bytes / this.#meanBytes : capacity))
    const entries = Number.isFinite(bound) ? bound : this.#keys
    const atHand = this.#streams.reduce((sum, stream, i) => sum + stream.atHand / this.#traces[i]!.rate, 0)
    return {
      policy,
      capacity: entries,
      bytes: Math.round(Math.min(bytes, entries * this.#meanBytes)),
      hitRate: this.#requests > 0 ? atHand / this.#requests : 0,
    }
  }

  #enough(sizes: readonly number[]): number {
    const all = this.#score(this.#at('lru', this.#keys))
    return sizes.find(size => this.#score(this.#at('lru', size)) >= ENOUGH * all) ?? this.#keys
  }

  #bestAt(size: number, present: PolicyName): PolicyName {
    const scores = SIMPLEST.map(policy => this.#score(this.#at(policy, size)))
    const best = Math.max(...scores)
    const stays = scores[SIMPLEST.indexOf(present)] ?? 0
    return best - stays <= MARGIN ? present : SIMPLEST[scores.findIndex(score => score >= best - AS_GOOD)]!
  }

  /** The smallest size that will do; nothing where none does. */
  #smallest(
    sizes: readonly number[],
    policy: PolicyName,
    willDo: (point: CurvePoint) => boolean,
  ): { readonly capacity?: number; readonly bytes?: number } {
    const at = sizes.findIndex(size => willDo(this.#at(policy, size)))
    if (at < 0) return {}
    let high = sizes[at]!
    let low = at > 0 ? sizes[at - 1]! : 0
    for (let step = 0; step < STEPS && high - low > 1; step++) {
      const middle = Math.round(low > 0 ? Math.sqrt(low * high) : high / 2)
      if (middle <= low || middle >= high) break
      if (willDo(this.#at(policy, middle))) high = middle
      else low = middle
    }
    const { capacity, bytes } = this.#at(policy, high)
    return { capacity, bytes }
  }

  /** By the time that it saves; by hits where no time was measured. */
  #score({ hitRate, savedRate }: CurvePoint): number {
    return this.#allSaves > 0 ? savedRate : hitRate
  }

  #entriesIn(bytes: number): number {
    return this.#meanBytes > 0 ? Math.floor(bytes / this.#meanBytes) : this.#keys
  }

  #aDay(micros: number): number {
    return this.#spanSeconds > 0 ? (micros / 1e6) * (DAY_SECONDS / this.#spanSeconds) : 0
  }
}

/** `sizes` with `size` among them, in order. */
function withSize(sizes: readonly number[], size: number): number[] {
  return size < 1 || sizes.includes(size) ? [...sizes] : [...sizes, size].sort((one, other) => one - other)
}
