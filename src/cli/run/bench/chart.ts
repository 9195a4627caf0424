// The bars of `op-dbus bench`: a bar for each source, on an axis on which each mark is ten times the one before. Pure.
import { duration } from '../../../format.js'
import { sourceLabel } from '../../terminal.js'
import type { BenchRow, Measured } from './rows.js'

const BARS = [
  ['computed', 'computedMs'],
  ['disk', 'diskMs'],
  ['memory', 'memoryMs'],
] as const
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉']
/** From a nanosecond on, a thousand times each. */
const UNITS = ['ns', 'µs', 'ms', 's']
const LABEL = 11
const VALUE = 9

export function chart(
  rows: readonly (BenchRow & Measured)[],
  look: { readonly color: boolean; readonly columns: number },
): string {
  const times = rows.flatMap(row => BARS.map(([, field]) => row[field])).filter(ms => ms !== undefined)
  // What takes least has a bar, too: the axis begins below it.
  const from = Math.floor(Math.log10(Math.min(...times)) - 0.1)
  const to = Math.max(from + 1, Math.ceil(Math.log10(Math.max(...times))))
  const decade = Math.max(4, Math.floor((look.columns - 2 - LABEL - VALUE - 1) / (to - from)))
  const bar = (ms: number) => {
    const eighths = Math.max(1, Math.round((Math.log10(ms) - from) * decade * 8))
    return '█'.repeat(eighths >> 3) + EIGHTHS[eighths & 7]
  }
  const marks = Array.from({ length: to - from }, (_, i) => `|${markOf(from + i)}`.padEnd(decade)).join('')
  const lines = rows.flatMap(row => [
    row.name,
    ...BARS.flatMap(([source, field]) => {
      const ms = row[field]
      if (ms === undefined) return []
      const label = sourceLabel(source, look.color)
      // A bar has the colour of its source, as its letter has.
      const colored = label.replace(/[A-Z] \w+ */, bar(ms))
      return [`  ${label} ${colored} ${duration(ms)}`]
    }),
  ])
  return [
    'Logarithmic axis: each mark is ten times the one before',
    `  ${''.padEnd(LABEL)}${marks}|${markOf(to)}`,
    ...lines,
    '',
  ].join('\n')
}

/** `1 µs`, `10 µs`, `100 µs`, `1 ms`, … */
function markOf(power: number): string {
  const unit = Math.min(Math.floor(power / 3), 1)
  return `${10 ** (power - 3 * unit)} ${UNITS[unit + 2] ?? 'ns'}`
}
