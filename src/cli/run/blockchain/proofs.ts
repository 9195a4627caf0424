// `op-dbus blockchain proof|head|key`: what others need to check the chain without trusting who runs it.
import type { SignedHead } from '../../../blockchain.js'
import { plural, visible } from '../../../format.js'
import type { CommandCall } from '../../command.js'
import type { Terminal } from '../../terminal.js'
import { jsonText } from '../telling.js'
import { type ChainValues, oneOf, withChain } from './chain.js'
import { savedHead } from './head.js'
import { blockIn } from './show.js'
import { writeOutside } from './writing-out.js'

type ProofValues = ChainValues & { readonly head?: string; readonly output?: string; readonly entry?: boolean }
type KeyValues = ChainValues & { readonly name?: string; readonly renew?: boolean }

export async function proofCommand({ values, args, terminal }: CommandCall<ProofValues>): Promise<number> {
  const which = oneOf(args, 'block: its number, its hash, or latest', 'proof')
  const head = await savedHead(values.head, terminal)
  return withChain(values, terminal, async chain => {
    const { number } = await blockIn(which, chain)
    const proof = await chain.proof(number, { head, signal: terminal.signal })
    const text = values.json ? jsonText(proof) : values.entry ? proof.entry : proof.text
    const { consistency } = proof
    const { output } = values
    const beside = consistency !== undefined && !values.json && output !== undefined && output !== '-'
    const more = beside ? ([[`${output}.consistency`, consistency.text]] as const) : []
    await writeOutside([[output, text], ...more], chain, terminal)
    if (!values.quiet) tellKey(proof.head, terminal)
    if (consistency !== undefined && !values.quiet) {
      terminal.say(`op-dbus: the chain continues the saved head of ${plural(consistency.from, 'block', 'blocks')}`)
    }
    return 0
  })
}

export async function headCommand({ values, terminal }: CommandCall<ProofValues>): Promise<number> {
  return withChain(values, terminal, async chain => {
    const head = await chain.checkpoint({ signal: terminal.signal })
    await writeOutside([[values.output, values.json ? jsonText(head) : head.text]], chain, terminal)
    if (!values.quiet) tellKey(head, terminal)
    return 0
  })
}

export async function keyCommand({ values, terminal }: CommandCall<KeyValues>): Promise<number> {
  return withChain(values, terminal, async chain => {
    const key = await chain.key({ origin: values.name, renew: values.renew, signal: terminal.signal })
    await terminal.out(values.json ? jsonText(key) : `${visible(key.verifierKey)}\n`)
    if (key.created && !values.quiet)
      terminal.say(`op-dbus: made a key for ${visible(key.origin)}; its private half is ${visible(key.file)}`)
    return 0
  })
}

/** That a call made the key: who is to check needs to know it, and the log's name cannot be chosen any more. */
export function tellKey({ origin, keyMade }: SignedHead, terminal: Terminal): void {
  if (!keyMade) return
  terminal.say(
    `op-dbus: made the log's key, and called the log ${visible(origin)}; others check with what "op-dbus blockchain key" prints\n` +
      '  to give it a name of yours: op-dbus blockchain key --renew --name example.org/log',
  )
}
