// Advice on caches in words, a table and bars: an entry for each size, as long as requests are answered. Pure.
import { bytes, count, plural, table } from '../../../format.js'
import { timeText } from '../../../tuning/advice-text.js'
import { POLICY_LOOKS } from '../../../tuning/policy-looks.js'
import type { AdviceReport, CacheAdvice, CurvePoint, PolicyCurve } from '../../../tuning/report.js'

export interface ChartLook {
  readonly columns: number
  /** Block characters; else ASCII alone. */
  readonly blocks: boolean
}

/** Sizes that are shown. */
const ROWS = 7
/** What a row takes beside its bar. */
const BESIDE = 48
const MOST_BAR = 50

export function adviceText(report: AdviceReport, look: ChartLook): string {
  return [head(report), ...report.caches.flatMap(cache => cacheLines(cache, look))].join('\n')
}

function head({ traces, requests, spanSeconds, sampled, caches }: AdviceReport): string {
  const of = `${plural(requests, 'request', 'requests')} of ${plural(traces, 'process', 'processes')}`
  // A trace may be a sample by itself.
  const how = sampled < 1 ? `simulated with one key in ${count(1 / sampled)}` : 'simulated in full'
  const none = caches.length === 0 ? '; to no cache' : ''
  return `Traced: ${of} in ${timeText(spanSeconds)}, ${how}${none}\n`
}

function cacheLines(cache: CacheAdvice, look: ChartLook): string[] {
  const { requests, keys, firstSeen, now, best } = cache
  const fresh = requests > 0 ? `, ${Math.round((100 * firstSeen) / requests)} % for the first time` : ''
  const is = now
    ? `  now: ${POLICY_LOOKS[now.policy].name}, ${plural(now.capacity, 'entry', 'entries')} (${bytes(now.bytes)}), ${percent(now.hitRate)} were answered from memory`
    : '  now: the trace does not say how large memory is'
  return [
    `${cache.cache}: ${plural(requests, 'request', 'requests')} for ${plural(keys, 'entry', 'entries')}${fresh}`,
    is,
    '',
    ...bars(cache, look),
    '',
    `  at ${plural(best.capacity, 'entry', 'entries')} (${bytes(best.bytes)})`,
    indented(policyTable(cache)),
    ...cache.advice.map(sentence => wrapped(`  - ${sentence}`, look.columns)),
    '',
  ]
}

/** A row for each size: what LRU saves, and beside it what the best policy does. */
function bars({ curves, best }: CacheAdvice, { columns, blocks }: ChartLook): string[] {
  const lru = curves.find(({ policy }) => policy === 'lru')
  const other = curves.find(({ policy }) => policy === best.policy) ?? lru
  if (!lru || !other || lru.points.length === 0) return []
  const width = Math.max(10, Math.min(MOST_BAR, columns - BESIDE))
  const [full, more] = blocks ? ['█', '░'] : ['#', '+']
  const places = spread(lru.points.length, ROWS)
  const title = POLICY_LOOKS[other.policy].name
  // By time, where it was measured: that is what the best policy is chosen by.
  const timed = lru.points.some(point => point.savedRate > 0)
  const height = (point: CurvePoint) => (timed ? point.savedRate : point.hitRate)
  const what = timed ? 'of all time saved' : 'of all requests answered'
  const legend = `part ${what}: ${full} with LRU${other === lru ? '' : `, ${more} more with ${title}`}`
  const rows = places.map(at => {
    const [one, two] = [lru.points[at]!, other.points[at]!]
    const long = Math.round(width * height(one))
    const rest = Math.max(0, Math.round(width * height(two)) - long)
    const bar = (full!.repeat(long) + more!.repeat(rest)).padEnd(width)
    return [count(one.capacity), bytes(one.bytes), bar, percent(two.hitRate), perDay(two)]
  })
  return [
    `  ${legend}`,
    indented(table([['entries', 'memory', '', 'hits', 'saved a day'], ...rows], [0, 1, 3, 4])).trimEnd(),
  ]
}

function policyTable({ curves, best }: CacheAdvice): string {
  const rows = curves.map(({ policy, points }) => {
    const point = policy === best.policy ? best : nearest({ policy, points }, best.capacity)
    const mark = policy === best.policy ? '*' : ''
    return [
      `${POLICY_LOOKS[policy].name}${mark}`,
      percent(point?.hitRate),
      percent(point?.savedRate),
      point ? perDay(point) : '',
    ]
  })
  return table([['policy', 'hits', 'time saved', 'saved a day'], ...rows], [1, 2, 3])
}

/** On the line between the two sizes beside it. */
export function nearest({ points }: PolicyCurve, capacity: number): CurvePoint | undefined {
  const at = points.findIndex(point => point.capacity >= capacity)
  if (at < 0) return points.at(-1)
  const [high, low] = [points[at]!, points[at - 1]]
  if (!low) return high
  const part = Math.log(capacity / low.capacity) / Math.log(high.capacity / low.capacity)
  const between = (of: (point: CurvePoint) => number) => of(low) + part * (of(high) - of(low))
  return {
    capacity,
    bytes: between(point => point.bytes),
    hitRate: between(point => point.hitRate),
    savedRate: between(point => point.savedRate),
    savedSeconds: between(point => point.savedSeconds),
  }
}

/** `most` of `length` places, evenly spread, the first and the last among them. */
function spread(length: number, most: number): number[] {
  if (length <= most) return Array.from({ length }, (_, i) => i)
  return Array.from({ length: most }, (_, i) => Math.round((i * (length - 1)) / (most - 1)))
}

function percent(rate: number | undefined): string {
  return rate === undefined ? '' : `${(100 * rate).toFixed(1)} %`
}

function perDay({ savedSeconds }: CurvePoint): string {
  return savedSeconds === 0 ? '0 s' : timeText(savedSeconds)
}

function indented(text: string): string {
  return text.replace(/^(?=.)/gm, '  ')
}

/** Between words; further lines as deep as the first's words. */
function wrapped(text: string, columns: number): string {
  const lines: string[] = []
  let line = ''
  for (const word of text.slice(4).split(' ')) {
    if (line !== '' && line.length + 1 + word.length > columns - 4) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line].map((one, i) => `${i === 0 ? '  - ' : '    '}${one}`).join('\n')
}
