// `op-dbus blockchain stats`: how many blocks, of whom, and what they take.
import type { ChainStats } from '../../../blockchain.js'
import { bytes, count, oneLine, plural, table } from '../../../format.js'
import type { CommandCall } from '../../command.js'
import { timeText } from '../../when.js'
import { jsonText, wantsJson } from '../telling.js'
import { type ChainValues, progress, withChain } from './chain.js'

/** Plugins and operations that are told, the most first. */
const TOLD = 10

export async function statsCommand({ values, terminal }: CommandCall<ChainValues>): Promise<number> {
  const json = wantsJson(values, terminal)
  return withChain(values, terminal, async chain => {
    const stats = await chain.stats({ signal: terminal.signal, onProgress: progress(values, terminal) })
    terminal.status('')
    await terminal.out(json ? jsonText(stats) : statsText(stats))
    return 0
  })
}

function statsText(stats: ChainStats): string {
  const { size, hash, bytes: taken, segments, pruned, first, last, derived, snapshots, log, signed } = stats
  const rows = [
    ['blocks', `${count(size)}${pruned > 0 ? `, ${count(pruned)} of them without body` : ''}`],
    ...(first === undefined || last === undefined ? [] : [['time', `${timeText(first)} to ${timeText(last)}`]]),
    ...(size === 0 ? [] : [['last hash', hash]]),
    ['on disk', `${bytes(taken)} in ${plural(segments, 'segment', 'segments')}`],
    [
      'derived',
      `${bytes(derived.tree)} of tree, ${bytes(derived.vectors)} of vectors, ${bytes(derived.index)} of index`,
    ],
    ['indexed', plural(stats.indexed, 'block', 'blocks')],
    ...stats.vectors.map(({ space, model, vectors, pending }) => [
      'vectors',
      `${count(vectors)} of ${oneLine(model ?? space, 60)}, ${plural(pending, 'block', 'blocks')} to look at`,
    ]),
    ['snapshots', count(snapshots)],
    ['log', log === undefined ? 'no key yet' : oneLine(log, 200)],
    ...(signed === undefined ? [] : [['signed', `up to ${plural(signed, 'block', 'blocks')}`]]),
    ...most('plugins', stats.plugins),
    ...most('operations', stats.operations),
  ]
  return table(rows)
}

function most(what: string, counts: Readonly<Record<string, number>>): string[][] {
  const all = Object.entries(counts)
  const told = all.slice(0, TOLD).map(([name, blocks]) => `${oneLine(name, 40)} ${count(blocks)}`)
  if (all.length > TOLD) told.push(`and ${count(all.length - TOLD)} more`)
  return all.length === 0 ? [] : [[what, told.join(', ')]]
}
