// What the tuner would have done in one process that was traced, beside what its settings did. Arithmetic; reads no file and prints nothing.
import type { CacheName } from '../../ports.js'
import { allReadMicros } from '../disk-reads.js'
import { fillCosts } from '../fill-costs.js'
import { POLICIES } from '../policies.js'
import type { AutoState } from '../report.js'
import { CACHE_ORDER, OUTCOMES, type Requests, type Trace } from '../requests.js'
import type { TracedCache } from '../trace-format.js'
import { Replay } from './replay.js'
import type { Setting } from './settings.js'

export interface TracedProcess extends Trace {
  readonly caches: Readonly<Partial<Record<CacheName, TracedCache>>>
}

export interface AutoReplay {
  readonly requests: number
  /** Milliseconds since 1970: of the first request. */
  readonly began: number
  readonly spanSeconds: number
  /** What all requests would take without memory. */
  readonly totalSeconds: number
  /** Caches that were asked and are not replayed: the trace does not say how they were set, or names a policy that this version does not know. */
  readonly leftOut: readonly CacheName[]
  /** Of the time that all requests would take without memory, the part that is saved, 0 to 1: with the settings as they were, and tuned. */
  readonly savedBefore: number
  readonly savedTuned: number
  readonly auto: AutoState
}

/** Requests between two steps. */
const STEP = 20_000

/**
 * Replays the requests, and yields the part that is done, 0 to 1, now and then. Undefined where the trace does not say how large memory was: one
 * from elsewhere.
 */
export function* replayTrace(trace: TracedProcess): Generator<number, AutoReplay | undefined> {
  const requests = fillCosts(trace.requests)
  const { length, at } = requests
  const start = startOf(trace.caches, requests)
  if (Object.keys(start).length === 0 || length === 0) return undefined
  const all = { start, policies: POLICIES, readMicros: allReadMicros(requests), rate: trace.rate }
  const [tuned, before] = [new Replay(all), new Replay({ ...all, tuned: false })]
  const [absent, failed] = [OUTCOMES.indexOf('absent'), OUTCOMES.indexOf('failed')]
  for (let i = 0; i < length; i++) {
    if (i % STEP === 0) yield i / length
    const outcome = requests.outcome[i]!
    // There was nothing to keep.
    if (outcome === absent || outcome === failed) continue
    const cache = CACHE_ORDER[requests.cache[i]!]!
    // As memory is told it: 0 of what a disk keeps. Nothing keeps a block but the chain, and reading that is measured as computing is.
    const cost = trace.disk[cache] && cache !== 'blocks' ? 0 : requests.cost[i]!
    for (const one of [tuned, before]) one.request(at[i]!, cache, requests.key[i]!, requests.bytes[i]!, cost)
  }
  const [then, now] = [before.result(), tuned.result()]
  const rate = ({ saved, total }: { saved: number; total: number }) => (total > 0 ? saved / total : 0)
  return {
    requests: length,
    began: at[0]!,
    spanSeconds: (at[length - 1]! - at[0]!) / 1000,
    totalSeconds: now.total / 1e6,
    leftOut: CACHE_ORDER.filter((name, i) => start[name] === undefined && requests.cache.includes(i)),
    savedBefore: rate(then),
    savedTuned: rate(now),
    auto: now.auto,
  }
}

function startOf(caches: TracedProcess['caches'], requests: Requests): Partial<Record<CacheName, Setting>> {
  const start: Partial<Record<CacheName, Setting>> = {}
  for (const [i, name] of CACHE_ORDER.entries()) {
    const { policy, capacity = Number.POSITIVE_INFINITY, bytes } = caches[name] ?? {}
    if (policy === undefined || !Object.hasOwn(POLICIES, policy)) continue
    // Of embeddings nobody knows, before the first one, what so many of them take: here it is seen.
    const all = bytes || (Number.isFinite(capacity) ? Math.ceil(capacity * meanBytes(requests, i)) : 0)
    if (all > 0) start[name] = { policy, bytes: all, entries: capacity }
  }
  return start
}

/** Of what that cache was asked for and had. */
function meanBytes({ length, cache, bytes }: Requests, of: number): number {
  let [sum, count] = [0, 0]
  for (let i = 0; i < length; i++) {
    if (cache[i] !== of || bytes[i] === 0) continue
    sum += bytes[i]!
    count++
  }
  return count > 0 ? sum / count : 0
}
