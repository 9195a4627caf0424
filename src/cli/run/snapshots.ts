// `op-dbus cache export|import`: embeddings to a bucket or a folder, and from there into the cache of another machine.
import { BatchError, messageOf, OpDbusError } from '../../errors.js'
import { bytes, count, plural, table, visible } from '../../format.js'
import {
  type ExportReport,
  exportEmbeddings,
  type ImportReport,
  importEmbeddings,
  type SnapshotCall,
} from '../../node/snapshots.js'
import type { CommandCall } from '../command.js'
import { DAMAGE_FOUND } from '../exit-codes.js'
import type { FlagValues } from '../flags.js'
import { settingsOf } from '../settings.js'
import type { Terminal } from '../terminal.js'

type Values = FlagValues & Partial<Record<'json' | 'quiet' | 'allow-http', boolean>> & { readonly space?: string }
type Call = CommandCall<Values>

export async function exportTo({ values, args, terminal }: Call): Promise<number> {
  const report = await within(terminal, () =>
    exportEmbeddings(targetOf(args), settingsOf(values, terminal), callOf(values, terminal, 'sent')),
  )
  await tell(values, terminal, report, exportedText)
  return 0
}

export async function importFrom({ values, args, terminal }: Call): Promise<number> {
  try {
    const report = await within(terminal, () =>
      importEmbeddings(targetOf(args), settingsOf(values, terminal), callOf(values, terminal, 'here')),
    )
    await tell(values, terminal, report, importedText)
    return 0
  } catch (error) {
    if (!(error instanceof BatchError)) throw error
    await tell(values, terminal, error.details.report as ImportReport, importedText)
    for (const { error: one } of error.failed) terminal.say(`op-dbus: ${visible(messageOf(one))}`)
    terminal.say('op-dbus: what was refused was not put in the cache; all else of the snapshot is in it')
    return DAMAGE_FOUND
  }
}

function targetOf(args: readonly string[]): string {
  const [target, ...more] = args
  if (target !== undefined && more.length === 0) return target
  throw new OpDbusError('INVALID_INPUT', 'it takes one target: s3://bucket/prefix or a folder')
}

async function within<T>(terminal: Terminal, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } finally {
    terminal.status('')
  }
}

function callOf(values: Values, terminal: Terminal, word: string): SnapshotCall {
  let drawn = ''
  return {
    space: values.space,
    allowHttp: values['allow-http'],
    signal: terminal.signal,
    onProgress({ space, segments, ofSegments, bytes: done, ofBytes }) {
      if (values.quiet) return
      const percent = ofBytes > 0 ? Math.min(100, Math.floor((100 * done) / ofBytes)) : 100
      const line = `${space.slice(0, 8)}  ${segments} of ${ofSegments} segments  ${percent}% of ${bytes(ofBytes)} ${word}`
      if (line !== drawn) terminal.status(line)
      drawn = line
    },
  }
}

async function tell<R extends ExportReport | ImportReport>(
  values: Values,
  terminal: Terminal,
  report: R,
  text: (report: R) => string,
): Promise<void> {
  if (values.json) await terminal.out(`${JSON.stringify(report, undefined, 2)}\n`)
  else if (!values.quiet) await terminal.out(text(report))
}

/** What a space is, in a word. */
function named({ description }: ExportReport['spaces'][number] | ImportReport['spaces'][number]): string {
  const { model, custom } = description
  return visible(String(model ?? custom ?? '')).slice(0, 40)
}

function exportedText({ at, spaces }: ExportReport): string {
  if (spaces.length === 0) return 'no embeddings are on disk: nothing was exported\n'
  const rows = spaces.map(one => [
    one.space.slice(0, 8),
    named(one),
    count(one.records),
    bytes(one.bytes),
    bytes(one.sent.bytes),
    one.changed ? `${one.snapshot}` : `${one.snapshot} (unchanged)`,
  ])
  const unsealed = spaces.reduce((sum, one) => sum + one.unsealed, 0)
  const heading = ['space', 'what', 'vectors', 'size', 'sent', 'snapshot']
  const mended = spaces.reduce((sum, one) => sum + one.sent.mended, 0)
  const more = [
    unsealed > 0 &&
      `${plural(unsealed, 'segment is', 'segments are')} still being written: what was finished is in it\n`,
    mended > 0 && `${plural(mended, 'segment was', 'segments were')} damaged there, and put in place again\n`,
  ]
  return `${table([heading, ...rows], [2, 3, 4])}${more.filter(Boolean).join('')}in ${visible(at)}\n`
}

function importedText({ at, spaces }: ImportReport): string {
  const rows = spaces.map(one => [
    one.space.slice(0, 8),
    named(one),
    `${one.snapshot}`,
    one.made.slice(0, 16).replace('T', ' '),
    count(one.records),
    bytes(one.bytes),
    count(one.there),
  ])
  const left = spaces.reduce((sum, { leftOut }) => sum + leftOut.bytes, 0)
  const heading = ['space', 'what', 'snapshot', 'made (UTC)', 'new vectors', 'size', 'segments here']
  const more =
    left > 0 ? `the oldest ${bytes(left)} are left out: OPDBUS_EMBEDDING_DISK_BYTES has no room for them\n` : ''
  return `${table([heading, ...rows], [4, 5, 6])}${more}from ${visible(at)}\n`
}
