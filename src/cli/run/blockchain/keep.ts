// `op-dbus blockchain prune|snapshot|snapshots|restore`: what goes, what stays, and how a chain comes back. What removes or replaces asks.
import type {
  Chain,
  PruneCall,
  PruneReport,
  Retention,
  SnapshotInfo,
  SnapshotPruneReport,
} from '../../../blockchain.js'
import { OpDbusError } from '../../../errors.js'
import { bytes, count, oneLine, plural, table, visible } from '../../../format.js'
import { ageText } from '../../../state/diff-words.js'
import { canAsk, saysYes } from '../../ask.js'
import type { CommandCall } from '../../command.js'
import { NOT_DONE } from '../../exit-codes.js'
import type { Terminal } from '../../terminal.js'
import { durationIn } from '../../when.js'
import { jsonText, wantsJson } from '../telling.js'
import { type ChainValues, numberIn, oneOf, progress, withChain, writing } from './chain.js'

type PruneValues = ChainValues & {
  readonly 'keep-last'?: string
  readonly 'keep-within'?: string
  readonly 'keep-hourly'?: string
  readonly 'keep-daily'?: string
  readonly 'keep-weekly'?: string
  readonly 'keep-quarterly'?: string
  readonly everything?: boolean
  readonly snapshots?: boolean
  readonly 'dry-run'?: boolean
  readonly yes?: boolean
}
type SnapshotValues = ChainValues & { readonly delete?: boolean; readonly yes?: boolean }
type RestoreValues = ChainValues & { readonly yes?: boolean }

export async function pruneCommand({ values, terminal }: CommandCall<PruneValues>): Promise<number> {
  const json = wantsJson(values, terminal)
  const dryRun = values['dry-run'] === true
  const rules = { ...keptIn(values), everything: values.everything === true }
  if (!dryRun) refuseUnasked(values.yes)
  if (values.snapshots) return withChain(values, terminal, chain => pruneSnapshots(chain, rules, values, terminal))
  return withChain(values, terminal, async chain => {
    const agree = async (planned: PruneReport) => {
      terminal.status('')
      terminal.say(pruneText(planned).trimEnd())
      return saysYes('Remove these bodies?', terminal)
    }
    const own = { ...rules, dryRun, onProgress: progress(values, terminal), ...(!values.yes && { agree }) }
    const report = await writing(terminal, call => chain.prune({ ...own, ...call } satisfies PruneCall))
    terminal.status('')
    if (report.dryRun && !dryRun) return tellUnchanged(terminal)
    await terminal.last(json ? jsonText(report) : pruneText(report))
    return 0
  })
}

async function pruneSnapshots(
  chain: Chain,
  rules: Retention & { readonly everything: boolean },
  values: PruneValues,
  terminal: Terminal,
): Promise<number> {
  const json = wantsJson(values, terminal)
  const planned = await chain.pruneSnapshots({ ...rules, dryRun: true })
  const dryRun = values['dry-run'] === true
  if (!dryRun && !values.yes && planned.removed.length > 0) {
    terminal.say(snapshotPruneText(planned).trimEnd())
    if (!(await saysYes('Delete these snapshots?', terminal))) return tellUnchanged(terminal)
  }
  const report = dryRun ? planned : await chain.pruneSnapshots(rules)
  await terminal.last(json ? jsonText(report) : snapshotPruneText(report))
  return 0
}

function snapshotPruneText({ dryRun, kept, removed }: SnapshotPruneReport): string {
  const goes = dryRun ? 'would be deleted' : removed.length === 1 ? 'is deleted' : 'are deleted'
  const names = removed.length === 0 ? '' : `: ${oneLine(removed.join(', '), 300)}`
  return `${plural(removed.length, 'snapshot', 'snapshots')} ${goes}, ${count(kept.length)} kept${names}\n`
}

function keptIn(values: PruneValues): Retention {
  const amount = (option: 'keep-last' | 'keep-hourly' | 'keep-daily' | 'keep-weekly' | 'keep-quarterly') => {
    const text = values[option]
    return text === undefined ? undefined : numberIn(text, `--${option}`)
  }
  const within = values['keep-within']
  return {
    last: amount('keep-last'),
    hourly: amount('keep-hourly'),
    daily: amount('keep-daily'),
    weekly: amount('keep-weekly'),
    quarterly: amount('keep-quarterly'),
    within: within === undefined ? undefined : durationIn(within, 'keep-within'),
  }
}

function pruneText({ dryRun, size, kept, pruned, before, bytes: freed, block, snapshots }: PruneReport): string {
  const would = dryRun ? 'would lose' : pruned === 1 ? 'has lost' : 'have lost'
  const bodies = pruned === 1 ? 'its body' : 'their bodies'
  const gone = before > 0 ? `; ${count(before)} had none before` : ''
  const keeps = kept === 1 ? '1 keeps its body' : `${count(kept)} keep theirs`
  const lines = [
    `${plural(pruned, 'block', 'blocks')} of ${count(size)} ${would} ${bodies} (${bytes(freed)}); ${keeps}${gone}`,
  ]
  if (block !== undefined) lines.push(`block ${block} says which`)
  if (pruned > 0 && snapshots.length > 0)
    lines.push(`what goes may still be in snapshots: ${oneLine(snapshots.join(', '), 300)}`)
  return `${lines.join('\n')}\n`
}

