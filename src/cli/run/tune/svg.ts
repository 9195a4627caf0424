// The curves as a picture that needs nothing else: a row for each cache, hits to the left and saved time to the right. Pure; holds no text of
// anybody's but ours.

import type { PolicyName } from '../../../cache/eviction.js'
import { bytes, count, plural } from '../../../format.js'
import { POLICY_LOOKS, POLICY_ORDER } from '../../../tuning/policy-looks.js'
import type { AdviceReport, CacheAdvice, CurvePoint, PolicyCurve } from '../../../tuning/report.js'

const WIDTH = 1040
const HEAD = 64
const ROW = 330
const PANEL = { width: 356, height: 200, left: 52, top: 68 } as const
const SECOND = 520
/** Of the names of the curves: where they begin, how far apart, and how long the piece of line before each is. */
const NAMES = { left: 150, apart: 142, line: 30 } as const
const QUARTERS = [0, 0.25, 0.5, 0.75, 1]

const COLORS: Readonly<Record<PolicyName, string>> = {
  lru: 'var(--text)',
  sieve: '#0072b2',
  's3-fifo': '#009e73',
  'w-tinylfu': '#cc79a7',
  gdsf: '#e69f00',
  'cost-s3-fifo': '#d55e00',
}

/** The colours and types of /look/tokens.css, which a picture of its own cannot import. */
const STYLE = `
svg{--page:#fff;--line:#d9dde1;--text:#1a1d20;--quiet:#565d64;--accent:#0b5cad;font:13px system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;font-variant-numeric:tabular-nums}
@media (prefers-color-scheme:dark){svg{--page:#14171a;--line:#353b41;--text:#e9ecef;--quiet:#a7afb7;--accent:#7db9f2}}
.page{fill:var(--page)}text{fill:var(--quiet)}.t{fill:var(--text);font-weight:600}.h{font-size:18px}
.g{stroke:var(--line);stroke-width:1}.now{stroke:var(--quiet);stroke-dasharray:2 3}
path{fill:none;stroke-width:1.5;stroke-linejoin:round}path.best{stroke-width:3}text.best{fill:var(--text);font-weight:600}
.e{text-anchor:end}.m{text-anchor:middle}
${POLICY_ORDER.map(drawn).join('')}`

function drawn(policy: PolicyName): string {
  const { dash } = POLICY_LOOKS[policy]
  return `.${policy}{stroke:${COLORS[policy]};stroke-dasharray:${dash.length > 0 ? dash.join(' ') : 'none'}}`
}

