// `op-dbus cache stats|clear|verify`: what is cached, by whom it was used, and whether it is sound.

import { isError, isOpDbusError, messageOf } from '../../errors.js'
import {
  bytes,
  commas,
  count,
  duration,
  fourLines,
  oneLine,
  plural,
  savedLine,
  table,
  unbounded,
} from '../../format.js'
import { readOptions } from '../../node/options.js'
import { verifyCaches } from '../../node/verify.js'
import {
  type CacheName,
  type ClearSelection,
  type DiskSize,
  OpDbusError,
  type OpenOptions,
  openCaches,
  type Stats,
} from '../../node.js'
import type { ClearCall, ClearReport, DaemonStats } from '../../server/api.js'
import type { TuningState } from '../../tuning/report.js'
import type { CommandCall } from '../command.js'
import { type DaemonValues, daemonSocket, openDaemon } from '../daemon.js'
import { DAMAGE_FOUND } from '../exit-codes.js'
import type { FlagValues } from '../flags.js'
import { patternLine } from '../patterns-text.js'
import { settingsOf } from '../settings.js'
import type { Terminal } from '../terminal.js'
import { tuningLines } from '../tuning-text.js'

/** How long a daemon may take, ms. */
const STATS_MS = 5000
const CLEAR_MS = 60_000

type Values = FlagValues & DaemonValues & { readonly json?: boolean; readonly quiet?: boolean }
type ClearValues = Values & Partial<Record<CacheName | 'embedding' | 'shared', boolean>>

export async function stats({ values, terminal }: CommandCall<Values>): Promise<number> {
  const settings = settingsOf(values, terminal)
  const served = await servedStats(settings, values, terminal)
  if (served) {
    const { caches, tuning, ...daemon } = served
    const text = () => `${statsText(caches, { tuning, model: served.models[0]?.name })}\n${daemonText(served)}`
    await terminal.out(values.json ? `${JSON.stringify({ ...caches, tuning, daemon }, unbounded, 2)}\n` : text())
    return 0
  }
  const caches = await openCaches(settings)
  try {
    const found = await caches.stats()
    const shared = caches.embeddings.shares ? 'Shared: there is one, which this command does not ask\n' : ''
    const tuning = caches.tuning()
    const text = () => `${statsText(found, { tuning })}${shared}`
    await terminal.out(values.json ? `${JSON.stringify({ ...found, tuning }, unbounded, 2)}\n` : text())
  } finally {
    await caches.close()
  }
  return 0
}

export async function clear({ values, terminal }: CommandCall<ClearValues>): Promise<number> {
  const shared = values.shared === true
  const selection: ClearSelection = {
    embeddings: values.embedding === true || values.embeddings === true,
    blocks: values.blocks,
    queries: values.queries,
    diffs: values.diffs,
    shared,
  }
  const chosen = chosenOf(selection)
  const embeddings = chosen.includes('embeddings')
  if (shared && !embeddings) {
    throw new OpDbusError('INVALID_INPUT', 'only embeddings are shared: add --embeddings, or leave --shared out')
  }
  const settings = settingsOf(values, terminal)
  const there = await clearedThere(settings, selection, values, terminal)
  const caches = await openCaches(settings)
  try {
    const before = await caches.stats()
    // What it says went is looked for: what is still on disk is cleared here.
    const left = chosen.some(name => (before[name].onDisk?.entries ?? 0) > 0)
    const { shares } = caches.embeddings
    const byDaemon = there !== undefined && !left && !(shared && shares && !there.some(({ tier }) => tier === 'shared'))
    if (!byDaemon) {
      await caches.clear(selection).catch(async (error: unknown) => {
        if (!isOpDbusError(error, 'STORE') || error.details.tier !== 'shared') throw error
        const after = await caches.stats()
        const gone = chosen.filter(name => (after[name].onDisk?.entries ?? 0) === 0)
        const told = gone.map(name => sizeText(name, before[name].onDisk)).join(', ')
        if (gone.length > 0 && values.quiet !== true) terminal.say(`cleared on this machine: ${told}`)
        throw notShared(error)
      })
    }
    if (values.quiet === true) return 0
    const told = shared && shares ? 'what machines share, ' : ''
    terminal.say(`cleared ${told}${byDaemon ? goneText(there, selection) : clearedText(before, selection)}`)
    if (embeddings && shares && !shared) terminal.say(STAYS)
  } finally {
    await caches.close()
  }
  return 0
}