export async function snapshotCommand({ values, args, terminal }: CommandCall<SnapshotValues>): Promise<number> {
  if (args.length > 1 || values.delete) oneOf(args, 'name', 'snapshot')
  if (values.delete) return deleteSnapshot(values, args[0]!, terminal)
  if (values.yes)
    throw new OpDbusError('INVALID_INPUT', '--yes is for --delete: nothing is asked where a snapshot is made')
  const json = wantsJson(values, terminal)
  return withChain(values, terminal, async chain => {
    const made = await writing(terminal, call => chain.snapshot(args[0], call))
    await terminal.last(
      json ? jsonText(made) : `${visible(made.name)}  ${plural(made.size, 'block', 'blocks')}, ${bytes(made.bytes)}\n`,
    )
    return 0
  })
}

async function deleteSnapshot(values: SnapshotValues, name: string, terminal: Terminal): Promise<number> {
  const json = wantsJson(values, terminal)
  refuseUnasked(values.yes)
  return withChain(values, terminal, async chain => {
    const found = values.yes ? undefined : await snapshotOf(chain, name, terminal)
    // Who looks for the snapshot in earnest says what there is.
    if (found !== undefined) {
      const what = found.damaged === undefined ? `of ${plural(found.size, 'block', 'blocks')}` : 'which is damaged'
      if (!(await saysYes(`Delete the snapshot ${visible(name)}, ${what}?`, terminal))) return tellUnchanged(terminal)
    }
    await chain.deleteSnapshot(name)
    await terminal.last(json ? jsonText({ deleted: name }) : `deleted the snapshot ${visible(name)}\n`)
    return 0
  })
}

async function snapshotOf(chain: Chain, name: string, terminal: Terminal): Promise<SnapshotInfo | undefined> {
  return (await chain.snapshots({ signal: terminal.signal })).find(one => one.name === name)
}

export async function snapshotsCommand({ values, terminal }: CommandCall<ChainValues>): Promise<number> {
  const json = wantsJson(values, terminal)
  return withChain(values, terminal, async chain => {
    const snapshots = await chain.snapshots({ signal: terminal.signal })
    await terminal.out(json ? jsonText({ snapshots }) : snapshotsText(snapshots, Date.now()))
    return 0
  })
}

function snapshotsText(snapshots: readonly SnapshotInfo[], now: number): string {
  const rows = snapshots.map(({ name, created, size, bytes: taken, damaged }) => [
    oneLine(name, 60),
    created === undefined ? '-' : ageText(now - Date.parse(created)),
    damaged === undefined ? count(size) : '-',
    damaged === undefined ? bytes(taken) : '-',
    damaged === undefined ? '' : `damaged: ${oneLine(damaged, 200)}`,
  ])
  return table([['snapshot', 'age', 'blocks', 'size', ''], ...rows], [1, 2, 3])
}

export async function restoreCommand({ values, args, terminal }: CommandCall<RestoreValues>): Promise<number> {
  const name = oneOf(args, 'snapshot', 'restore')
  const json = wantsJson(values, terminal)
  refuseUnasked(values.yes)
  return withChain(values, terminal, async chain => {
    if (!values.yes && !(await agreed(chain, name, terminal))) return tellUnchanged(terminal)
    const report = await writing(terminal, call => chain.restore(name, call))
    const { restored, before, signedAhead } = report
    const kept = before === undefined ? '' : `; what was there before is the snapshot ${visible(before.name)}`
    await terminal.last(
      json
        ? jsonText(report)
        : `restored ${plural(restored.size, 'block', 'blocks')} of ${visible(restored.name)}${kept}\n`,
    )
    if (signedAhead !== undefined) {
      terminal.say(
        `op-dbus: a head of ${plural(signedAhead, 'block', 'blocks')} was signed, and this chain has not all of them: no head or proof is signed until it has\n` +
          '  to begin another log instead: op-dbus blockchain key --renew',
      )
    }
    return 0
  })
}

/** Says what would be replaced by what, and asks. */
async function agreed(chain: Chain, name: string, terminal: Terminal): Promise<boolean> {
  const found = await snapshotOf(chain, name, terminal)
  if (found === undefined || found.damaged !== undefined) return true
  const now = plural(chain.size(), 'block', 'blocks')
  return saysYes(
    `Put ${plural(found.size, 'block', 'blocks')} of ${visible(name)} in place of the ${now} there are?`,
    terminal,
  )
}

/** Before anything is opened: where nobody can say yes, nothing is begun. */
export function refuseUnasked(yes: boolean | undefined): void {
  if (yes || canAsk()) return
  throw new OpDbusError(
    'INVALID_INPUT',
    'nothing was changed: there is no terminal to ask on\n--yes does it without asking',
  )
}

export function tellUnchanged(terminal: Terminal): number {
  terminal.say('op-dbus: nothing was changed')
  return NOT_DONE
}