export function curvesSvg(report: AdviceReport): string {
  const { caches, requests, sampled } = report
  const height = HEAD + Math.max(1, caches.length) * ROW
  const how = sampled < 1 ? `simulated with one key in ${count(1 / sampled)}` : 'simulated in full'
  const about = `${plural(requests, 'request', 'requests')}, ${how}`
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="title desc">`,
    '<title id="title">How large each cache should be</title>',
    `<desc id="desc">${escaped([about, ...caches.map(described)].join(' '))}</desc>`,
    `<style>${STYLE}</style>`,
    `<rect class="page" width="${WIDTH}" height="${height}"/>`,
    label(16, 30, 'How large each cache should be', 't h'),
    label(16, 50, about),
    ...caches.map((cache, i) => `<g transform="translate(0 ${HEAD + i * ROW})">${row(cache)}</g>`),
    ...(caches.length === 0 ? [label(16, HEAD + 24, 'No request was traced.')] : []),
    '</svg>',
    '',
  ].join('\n')
}

function described({ cache, best, advice }: CacheAdvice): string {
  const at = `${cache}: with ${plural(best.capacity, 'entry', 'entries')} under ${POLICY_LOOKS[best.policy].name}, ${percent(best.hitRate)} of requests are answered.`
  return [at, ...advice].join(' ')
}

function row(cache: CacheAdvice): string {
  const most = Math.max(...cache.curves.flatMap(({ points }) => points.map(point => point.savedSeconds)), 0)
  // Where no day can be told from the trace, or nothing was measured, part of all time.
  const perDay = most > 0
  const top = perDay ? niceAbove(most / unitOf(most).seconds) * unitOf(most).seconds : 1
  const unit = unitOf(most)
  const saved = (point: CurvePoint) => (perDay ? point.savedSeconds / top : point.savedRate)
  const mark = (part: number) => (perDay ? `${significant((part * top) / unit.seconds)}` : `${100 * part} %`)
  return [
    label(16, 22, cache.cache, 't'),
    ...names(cache),
    panel(
      cache,
      'requests answered from memory, %',
      16,
      point => point.hitRate,
      part => `${100 * part} %`,
    ),
    panel(cache, perDay ? `time saved, ${unit.name} a day` : 'time saved, % of all', SECOND, saved, mark),
  ].join('\n')
}

type Height = (point: CurvePoint) => number

function panel(
  { curves, best, now }: CacheAdvice,
  title: string,
  x: number,
  height: Height,
  mark: (part: number) => string,
): string {
  const points = curves[0]?.points ?? []
  const [first, last] = [points[0], points.at(-1)]
  if (!first || !last) return ''
  const decades = Math.max(Math.log10(last.capacity / first.capacity), 1e-9)
  const at = (capacity: number) => PANEL.left + (PANEL.width * Math.log10(capacity / first.capacity)) / decades
  const up = (part: number) => PANEL.top + PANEL.height * (1 - part)
  const bottom = PANEL.top + PANEL.height
  const grid = QUARTERS.map(
    part =>
      `<path class="g" d="M${PANEL.left} ${up(part)}h${PANEL.width}"/>${label(PANEL.left - 6, up(part) + 4, mark(part), 'e')}`,
  )
  const meanBytes = last.bytes / last.capacity
  const sizes = marksOf(first.capacity, last.capacity).map(size => {
    const middle = at(size).toFixed(1)
    return [
      `<path class="g" d="M${middle} ${bottom}v5"/>`,
      label(middle, bottom + 20, count(size), 'm'),
      label(middle, bottom + 36, bytes(size * meanBytes), 'm'),
    ].join('')
  })
  const present = now && now.capacity >= first.capacity && now.capacity <= last.capacity ? at(now.capacity) : undefined
  const marked =
    present === undefined
      ? ''
      : `<path class="now" d="M${present.toFixed(1)} ${PANEL.top}V${bottom}"/>${label(present.toFixed(1), PANEL.top - 4, 'now', 'm')}`
  // The best last, so that no other lies on it.
  const lines = [...curves]
    .sort((one, other) => Number(one.policy === best.policy) - Number(other.policy === best.policy))
    .map(curve => {
      const way = curve.points.map(point => `${at(point.capacity).toFixed(1)} ${up(height(point)).toFixed(1)}`)
      return `<path class="${classOf(curve, best)}" d="M${way.join('L')}"/>`
    })
  return [
    `<g transform="translate(${x} 0)">`,
    label(PANEL.left, PANEL.top - 20, title),
    ...grid,
    ...sizes,
    label(PANEL.left + PANEL.width, bottom + 54, 'entries, and what they take; logarithmic', 'e'),
    marked,
    ...lines,
    '</g>',
  ].join('\n')
}

const classOf = ({ policy }: PolicyCurve, best: CacheAdvice['best']) =>
  policy === best.policy ? `${policy} best` : policy

/** What is which line: all end in one point, so that names at their ends would lie on each other. */
function names({ curves, best }: CacheAdvice): string[] {
  return curves.map((curve, i) => {
    const x = NAMES.left + i * NAMES.apart
    const name = label(
      x + NAMES.line + 6,
      22,
      POLICY_LOOKS[curve.policy].name,
      curve.policy === best.policy ? 'best' : '',
    )
    return `<path class="${classOf(curve, best)}" d="M${x} 18h${NAMES.line}"/>${name}`
  })
}

/** Round sizes from `from` to `to`, five at most. */
function marksOf(from: number, to: number): number[] {
  const all: number[] = []
  for (let power = Math.floor(Math.log10(from)); power <= Math.log10(to); power++) {
    for (const step of [1, 3]) {
      const size = step * 10 ** power
      if (size >= from && size <= to) all.push(size)
    }
  }
  const tens = all.filter(size => Number.isInteger(Math.log10(size)))
  const chosen = all.length > 5 && tens.length > 1 ? tens : all
  return chosen.length > 0 ? chosen.slice(-5) : [...new Set([from, to])]
}

function unitOf(seconds: number): { readonly name: string; readonly seconds: number } {
  if (seconds >= 7200) return { name: 'h', seconds: 3600 }
  if (seconds >= 120) return { name: 'min', seconds: 60 }
  return seconds >= 1 ? { name: 's', seconds: 1 } : { name: 'ms', seconds: 0.001 }
}

/** The next of 1, 2, 4, 6, 8, 10, 20, … */
function niceAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  return ([1, 2, 4, 6, 8].find(step => step * power >= value) ?? 10) * power
}

const significant = (value: number) => String(Number(value.toPrecision(3)))
const percent = (rate: number) => `${(100 * rate).toFixed(1)} %`

function label(x: number | string, y: number | string, text: string, name = ''): string {
  return `<text x="${x}" y="${y}"${name === '' ? '' : ` class="${name}"`}>${escaped(text)}</text>`
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, character => `&#${character.charCodeAt(0)};`)
}
