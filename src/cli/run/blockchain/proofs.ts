// `op-dbus blockchain proof|head|key`: what others need to check the chain without trusting who runs it.
import type { SignedHead } from '../../../blockchain.js'
import { plural, visible } from '../../../format.js'
import type { CommandCall } from '../../command.js'
import { writeOutput } from '../../output.js'
import type { Terminal } from '../../terminal.js'
import { jsonText } from '../telling.js'
import { type ChainValues, oneOf, withChain } from './chain.js'
import { savedHead } from './head.js'
import { blockIn } from './show.js'

type ProofValues = ChainValues & { readonly head?: string; readonly output?: string; readonly entry?: boolean }
type KeyValues = ChainValues & { readonly name?: string; readonly renew?: boolean }

export async function proofCommand({ values, args, terminal }: CommandCall<ProofValues>): Promise<number> {
  const which = oneOf(args, 'block: its number, its hash, or latest', 'proof')
  const head = await savedHead(values.head, terminal)
  return withChain(values, terminal, async chain => {
    const { number } = await blockIn(which, chain)
    const proof = await chain.proof(number, { head, signal: terminal.signal })
    const text = values.json ? jsonText(proof) : values.entry ? proof.entry : proof.text
    await write(text, values.output, terminal)
    if (!values.quiet) tellKey(proof.head, terminal)
    const { consistency } = proof
    if (consistency !== undefined && !values.json && values.output !== undefined && values.output !== '-') {
      await writeOutput(`${values.output}.consistency`, consistency.text, terminal)
    }
    if (consistency !== undefined && !values.quiet) {
      terminal.say(`op-dbus: the chain continues the saved head of ${plural(consistency.from, 'block', 'blocks')}`)
    }
    return 0
  })
}

export async function headCommand({ values, terminal }: CommandCall<ProofValues>): Promise<number> {
  return withChain(values, terminal, async chain => {
    const head = await chain.checkpoint({ signal: terminal.signal })
    await write(values.json ? jsonText(head) : head.text, values.output, terminal)
    if (!values.quiet) tellKey(head, terminal)
    return 0
  })
}

export async function keyCommand({ values, terminal }: CommandCall<KeyValues>): Promise<number> {
  return withChain(values, terminal, async chain => {
    const key = await chain.key({ origin: values.name, renew: values.renew, signal: terminal.signal })
    await terminal.out(values.json ? jsonText(key) : `${visible(key.verifierKey)}\n`)
    if (key.created && !values.quiet)
      terminal.say(`op-dbus: made a key for ${visible(key.origin)}; what signs lies in ${visible(key.file)}`)
    return 0
  })
}

/** That a call made the key: who is to check needs to know it, and the log's name cannot be chosen any more. */
export function tellKey({ origin, keyMade }: SignedHead, terminal: Terminal): void {
  if (!keyMade) return
  terminal.say(
    `op-dbus: made the log's key, and called the log ${visible(origin)}; others check with what "op-dbus blockchain key" prints`,
  )
}

async function write(text: string, path: string | undefined, terminal: Terminal): Promise<void> {
  if (path === undefined) await terminal.out(text)
  else await writeOutput(path, text, terminal)
}
