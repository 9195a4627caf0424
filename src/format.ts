// Words and numbers for people, the same on the command line, in the playground and in a console. Pure: writes nowhere.

/** Milliseconds of each unit of time, and from how many of it on the next one is said. */
const DURATIONS = [
  ['ns', 1e-6, 1000],
  ['µs', 1e-3, 100],
  ['ms', 1, 1000],
  ['s', 1000, 120],
  ['min', 60_000, 120],
  ['h', 3_600_000, 48],
  ['days', 86_400_000, 730],
  ['years', 365.25 * 86_400_000, Number.POSITIVE_INFINITY],
] as const

/** Two significant digits and a unit: `0.21 ms`, `14 ms`, `1.3 s`, `3.2 min`, `5.0 days`. */
export function duration(ms: number): string {
  for (const [unit, size, most] of DURATIONS) {
    const rounded = Number((ms / size).toPrecision(2))
    if (rounded < most) return `${significant(rounded)} ${unit}`
  }
  return '-'
}

/** `15 MB`, `1.2 GB`; decimal units. */
export function bytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let value = count
  let unit = 0
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000
    unit++
  }
  return `${unit === 0 ? value : significant(value)} ${units[unit]}`
}

/** Thin-space thousands, as in `12 345`. */
export function count(value: number): string {
  return Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, '\u2009')
}

/** `1 entry`, `2 entries`. */
export function plural(value: number, one: string, many: string): string {
  return `${count(value)} ${value === 1 ? one : many}`
}

/** Comma thousands, as the strategy prints its four lines. */
export function commas(value: number): string {
  return value.toLocaleString('en-US')
}

/** Two significant digits: `0.21`, `14`, `130`. */
export function significant(value: number): string {
  if (value === 0) return '0'
  const digits = Math.max(0, 1 - Math.floor(Math.log10(Math.abs(value))))
  return value.toFixed(Math.min(digits, 3))
}

/** Aligned columns: words to the left, numbers (`right`) to the right. The first row is the heading. */
export function table(rows: readonly (readonly string[])[], right: readonly number[] = []): string {
  const columns = Math.max(0, ...rows.map(row => row.length))
  const widths = Array.from({ length: columns }, (_, i) => Math.max(...rows.map(row => width(row[i] ?? ''))))
  const lines = rows.map(row =>
    row
      .map((cell, i) => {
        const gap = ' '.repeat(widths[i]! - width(cell))
        return right.includes(i) ? gap + cell : cell + gap
      })
      .join('  ')
      .trimEnd(),
  )
  return `${lines.join('\n')}\n`
}

/** Control characters as dots: a terminal must not be steered by texts that somebody else wrote. */
export function visible(text: string): string {
  return text.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '\u00b7')
}

/** JSON with what {@link visible} hides written as `\\u202e`: equal for who reads it, and harmless for who sees it. */
export function visibleJson(json: string): string {
  return json.replace(
    /[\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** One line of at most `columns` characters, with control characters made visible. */
export function oneLine(text: string, columns: number): string {
  const plain = visible(text.slice(0, 4 * columns))
  return plain.length < text.length || plain.length > columns ? `${plain.slice(0, Math.max(1, columns - 1))}…` : plain
}

function width(cell: string): number {
  return [...cell.replace(/\x1b\[[0-9;]*m/g, '')].length
}

/** What is said of one cache: the part of its stats that the four lines need. */
interface CacheCounts {
  readonly memory: { readonly size: number; readonly capacity: number }
  readonly onDisk?: { readonly entries: number }
  /** Seconds. */
  readonly ttl?: number
  readonly lifetime: { readonly hits: number; readonly misses: number; readonly hitRate: number }
}

/** The strategy's four lines of stats, in its format. */
export function fourLines({
  embeddings,
  blocks,
  queries,
  diffs,
}: Readonly<Record<'embeddings' | 'blocks' | 'queries' | 'diffs', CacheCounts>>): string[] {
  return [
    `Embedding Cache: ${fill(embeddings, 'entries')}, ${hitRate(embeddings)})`,
    `Block Cache: ${fill(blocks, 'blocks')}, ${hitRate(blocks)})`,
    `Query Cache: ${commas(held(queries))} / ∞ entries (${queries.ttl}s TTL, ${hitRate(queries)})`,
    `Diff Cache: ${fill(diffs, 'entries')})`,
  ]
}

type Saved = Readonly<
  Record<
    'embeddings' | 'blocks' | 'queries' | 'diffs',
    { readonly lifetime: Readonly<Record<'computeSeconds' | 'diskSeconds' | 'spentSeconds', number>> }
  >
>

/** What all processes on the folder saved, and spent on it: `Saved: about 3.2 min of computing`. Undefined where that is nothing yet. */
export function savedLine({ embeddings, blocks, queries, diffs }: Saved): string | undefined {
  const all = [embeddings, blocks, queries, diffs].map(({ lifetime }) => lifetime)
  const sum = (what: 'diskSeconds' | 'spentSeconds') => all.reduce((total, lifetime) => total + lifetime[what], 0)
  const saved = [
    [embeddings.lifetime.computeSeconds, 'of computing'],
    [queries.lifetime.computeSeconds, 'of asking plugins'],
    [diffs.lifetime.computeSeconds, 'of comparing states'],
    [sum('diskSeconds'), 'of reading from disk'],
  ] as const
  const told = saved.filter(([seconds]) => seconds > 0).map(([seconds, what]) => `${duration(1000 * seconds)} ${what}`)
  if (told.length === 0) return undefined
  const spent = sum('spentSeconds')
  return `Saved: about ${told.join(', ')}${spent > 0 ? `; ${duration(1000 * spent)} spent on disk, shared tier and fetching ahead` : ''}`
}

/** `8,432 / 10,000 entries (84% full`, left open for what follows. */
function fill(cache: CacheCounts, what: string): string {
  const { capacity } = cache.memory
  const size = held(cache)
  const full = capacity > 0 ? Math.round((100 * size) / capacity) : 0
  return `${commas(size)} / ${commas(capacity)} ${what} (${capacity > 0 ? `${full}% full` : 'off'}`
}

/** Entries in memory; in a process that holds none, what a start would load from disk. */
function held({ memory, onDisk }: CacheCounts): number {
  return memory.size > 0 ? memory.size : Math.min(onDisk?.entries ?? 0, memory.capacity)
}

function hitRate({ lifetime }: CacheCounts): string {
  const lookUps = lifetime.hits + lifetime.misses
  return `${lookUps > 0 ? `${Math.round(100 * lifetime.hitRate)}%` : 'n/a'} hit rate`
}

/** A replacer for `JSON.stringify`: what has no bound, such as a capacity, is null, since JSON has no Infinity. */
export function unbounded(_name: string, value: unknown): unknown {
  return value === Number.POSITIVE_INFINITY ? null : value
}
