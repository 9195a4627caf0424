// `op-dbus cache stats|clear|verify`: what is cached, by whom it was used, and whether it is sound.

import { bytes, count, duration, fourLines, oneLine, plural, table, unbounded } from '../../format.js'
import { readOptions } from '../../node/options.js'
import { verifyCaches } from '../../node/verify.js'
import {
  type CacheName,
  type ClearSelection,
  type DiskSize,
  type OpenOptions,
  openCaches,
  type Stats,
} from '../../node.js'
import type { ClearCall, ClearReport, DaemonStats } from '../../server/api.js'
import type { CommandCall } from '../command.js'
import { type DaemonValues, daemonSocket, openDaemon } from '../daemon.js'
import { DAMAGE_FOUND } from '../exit-codes.js'
import type { FlagValues } from '../flags.js'
import { patternLine } from '../patterns-text.js'
import { settingsOf } from '../settings.js'
import type { Terminal } from '../terminal.js'

/** How long a daemon may take, ms. */
const STATS_MS = 5000
const CLEAR_MS = 60_000

type Values = FlagValues & DaemonValues & { readonly json?: boolean; readonly quiet?: boolean }
type ClearValues = Values & Partial<Record<CacheName | 'embedding', boolean>>

export async function stats({ values, terminal }: CommandCall<Values>): Promise<number> {
  const settings = settingsOf(values, terminal)
  const served = await servedStats(settings, values, terminal)
  if (served) {
    const { caches, ...daemon } = served
    const text = () => `${statsText(caches)}\n${daemonText(served)}`
    await terminal.out(values.json ? `${JSON.stringify({ ...caches, daemon }, unbounded, 2)}\n` : text())
    return 0
  }
  const caches = await openCaches(settings)
  try {
    const found = await caches.stats()
    await terminal.out(values.json ? `${JSON.stringify(found, unbounded, 2)}\n` : statsText(found))
  } finally {
    await caches.close()
  }
  return 0
}

export async function clear({ values, terminal }: CommandCall<ClearValues>): Promise<number> {
  const selection: ClearSelection = {
    embeddings: values.embedding === true || values.embeddings === true,
    blocks: values.blocks,
    queries: values.queries,
    diffs: values.diffs,
  }
  const settings = settingsOf(values, terminal)
  const gone = await clearedThere(settings, selection, values, terminal)
  if (gone !== undefined) {
    if (values.quiet !== true) terminal.say(`cleared ${goneText(gone, selection)}`)
    return 0
  }
  const caches = await openCaches(settings)
  try {
    const before = await caches.stats()
    await caches.clear(selection)
    if (values.quiet !== true) terminal.say(`cleared ${clearedText(before, selection)}`)
  } finally {
    await caches.close()
  }
  return 0
}

/** What a running daemon says of itself; undefined where none does. */
async function servedStats(
  settings: OpenOptions,
  values: DaemonValues,
  terminal: Terminal,
): Promise<DaemonStats | undefined> {
  const daemon = await openDaemon(daemonSocket(readOptions(settings).dir, values), terminal)
  try {
    const answer = await daemon?.ask('/api/stats', { ms: STATS_MS, signal: terminal.signal })
    const stats = answer?.json as DaemonStats | undefined
    return stats && isStats(stats) ? stats : undefined
  } finally {
    daemon?.close()
  }
}

/** What a running daemon has cleared; undefined where none did, or nobody can tell: what is cleared twice is clear. */
async function clearedThere(
  settings: OpenOptions,
  selection: ClearSelection,
  values: DaemonValues,
  terminal: Terminal,
): Promise<ClearReport['gone'] | undefined> {
  const daemon = await openDaemon(daemonSocket(readOptions(settings).dir, values), terminal)
  try {
    const body: ClearCall = { caches: chosenOf(selection) }
    const answer = await daemon?.ask('/api/cache/clear', { body, ms: CLEAR_MS, signal: terminal.signal })
    const report = answer?.json as ClearReport | undefined
    return Array.isArray(report?.gone) && report.preview === false ? report.gone : undefined
  } finally {
    daemon?.close()
  }
}

/** Enough of it to be put into words. */
function isStats(stats: DaemonStats): boolean {
  try {
    return statsText(stats.caches) !== '' && daemonText(stats) !== ''
  } catch {
    return false
  }
}

/** Who answers: its memory is what was shown. */
function daemonText({ pid, now, started, models, rss, requests }: DaemonStats): string {
  const served = models.map(({ name }) => oneLine(name, 60)).join(', ')
  const since = duration(now - started)
  return `Served by: the daemon ${pid}, for ${since}; ${bytes(rss)}, ${plural(requests.total, 'request', 'requests')}; ${served}\n`
}

export async function verify({ values, terminal }: CommandCall<Values>): Promise<number> {
  const report = await verifyCaches(settingsOf(values, terminal))
  if (values.json) await terminal.out(`${JSON.stringify(report, undefined, 2)}\n`)
  else {
    const heading = ['cache', 'files', 'entries', 'size', 'damaged', 'not ours']
    const rows = Object.entries(report.caches).map(([name, { files, entries, size, damaged, foreign }]) => [
      name,
      count(files),
      count(entries),
      bytes(size),
      count(damaged),
      count(foreign),
    ])
    await terminal.out(table([heading, ...rows], [1, 2, 3, 4, 5]))
  }
  if (!report.damaged) return 0
  terminal.say('op-dbus: damaged entries are never served; they are computed again and replaced')
  return DAMAGE_FOUND
}

/** The strategy's four lines, in its format; then what is on disk. */
export function statsText(stats: Stats): string {
  const { embeddings } = stats
  const lines = [
    ...fourLines(stats),
    ...(embeddings.model?.gaveWay.length
      ? [`Model: ${embeddings.model.serves} in place of ${embeddings.model.asked}`]
      : []),
    ...(embeddings.patterns ? [patternLine(embeddings.patterns)] : []),
    '',
  ]
  const disk = (['embeddings', 'blocks', 'queries'] as const).flatMap(name => {
    const size = stats[name].onDisk
    return size ? [[`  ${name}`, plural(size.entries, 'entry', 'entries'), bytes(size.bytes)]] : []
  })
  const folder = stats.dir === undefined ? 'On disk: nothing' : `On disk: ${stats.dir}`
  return `${lines.join('\n')}${folder}\n${table(disk, [1, 2])}`
}

function clearedText(before: Stats, selection: ClearSelection): string {
  return chosenOf(selection)
    .map(name => sizeText(name, before[name].onDisk))
    .join(', ')
}

function goneText(gone: ClearReport['gone'], selection: ClearSelection): string {
  return chosenOf(selection)
    .map(name => {
      const parts = gone.filter(({ cache }) => cache === name)
      const sum = (what: 'entries' | 'bytes') => parts.reduce((total, part) => total + part[what], 0)
      return sizeText(name, name === 'diffs' ? undefined : { entries: sum('entries'), bytes: sum('bytes') })
    })
    .join(', ')
}

function sizeText(name: CacheName, size: DiskSize | undefined): string {
  return size ? `${name} (${plural(size.entries, 'entry', 'entries')}, ${bytes(size.bytes)})` : name
}

/** None named: all four. */
function chosenOf(selection: ClearSelection): readonly CacheName[] {
  const names = ['embeddings', 'blocks', 'queries', 'diffs'] as const satisfies readonly CacheName[]
  const chosen = names.filter(name => selection[name])
  return chosen.length > 0 ? chosen : names
}
