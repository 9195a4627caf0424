// What tuning did, and what it found, in words. Pure.
import { POLICY_LOOKS } from '../look/policies.js'
import { bytes, count, duration } from '../src/format.js'
import type {
  AdviceReport,
  CacheAdvice,
  PredictorName,
  PredictorState,
  TraceState,
  TuningChange,
  WarmState,
} from '../src/tuning/report.js'
import { age, percent } from './words.js'

export const PREDICTOR_NAMES: Readonly<Record<PredictorName, string>> = {
  'refresh-ahead': 'answers about to run out',
  'read-ahead': 'blocks in order',
  'query-successors': 'questions that follow questions',
  'text-successors': 'texts that follow texts',
}

/** `embeddings: 10 MB -> 12 MB`, `queries: LRU -> SIEVE, taken back`. */
export function changeWords({ cache, what, from, to, undone }: Omit<TuningChange, 'at' | 'why'>): string {
  const say = (value: string) => (what === 'capacity' ? sizeWords(value) : policyName(value))
  return `${cache}: ${say(from)} \u2192 ${say(to)}${undone ? ', taken back' : ''}`
}

function sizeWords(value: string): string {
  const size = Number(value)
  return value.trim() !== '' && Number.isFinite(size) ? bytes(size) : value
}

export function policyName(policy: string): string {
  return Object.hasOwn(POLICY_LOOKS, policy) ? POLICY_LOOKS[policy as keyof typeof POLICY_LOOKS].name : policy
}

/** Why it is on, or not. */
export function predictorWords({ state, useful, useless, late }: PredictorState): string {
  const ended = useful + useless + late
  if (state === 'off') return 'off'
  if (state === 'on') return ended === 0 ? 'on, nothing fetched yet' : 'on'
  return `paused, because less than half of what it fetched was of use: ${count(useful)} of ${count(ended)}`
}

/** What a hit of memory makes needless. */
export const SAVES: Readonly<Record<CacheAdvice['saves'], string>> = {
  computing: 'computing',
  reading: 'reading of the disk',
}

/** Seconds a day, in words. */
export function aDay(seconds: number): string {
  return seconds > 0 ? `${duration(1000 * seconds)} a day` : 'nothing'
}

/** What the advice was made from. */
export function basisWords({ traces, spanSeconds, sampled }: AdviceReport, { requests, keys, firstSeen }: CacheAdvice) {
  const first = requests > 0 ? `, ${percent(firstSeen / requests)} of them for the first time` : ''
  const sample = sampled < 1 ? ` Curves are made from ${percent(sampled)} of the keys.` : ''
  const of = traces === 1 ? 'one process' : `${count(traces)} processes`
  return (
    `From ${count(requests)} requests to ${count(keys)} different entries${first}, in ${age(1000 * spanSeconds)}, ` +
    `of ${of}.${sample}`
  )
}

/** What sharing would save. */
export function sharedWords({ computations, savedSeconds }: NonNullable<CacheAdvice['shared']>): string {
  if (computations === 0) return 'nothing: no process computed what another had'
  return `${aDay(savedSeconds)} of computing: ${count(computations)} computations were done by another process before`
}

/** How the warm start of this process went. */
export function warmWords({ loaded, bytes: size, ms, gone, stoppedBy }: WarmState): string {
  const stopped = {
    bytes: ', as many as memory holds',
    time: ', as long as it may take',
    clear: ', and was ended by a clear',
    close: ', and was ended by the close',
    error: ', and was ended by an error that the log tells',
  }
  const missing = gone > 0 ? `; ${count(gone)} were there no more` : ''
  if (loaded === 0) return `nothing was there to be loaded${missing}`
  const end = stoppedBy === undefined ? '' : stopped[stoppedBy]
  return `${count(loaded)} entries, ${bytes(size)}, in ${duration(ms)}${end}${missing}`
}

/** What is recorded of what comes, and what was left out. */
export function rateWords({ on, rate, dropped }: TraceState): string {
  const kept = !on ? 'nothing' : rate >= 1 ? 'every request' : `requests to ${percent(rate)} of the entries`
  return dropped > 0 ? `${kept}; ${count(dropped)} were left out: too many came, or the disk did not take them` : kept
}
