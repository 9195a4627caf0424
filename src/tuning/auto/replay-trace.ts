// What the tuner would have done in one process that was traced, beside what its settings did. Arithmetic; reads no file and prints nothing.
import type { CacheName } from '../../ports.js'
import { allReadMicros } from '../disk-reads.js'
import { fillCosts } from '../fill-costs.js'
import { POLICIES } from '../policies.js'
import type { AutoState } from '../report.js'
import { CACHE_ORDER, OUTCOMES, type Trace } from '../requests.js'
import type { TracedCache } from '../trace-format.js'
import { Replay } from './replay.js'
import type { Setting } from './settings.js'

export interface TracedProcess extends Trace {
  readonly caches: Readonly<Partial<Record<CacheName, TracedCache>>>
}

export interface AutoReplay {
  readonly requests: number
  readonly spanSeconds: number
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
  const start: Partial<Record<CacheName, Setting>> = {}
  for (const name of CACHE_ORDER) {
    const { policy, capacity = Number.POSITIVE_INFINITY, bytes } = trace.caches[name] ?? {}
    if (policy !== undefined && bytes !== undefined) start[name] = { policy, bytes, entries: capacity }
  }
  const requests = fillCosts(trace.requests)
  const { length, at } = requests
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
  const [one, other] = [tuned.result(), before.result()]
  const rate = ({ saved, total }: { saved: number; total: number }) => (total > 0 ? saved / total : 0)
  return {
    requests: length,
    spanSeconds: (at[length - 1]! - at[0]!) / 1000,
    savedBefore: rate(other),
    savedTuned: rate(one),
    auto: one.auto,
  }
}
