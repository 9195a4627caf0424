// `op-dbus blockchain proof|head|key`: what others need to check the chain without trusting who runs it.
import { plural, visible } from '../../../format.js'
import type { CommandCall } from '../../command.js'
import { jsonText } from '../telling.js'
import { type ChainValues, numberIn, oneOf, withChain } from './chain.js'
import { savedHead } from './head.js'
import { tellNewKey, withKey } from './new-key.js'
import { writeOutside } from './writing-out.js'

type ProofValues = ChainValues & { readonly head?: string; readonly output?: string; readonly entry?: boolean }
type KeyValues = ChainValues & { readonly name?: string; readonly renew?: boolean }

export async function proofCommand({ values, args, terminal }: CommandCall<ProofValues>): Promise<number> {
  const number = numberIn(oneOf(args, 'number of a block', 'proof'), 'block')
  const head = await savedHead(values.head, terminal)
  return withChain(values, terminal, async chain => {
    await withKey(chain, values, terminal)
    const proof = await chain.proof(number, { head, signal: terminal.signal })
    const text = values.json ? jsonText(proof) : values.entry ? proof.entry : proof.text
    const { consistency } = proof
    const { output } = values
    const beside = consistency !== undefined && !values.json && output !== undefined && output !== '-'
    const more = beside ? ([[`${output}.consistency`, consistency.text]] as const) : []
    await writeOutside([[output, text], ...more], chain, terminal)
    if (consistency !== undefined && !values.quiet) {
      terminal.say(`op-dbus: the chain continues the saved head of ${plural(consistency.from, 'block', 'blocks')}`)
    }
    return 0
  })
}

export async function headCommand({ values, terminal }: CommandCall<ProofValues>): Promise<number> {
  return withChain(values, terminal, async chain => {
    await withKey(chain, values, terminal)
    const head = await chain.checkpoint({ signal: terminal.signal })
    await writeOutside([[values.output, values.json ? jsonText(head) : head.text]], chain, terminal)
    return 0
  })
}

export async function keyCommand({ values, terminal }: CommandCall<KeyValues>): Promise<number> {
  return withChain(values, terminal, async chain => {
    const key = await chain.key({ origin: values.name, renew: values.renew, signal: terminal.signal })
    await terminal.out(values.json ? jsonText(key) : `${visible(key.verifierKey)}\n`)
    if (!values.quiet) tellNewKey(key, terminal)
    return 0
  })
}
