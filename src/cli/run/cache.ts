// `op-dbus cache stats|clear|verify`: what is cached, by whom it was used, and whether it is sound.

import { bytes, count, fourLines, plural, table } from '../../format.js'
import { verifyCaches } from '../../node/verify.js'
import { type CacheName, type ClearSelection, openCaches, type Stats } from '../../node.js'
import type { CommandCall } from '../command.js'
import { DAMAGE_FOUND } from '../exit-codes.js'
import type { FlagValues } from '../flags.js'
import { patternLine } from '../patterns-text.js'
import { settingsOf } from '../settings.js'

type Values = FlagValues & { readonly json?: boolean; readonly quiet?: boolean }
type ClearValues = Values & Partial<Record<CacheName | 'embedding', boolean>>

export async function stats({ values, terminal }: CommandCall<Values>): Promise<number> {
  const caches = await openCaches(settingsOf(values, terminal))
  try {
    const found = await caches.stats()
    await terminal.out(values.json ? `${JSON.stringify(found, finite, 2)}\n` : statsText(found))
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
  const caches = await openCaches(settingsOf(values, terminal))
  try {
    const before = await caches.stats()
    await caches.clear(selection)
    if (values.quiet !== true) terminal.say(`cleared ${clearedText(before, selection)}`)
  } finally {
    await caches.close()
  }
  return 0
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
  const names = ['embeddings', 'blocks', 'queries', 'diffs'] as const satisfies readonly CacheName[]
  const chosen = names.filter(name => selection[name])
  return (chosen.length > 0 ? chosen : names)
    .map(name => {
      const size = before[name].onDisk
      return size ? `${name} (${plural(size.entries, 'entry', 'entries')}, ${bytes(size.bytes)})` : name
    })
    .join(', ')
}

/** JSON has no Infinity: an unbounded capacity is null. */
function finite(_name: string, value: unknown): unknown {
  return value === Number.POSITIVE_INFINITY ? null : value
}
