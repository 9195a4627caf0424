// Rows as an aligned table for people. Reads no environment: whether to colour is the caller's to say.
import type { Row } from './row.js'

const THIN_SPACE = '\u2009'
const COLUMNS = ['row', 'what', 'ours', 'peer', '', 'ratio', 'to hold', ''] as const
/** Columns of figures stand on the right. */
const ALIGN_RIGHT = new Set<number>([2, 3, 5])
const GREEN = '\u001b[32m'
const RED = '\u001b[31m'
const PLAIN = '\u001b[39m'

/** Lines of equal layout, one a row, under a line of headings. */
export function table(rows: readonly Row[], { colour = false } = {}): string {
  const cells = [[...COLUMNS], ...rows.map(cellsOf)]
  const widths = COLUMNS.map((_, column) => Math.max(...cells.map(line => width(line[column]!))))
  return cells
    .map(line =>
      line
        .map((cell, column) => pad(cell, widths[column]!, ALIGN_RIGHT.has(column)))
        .join('  ')
        .trimEnd(),
    )
    .map(line => (colour ? tint(line) : line))
    .join('\n')
}

/** The same for docs/figures.md; what was missed stands out. */
export function markdown(rows: readonly Row[]): string {
  const lines = rows.map(row => {
    const [id = '', what = '', ours = '', peer = '', peerName = '', ratio = '', hold = '', verdict = ''] = cellsOf(row)
    const against = peer === '' ? '' : `${peer}, ${peerName}`
    return [`\`${id}\``, what, ours, against, ratio, verdict === 'missed' ? `${hold}: **missed**` : hold]
  })
  return [['row', 'what', 'op-dbus', 'peer', 'ratio', 'we want'], Array(6).fill('---'), ...lines]
    .map(cells => `| ${cells.join(' | ')} |`.replaceAll(/ +/g, ' '))
    .join('\n')
}

/** `15 of 16 figures held; missed: one-text`. */
export function verdict(rows: readonly Row[]): string {
  const judged = rows.filter(row => row.held !== null)
  const missed = judged.filter(row => !row.held).map(row => row.id)
  const count = `${judged.length - missed.length} of ${judged.length} figures held`
  return missed.length === 0 ? count : `${count}; missed: ${missed.join(', ')}`
}

function cellsOf(row: Row): string[] {
  const { id, what, unit, ours, peer, peerName, ratio, hold, held } = row
  return [
    id,
    what,
    figure(ours, unit),
    peer === null ? '' : figure(peer, unit),
    peerName ?? '',
    ratio === null ? '' : times(ratio),
    hold ?? '',
    held === null ? '' : held ? 'held' : 'missed',
  ]
}

/** Units of time, in seconds; a figure is shown in the largest that leaves at least 1 before the point. */
const TIMES: Readonly<Record<string, number>> = { ns: 1e-9, µs: 1e-6, ms: 1e-3, s: 1 }

/** Two significant digits and the unit; times in the unit that suits them, and thousands set apart. */
export function figure(value: number, unit: string): string {
  if (unit === 'x') return times(value)
  const seconds = TIMES[unit]
  if (seconds === undefined) return `${digits(value)} ${unit}`
  const [best, size] = Object.entries(TIMES)
    .reverse()
    .find(([, size]) => value * seconds >= 0.9995 * size) ?? ['ns', 1e-9]
  return `${digits((value * seconds) / size)} ${best}`
}

/** At least two significant digits: 0.052, 3.4, 62, 1 234. */
export function digits(value: number): string {
  if (value === 0) return '0'
  const places = Math.max(0, 1 - Math.floor(Math.log10(Math.abs(value))))
  const [whole = '', fraction] = value.toFixed(places).split('.')
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, THIN_SPACE)
  return fraction === undefined ? grouped : `${grouped}.${fraction}`
}

/** Three significant digits: what is held lies close to 1. */
function times(ratio: number): string {
  return `${ratio >= 100 ? digits(ratio) : ratio.toPrecision(3)}x`
}

function pad(cell: string, size: number, right: boolean): string {
  const gap = ' '.repeat(size - width(cell))
  return right ? gap + cell : cell + gap
}

function width(cell: string): number {
  return [...cell].length
}

function tint(line: string): string {
  return line.replace(/held$/, `${GREEN}held${PLAIN}`).replace(/missed$/, `${RED}missed${PLAIN}`)
}