const STAYS = 'op-dbus: vectors that machines share stay, and come back from there; --shared clears them as well'

/** What machines share was not cleared: why, from where it began, and what to do. */
function notShared(error: OpDbusError): OpDbusError {
  let first: unknown = error
  while (isError(first) && isError(first.cause)) first = first.cause
  const lines = [
    `what machines share was not cleared: ${oneLine(messageOf(first), 200)}`,
    'other machines may go on with their copies: clear it again when that is mended',
  ]
  return new OpDbusError('STORE', lines.join('\n'), { cause: error, details: error.details })
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
    const body: ClearCall = { caches: chosenOf(selection), shared: selection.shared === true }
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
    return statsText(stats.caches, stats) !== '' && daemonText(stats) !== ''
  } catch {
    return false
  }
}

/** Who answers: its memory is what was shown. Further models, and what machines share, have a line each. */
function daemonText({ pid, now, started, models, rss, requests, caches, shared }: DaemonStats): string {
  const since = duration(now - started)
  const [, ...others] = models
  const lines = [
    `Served by: the daemon ${pid}, for ${since}; ${bytes(rss)}, ${plural(requests.total, 'request', 'requests')}`,
    ...others.map(({ name, cache: { memory } }) => {
      const share = memory.hits + memory.misses > 0 ? `${Math.round(100 * memory.hitRate)}% hit rate` : 'n/a hit rate'
      return `  ${oneLine(name, 60)}: ${commas(memory.size)} entries in memory, ${share} there`
    }),
  ]
  if (shared !== undefined) {
    const { hits = 0, misses = 0 } = caches.embeddings.shared ?? {}
    const why = shared.problem === undefined ? '' : `: ${oneLine(shared.problem, 200)}`
    const asked = `${commas(hits)} of ${commas(hits + misses)} look-ups answered`
    lines.push(`Shared: ${oneLine(shared.at, 100)} ${shared.state}${why}; ${asked}`)
  }
  return `${lines.join('\n')}\n`
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

interface StatsAbout {
  /** Absent: an older daemon tells nothing of it. */
  readonly tuning?: TuningState | undefined
  /** Whose memory the first line is, where a daemon serves several. */
  readonly model?: string | undefined
}

/** The strategy's four lines, in its format; what tuning did; then what is on disk. */
export function statsText(stats: Stats, { tuning, model }: StatsAbout = {}): string {
  const { embeddings } = stats
  const saved = savedLine(stats)
  const lines = [
    ...fourLines(stats),
    ...(model === undefined ? [] : [`Embeddings in memory: of ${oneLine(model, 60)}`]),
    ...(embeddings.model?.gaveWay.length
      ? [`Model: ${embeddings.model.serves} in place of ${embeddings.model.asked}`]
      : []),
    ...(embeddings.patterns ? [patternLine(embeddings.patterns)] : []),
    ...(saved === undefined ? [] : [saved]),
    ...(tuning === undefined ? [] : tuningLines(tuning)),
    '',
  ]
  const disk = (['embeddings', 'blocks', 'queries'] as const).flatMap(name => {
    const size = stats[name].onDisk
    return size
      ? [[`  ${name}`, `${commas(size.entries)} ${size.entries === 1 ? 'entry' : 'entries'}`, bytes(size.bytes)]]
      : []
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
      const parts = gone.filter(({ cache, tier }) => cache === name && tier === 'disk')
      const sum = (what: 'entries' | 'bytes') => parts.reduce((total, part) => total + (part[what] ?? 0), 0)
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
