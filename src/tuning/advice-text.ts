// Advice in plain sentences, the most worth first. Words only: what is said was worked out in advise.ts.
import { bytes, count, duration, plural } from '../format.js'
import { POLICY_LOOKS } from './policy-looks.js'
import type { CacheAdvice, CurvePoint } from './report.js'

/** A trace with less than that is thin. */
const FEW_REQUESTS = 1000
const SHORT_SECONDS = 600
/** What is not worth a sentence: seconds a day, and memory that could be given back. */
const LITTLE_SECONDS = 1
const DAY_SECONDS = 86_400
const LITTLE_BYTES = 1_000_000
const MUCH_PART = 0.7
/** Requests to what was never asked for before, from where on they are named as what keeps the hit rate down. */
const MANY_NEW = 0.05
/** What the variables of a cache begin with, behind OPDBUS_. */
const VARIABLES = { embeddings: 'EMBEDDING', queries: 'QUERY', diffs: 'DIFF', blocks: 'BLOCK' } as const

export interface Circumstances {
  readonly spanSeconds: number
  /** Requests that the trace has, not those that it stands for. */
  readonly recorded: number
  /** What the policy that is, is expected to do at the size that is. */
  readonly stays: CurvePoint | undefined
  /** A hit saves computing; else it saves reading the disk. */
  readonly computing: boolean
  /** Else a usual time was taken for it. */
  readonly isReadMeasured: boolean
  readonly processes: number
  /** Bytes are the bound: a number of entries is what so many bytes hold on average, and nothing to be set. */
  readonly byBytes: boolean
  /** The smallest size under the best policy that does nearly as well as the size that is. */
  readonly suffices: { readonly capacity?: number; readonly bytes?: number } | undefined
}

interface Said {
  readonly text: string
  /** Seconds a day, or what puts it into its place. */
  readonly worth: number
}

export function sentences(advice: Omit<CacheAdvice, 'advice'>, about: Circumstances): string[] {
  const said = [...sizes(advice, about), ...policies(advice, about), ...sharing(advice)]
  return [
    ...thin(about),
    ...assumed(about),
    ...said.sort((one, other) => other.worth - one.worth).map(({ text }) => text),
    ...targets(advice, about),
  ]
}

function thin({ recorded, spanSeconds }: Circumstances): string[] {
  if (recorded >= FEW_REQUESTS && spanSeconds >= SHORT_SECONDS) return []
  const time = spanSeconds > 0 ? `in ${duration(spanSeconds * 1000)}` : 'at one moment'
  const of = `${plural(recorded, 'request', 'requests')} ${time}`
  return [
    `This is thin: ${of}. Trace a usual day, or ${count(FEW_REQUESTS)} requests in 10 min at least, before you act on it.`,
  ]
}

function assumed({ computing, isReadMeasured }: Circumstances): string[] {
  if (computing || isReadMeasured) return []
  return ['Nothing was read from the disk while this was traced: what a read takes is assumed, and so are times.']
}

function policies({ cache, best, now }: Omit<CacheAdvice, 'advice'>, { stays, computing }: Circumstances): Said[] {
  const present = now?.policy ?? 'lru'
  const title = POLICY_LOOKS[best.policy].name
  if (best.policy === present) return [{ text: `${title} is as good as any other policy here.`, worth: 0 }]
  const name = `${title} (OPDBUS_${VARIABLES[cache]}_POLICY=${best.policy})`
  if (!stays) return [{ text: `${name} would answer ${percent(best.hitRate)} of requests at this size.`, worth: 0 }]
  if (best.savedRate === 0) {
    return [
      {
        text: `${name} would answer ${percent(best.hitRate)} of requests instead of ${percent(stays.hitRate)}.`,
        worth: 0,
      },
    ]
  }
  const gains = best.savedSeconds - stays.savedSeconds
  const seconds = gains >= LITTLE_SECONDS ? `, ${aDay(gains)}` : ''
  const what = computing ? 'all computing' : 'all reading of the disk'
  const instead = `${percent(best.savedRate)} of ${what} instead of ${percent(stays.savedRate)}`
  return [{ text: `${name} would save ${instead} at this size${seconds}.`, worth: gains }]
}

