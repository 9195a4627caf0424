// `op-dbus bench`: what is measured, as a table and a chart, or as JSON. What it takes to measure is in bench/.
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { invalid, OpDbusError } from '../../errors.js'
import { count, duration, oneLine, table } from '../../format.js'
import { VERSION } from '../../version.js'
import type { CommandCall } from '../command.js'
import type { FlagValues } from '../flags.js'
import { settingsOf } from '../settings.js'
import { chart } from './bench/chart.js'
import { type BenchRow, DISK_ROUNDS, type Measured, measureAll } from './bench/rows.js'
import { jsonText } from './telling.js'

type Values = FlagValues & {
  readonly rounds?: string
  readonly workload?: string
  readonly capacity?: string
  readonly json?: boolean
}

const MOST_ROUNDS = 10_000

export async function bench({ values, terminal }: CommandCall<Values>): Promise<number> {
  const rounds = roundsIn(values.rounds)
  const { workload, capacity, json = false } = values
  if (workload !== undefined) {
    const { benchWorkload } = await import('./bench-workload.js')
    return benchWorkload(
      { workload, capacity, rounds: values.rounds === undefined ? undefined : rounds, json },
      terminal,
    )
  }
  if (capacity !== undefined)
    throw invalid('--capacity is the size of the memory that a workload is replayed in: it takes --workload')
  const dir = await mkdtemp(join(tmpdir(), 'op-dbus-bench-'))
  try {
    const settings = { ...settingsOf(values, terminal), dir, dataDir: join(dir, 'data') }
    const rows = await measureAll(settings, rounds, terminal)
    terminal.status('')
    const machine = `${availableParallelism()} x ${cpus()[0]?.model.trim() || process.arch}`
    const look = { color: terminal.color, columns: Math.min(terminal.columns, 120) }
    const found = { rounds, version: VERSION, node: process.version, machine, rows, together: together(rows) }
    await terminal.out(values.json ? jsonText({ 'op-dbus': 'bench', ...found }) : text(found, look))
    return 0
  } finally {
    terminal.status('')
    await rm(dir, { recursive: true, force: true })
  }
}

interface Found {
  readonly rounds: number
  readonly node: string
  readonly machine: string
  readonly rows: readonly BenchRow[]
  readonly together?: Measured
}

/** `columns`: of the chart. */
function text(
  { node, machine, rounds, rows, together }: Found,
  look: { readonly color: boolean; readonly columns: number },
): string {
  const measured = rows.filter(isMeasured)
  const lines = measured.map(row => [row.name, ...times(row)])
  if (together && measured.length > 1) lines.push(['together', ...times(together)])
  const missing = rows
    .filter(row => !isMeasured(row))
    .map(({ name, reason }) => [`  ${name}`, oneLine(reason ?? '', 300)])
  return [
    `Measured just now on this machine: ${machine}, Node ${node}.`,
    `Medians of ${count(rounds)}, from disk of ${Math.min(rounds, DISK_ROUNDS)}; of fewer where one takes seconds.\n`,
    table([['', 'computed', 'from disk', 'from memory', 'memory saves'], ...lines], [1, 2, 3, 4]),
    ...(measured.length > 0 ? [chart(measured, look)] : []),
    'From memory: asked again in this process. From disk: asked by another one, whose',
    'start is not counted, and that it opens the cache is: a short text of a small model',
    'may be computed sooner. A block is computed by reading and checking what lies on the disk.',
    ...(missing.length > 0 ? [`\nNot measured\n${table(missing).trimEnd()}`] : []),
    '',
  ].join('\n')
}

function isMeasured(row: BenchRow): row is BenchRow & Measured {
  return row.computedMs !== undefined
}

/** All of them one after the other, once. */
function together(rows: readonly BenchRow[]): Measured | undefined {
  const measured = rows.filter(isMeasured)
  if (measured.length === 0) return undefined
  const sum = (of: (row: Measured) => number | undefined) =>
    measured.every(row => of(row) !== undefined) ? measured.reduce((all, row) => all + of(row)!, 0) : undefined
  const computedMs = sum(row => row.computedMs)!
  const memoryMs = sum(row => row.memoryMs)
  return { computedMs, memoryMs, ...(memoryMs !== undefined && { memorySaves: computedMs / memoryMs }) }
}

function times({ computedMs, diskMs, memoryMs, memorySaves }: Measured): string[] {
  const time = (ms: number | undefined) => (ms === undefined ? '-' : duration(ms))
  return [time(computedMs), time(diskMs), time(memoryMs), memorySaves === undefined ? '-' : `${saves(memorySaves)} x`]
}

/** Two digits are all that a measurement is good for. */
function saves(factor: number): string {
  return factor < 10 ? factor.toFixed(1) : count(Number(factor.toPrecision(2)))
}

function roundsIn(given = '20'): number {
  const rounds = Number(given)
  if (/^\d+$/.test(given) && rounds >= 1 && rounds <= MOST_ROUNDS) return rounds
  throw new OpDbusError(
    'INVALID_INPUT',
    `--rounds ${JSON.stringify(given)} is not a whole number from 1 to ${MOST_ROUNDS}`,
  )
}
