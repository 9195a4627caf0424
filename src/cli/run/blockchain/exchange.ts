// `op-dbus blockchain export|import`: blocks out to others, and in.
import type { Chain, ImportReport } from '../../../blockchain.js'
import { OpDbusError } from '../../../errors.js'
import { bytes, count, plural, table, visible } from '../../../format.js'
import type { CommandCall } from '../../command.js'
import { openBytes } from '../../input.js'
import type { Output } from '../../output/destination.js'
import type { Terminal } from '../../terminal.js'
import { jsonText, wantsJson } from '../telling.js'
import { type ChainValues, oneOf, progress, withChain } from './chain.js'
import { tellKey } from './proofs.js'
import { openOutside } from './writing-out.js'

type ExportValues = ChainValues & { readonly output?: string; readonly range?: string; readonly tiles?: string }

export async function exportCommand({ values, terminal }: CommandCall<ExportValues>): Promise<number> {
  const { tiles, output, range } = values
  if (tiles !== undefined && (output !== undefined || range !== undefined)) {
    throw new OpDbusError(
      'INVALID_INPUT',
      '--tiles writes the whole log into its folder: it goes without -o and --range',
    )
  }
  // Blocks on a terminal are progress enough, and would be written into the line of it.
  const mixed = output === undefined && terminal.outTty
  const onProgress = progress(mixed ? { ...values, quiet: true } : values, terminal)
  const call = { ...rangeIn(range), signal: terminal.signal, onProgress }
  return withChain(values, terminal, async chain => {
    if (tiles !== undefined) return exportTiles(chain, tiles, values, terminal)
    const to = output === undefined ? undefined : await openOutside(output, chain, terminal)
    const { blocks } = await written(to, () =>
      chain.export(lines => (to ? to.append(lines) : terminal.out(lines)), call),
    )
    terminal.status('')
    if (!values.quiet) terminal.say(`op-dbus: exported ${plural(blocks, 'block', 'blocks')}`)
    return 0
  })
}

async function exportTiles(chain: Chain, dir: string, values: ExportValues, terminal: Terminal): Promise<number> {
  const onProgress = progress(values, terminal)
  const report = await chain.exportTiles(dir, { onProgress, signal: terminal.signal })
  terminal.status('')
  const fresh = report.head.size - report.from
  if (values.quiet) return 0
  tellKey(report.head, terminal)
  if (report.mended > 0) {
    const [what, verb] =
      report.mended === 1
        ? ['1 file of an earlier export was gone or damaged', 'is']
        : [`${count(report.mended)} files of an earlier export were gone or damaged`, 'are']
    terminal.say(`op-dbus: ${what}, and ${verb} written anew`)
  }
  const what = `${plural(report.head.size, 'block', 'blocks')} in ${report.dir}, ${count(fresh)} of them new`
  terminal.say(`op-dbus: ${what}: ${plural(report.files, 'file', 'files')} written, ${bytes(report.bytes)}`)
  return 0
}

/** Finishes the output, or leaves what was there where it fails. */
async function written<T>(to: Output | undefined, work: () => Promise<T>): Promise<T> {
  try {
    const done = await work()
    await to?.finish()
    return done
  } catch (error) {
    await to?.abandon()
    throw error
  }
}

/** `0-100`: from the first to behind the last. */
function rangeIn(text: string | undefined): { from?: number; to?: number } {
  if (text === undefined) return {}
  const [, first, last] = /^(\d{1,15})-(\d{1,15})?$/.exec(text) ?? []
  if (first === undefined)
    throw new OpDbusError(
      'INVALID_INPUT',
      `--range ${JSON.stringify(text)} is no range\nwrite 0-100, or 100- for all from 100 on`,
    )
  if (last === undefined) return { from: Number(first) }
  if (Number(first) > Number(last)) throw new OpDbusError('INVALID_INPUT', `--range ${text} ends before it begins`)
  return { from: Number(first), to: Number(last) + 1 }
}

export async function importCommand({ values, args, terminal }: CommandCall<ChainValues>): Promise<number> {
  const path = oneOf(args, 'file or folder, or - for standard input', 'import')
  const json = wantsJson(values, terminal)
  return withChain(values, terminal, async chain => {
    const input = path === '-' ? await openBytes(path, terminal.signal) : undefined
    const call = { signal: terminal.signal, onProgress: progress(values, terminal) }
    try {
      const report = await chain.import(input?.bytes ?? path, call)
      terminal.status('')
      await terminal.last(json ? jsonText(report) : importText(report))
      const none = report.imported + report.present === 0
      if (none && !values.quiet)
        terminal.say(`op-dbus: there was no block in ${visible(path === '-' ? 'standard input' : path)}`)
    } finally {
      input?.close()
    }
    return 0
  })
}

function importText(report: ImportReport): string {
  const { format, imported, present, pruned, unannounced = 0, verified, unconfirmed, size } = report
  const rows = [
    ['appended', count(imported)],
    ['here already', count(present)],
    ['without a body', count(pruned)],
    ...Object.entries(verified ?? {}).map(([how, blocks]) => [`  ${SAID[how] ?? how}`, count(blocks)]),
    ['blocks now', count(size)],
  ]
  const last =
    unconfirmed === undefined
      ? ''
      : `block ${count(unconfirmed)}, the last, is confirmed by none behind it: verify --head does, with a head that was saved\n`
  const gone =
    unannounced === 0
      ? ''
      : `${plural(unannounced, 'body is', 'bodies are')} gone, and no prune among what was imported says so: verify tells of each, ` +
        'unless the rest of that chain is imported too\n'
  return `form: ${format}\n${table(rows, [1])}${gone}${last}`
}

const SAID: Readonly<Record<string, string>> = {
  // Of those forms no hash covers metadata.
  'four-part': 'hash covers data, not metadata',
  'three-part': 'hash covers neither',
  event: 'hash covers the event',
  none: 'not verifiable',
}