function sizes(
  { cache, more, best, now }: Omit<CacheAdvice, 'advice'>,
  { suffices, computing, byBytes, recorded }: Circumstances,
): Said[] {
  // Nothing was asked for twice.
  if (best.hitRate === 0)
    return now ? [{ text: 'Nothing was asked for that memory could have answered.', worth: 0 }] : []
  const said: Said[] = []
  if (now?.capacity === 0) {
    const size = `${plural(best.capacity, 'entry', 'entries')} (${bytes(best.bytes)})`
    const text = `Memory is off: ${size} would answer ${percent(best.hitRate)} of requests.`
    said.push({ text, worth: best.savedSeconds })
  }
  if (more.savedSeconds >= LITTLE_SECONDS) {
    const text = `${bytes(more.bytes)} more would save ${aDay(more.savedSeconds)} ${of(computing)}.`
    said.push({ text, worth: more.savedSeconds })
    // Where no time can be told, because none was measured or the trace's clock stood still, nothing is said of it.
  } else if (now && best.savedSeconds > 0)
    said.push({ text: `${bytes(more.bytes)} more would save less than a second a day.`, worth: -1 })
  // What a few requests do without, a day may need.
  const enough = recorded < FEW_REQUESTS ? undefined : suffices?.bytes
  if (now && enough !== undefined && enough <= MUCH_PART * now.bytes && now.bytes - enough >= LITTLE_BYTES) {
    const capacity = suffices?.capacity ?? 0
    const setting = byBytes || cache === 'queries' ? '' : `, OPDBUS_${VARIABLES[cache]}_CACHE_SIZE=${capacity}`
    const under = best.policy === now.policy ? 'It ' : `Under ${POLICY_LOOKS[best.policy].name} it `
    const rest = `${plural(capacity, 'entry', 'entries')} (${bytes(enough)}${setting})`
    said.push({
      text: `${under}could give back ${bytes(now.bytes - enough)}: ${rest} ${capacity === 1 ? 'saves' : 'save'} within half a point of what ${bytes(best.bytes)} do.`,
      worth: -0.5,
    })
  }
  return said
}

function sharing({ shared }: Omit<CacheAdvice, 'advice'>): Said[] {
  if (!shared) return []
  if (shared.computations === 0)
    return [{ text: 'No process computed what another had computed: a shared tier would save nothing.', worth: -2 }]
  const what = plural(shared.computations, 'computation', 'computations')
  return [
    {
      text: `A shared tier would have saved ${what} that another process had done before: ${aDay(shared.savedSeconds)}.`,
      worth: shared.savedSeconds,
    },
  ]
}

function targets(
  { targets: wanted, requests, firstSeen }: Omit<CacheAdvice, 'advice'>,
  { processes }: Circumstances,
): string[] {
  if (requests === 0) return []
  const reached = wanted.filter(target => target.capacity !== undefined)
  const missed = wanted.find(target => target.capacity === undefined)
  const sizes = reached.map(
    ({ hitRate, capacity, bytes: size }) => `${percent(hitRate)} with ${count(capacity!)} (${bytes(size ?? 0)})`,
  )
  const said = sizes.length > 0 ? [`Entries for a hit rate: ${sizes.join(', ')}.`] : []
  if (!missed) return said
  const first = firstSeen / requests
  const why =
    first >= MANY_NEW
      ? `: ${percent(first)} of requests are to entries never asked for before${processes > 1 ? ' by their process' : ''}`
      : ''
  return [...said, `No size reaches ${percent(missed.hitRate)}${why}.`]
}

const of = (computing: boolean) => (computing ? 'of computing' : 'of reading the disk')

/** `12 s a day` */
function aDay(seconds: number): string {
  return seconds > DAY_SECONDS ? `${timeText(seconds)} a day, many at once` : `${timeText(seconds)} a day`
}

/** `12 s`, `84 min`; hours where it is many: `2.3 h`, `41 h`. */
export function timeText(seconds: number): string {
  if (seconds < 7200) return duration(seconds * 1000)
  return `${seconds < 36_000 ? (seconds / 3600).toFixed(1) : count(seconds / 3600)} h`
}

/** `84 %`, `84.3 %`. */
function percent(rate: number): string {
  return `${Number((100 * rate).toFixed(1))} %`
}
