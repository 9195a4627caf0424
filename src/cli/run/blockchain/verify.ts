// `op-dbus blockchain verify`: whether the chain is what was written, a line for each fault.
import { OpDbusError } from '../../../errors.js'
import { faultText, verifyText } from '../../chain-text.js'
import type { CommandCall } from '../../command.js'
import { DAMAGE_FOUND } from '../../exit-codes.js'
import { jsonText, wantsJson } from '../telling.js'
import { type ChainValues, progress, withChain } from './chain.js'
import { savedHead, verifierKeys } from './head.js'

interface Values extends ChainValues {
  readonly full?: boolean
  readonly vectors?: boolean
  readonly head?: string
  readonly key?: string
}

export async function verifyCommand({ values, terminal }: CommandCall<Values>): Promise<number> {
  const json = wantsJson(values, terminal)
  if (values.key !== undefined && values.head === undefined) {
    throw new OpDbusError('INVALID_INPUT', '--key says who signed a saved head: it goes with --head')
  }
  const head = await savedHead(values.head, terminal)
  const keys = await verifierKeys(values.key, terminal)
  return withChain(values, terminal, async chain => {
    const report = await chain.verify({
      full: values.full,
      vectors: values.vectors,
      head,
      keys,
      signal: terminal.signal,
      onProgress: progress(values, terminal),
    })
    terminal.status('')
    if (json) await terminal.out(jsonText(report))
    else {
      const faults = report.faults.map(fault => `${faultText(fault)}\n`).join('')
      if (!(report.ok && values.quiet)) await terminal.out(faults + verifyText(report))
    }
    return report.ok ? 0 : DAMAGE_FOUND
  })
}
