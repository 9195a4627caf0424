// `op-dbus blockchain repair`: says what is damaged and what stays, asks, and makes the chain take blocks again.
import type { RepairReport } from '../../../blockchain.js'
import { count, oneLine, plural, visible } from '../../../format.js'
import { saysYes } from '../../ask.js'
import type { CommandCall } from '../../command.js'
import { DAMAGE_FOUND } from '../../exit-codes.js'
import { jsonText, wantsJson } from '../telling.js'
import { type ChainValues, withChain, writing } from './chain.js'
import { refuseUnasked, tellUnchanged } from './keep.js'

type RepairValues = ChainValues & {
  readonly 'drop-bodies'?: boolean
  readonly 'dry-run'?: boolean
  readonly yes?: boolean
}

/** Faults that people are shown. */
const SHOWN = 5

export async function repairCommand({ values, terminal }: CommandCall<RepairValues>): Promise<number> {
  const json = wantsJson(values, terminal)
  const dryRun = values['dry-run'] === true
  const dropBodies = values['drop-bodies'] === true
  if (!dryRun) refuseUnasked(values.yes)
  const onProgress = (done: number) => {
    if (!values.quiet) terminal.status(`${plural(done, 'line', 'lines')} read`)
  }
  return withChain(values, terminal, async chain => {
    const repair = async (only: boolean) => {
      const report = await writing(terminal, call => chain.repair({ ...call, dropBodies, dryRun: only, onProgress }))
      terminal.status('')
      return report
    }
    const planned = await repair(true)
    const due = planned.repaired || (dropBodies && planned.bodies.length + planned.missing.length > 0)
    if (dryRun || !due) {
      await terminal.out(json ? jsonText(planned) : repairText(planned, dropBodies))
      return planned.faultCount > 0 ? DAMAGE_FOUND : 0
    }
    if (!values.yes) {
      terminal.say(repairText(planned, dropBodies).trimEnd())
      if (!(await saysYes('Repair the chain so?', terminal))) return tellUnchanged(terminal)
    }
    const report = await repair(false)
    await terminal.last(json ? jsonText(report) : repairText(report, dropBodies))
    if (report.signedAhead !== undefined) {
      terminal.say(
        `op-dbus: a head of ${plural(report.signedAhead, 'block', 'blocks')} was signed before: nothing more is, ` +
          'until the chain continues it\n' +
          '  to begin another log: op-dbus blockchain key --renew',
      )
    }
    const left = dropBodies ? 0 : report.bodies.length + report.missing.length
    return left > 0 ? DAMAGE_FOUND : 0
  })
}

/** What is damaged, and what becomes of it. */
export function repairText(report: RepairReport, dropBodies: boolean): string {
  const { dryRun, faults, faultCount, lines, size, cut, lost, repaired, bodies, block, missing, snapshot } = report
  if (faultCount === 0 && !repaired) return `${plural(size, 'block', 'blocks')}, and nothing to repair\n`
  const told = faults.slice(0, SHOWN).map(fault => {
    const where = fault.block === undefined ? '' : `block ${fault.block}: `
    return `  ${where}${oneLine(fault.message, 300)}`
  })
  if (faultCount > told.length) told.push(`  and ${count(faultCount - told.length)} more`)
  const kept = snapshot === undefined ? 'a snapshot' : `the snapshot ${visible(snapshot.name)}`
  const said = [`${plural(faultCount, 'fault', 'faults')} in ${plural(lines, 'line', 'lines')}:`, ...told]
  if (repaired) {
    const [stay, goes] = dryRun ? ['would stay', 'would be'] : [size === 1 ? 'stays' : 'stay', cut === 1 ? 'is' : 'are']
    said.push(
      `${plural(size, 'block', 'blocks')} ${stay}; ${plural(cut, 'line', 'lines')} ${goes} in ${kept} alone, with all the rest as it was`,
    )
    if (lost > 0) {
      const [were, are] = lost === 1 ? ['block was', 'is'] : ['blocks were', 'are']
      said.push(`${count(lost)} ${were} acknowledged and ${are} nowhere any more`)
    }
    if (size === 0) said.push(`nothing ${dryRun ? 'would be' : 'is'} left: the chain begins anew with the next block`)
  } else if (snapshot !== undefined) said.push(`all that was there is in ${kept}`)
  if (bodies.length > 0) {
    const which = oneLine(bodies.join(', '), 200)
    const next = block !== undefined ? `block ${block} says that they went` : dropBodies ? 'they would go' : LEFT
    said.push(`${plural(bodies.length, 'block', 'blocks')} with a damaged body (${which}): ${next}`)
  }
  if (missing.length > 0) {
    const which = oneLine(missing.join(', '), 200)
    const { missingBlock } = report
    const next =
      missingBlock !== undefined
        ? `block ${missingBlock} says so now`
        : dropBodies
          ? 'a block would say so'
          : '--drop-bodies adds a block that says so'
    said.push(
      `${plural(missing.length, 'block', 'blocks')} without a body, which nothing announced (${which}): ${next}`,
    )
  }
  return `${said.join('\n')}\n`
}

const LEFT = 'they stay as they are; --drop-bodies takes such bodies away'
