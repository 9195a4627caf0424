// `op-dbus blockchain list|show|follow`: blocks as they are.
import type { Block, Chain } from '../../../blockchain.js'
import { OpDbusError } from '../../../errors.js'
import { plural, visible } from '../../../format.js'
import { blockLine, blocksText, blockText } from '../../chain-text.js'
import type { CommandCall } from '../../command.js'
import type { Terminal } from '../../terminal.js'
import { jsonText, lookOf, wantsJson } from '../telling.js'
import { type ChainValues, countIn, type FilterValues, filterOf, numberIn, oneOf, withChain } from './chain.js'

const NO_BLOCK = 'the chain has no block yet'

type ListValues = ChainValues & FilterValues & { readonly limit?: string }
type FollowValues = ChainValues & { readonly from?: string }

export async function listCommand({ values, terminal }: CommandCall<ListValues>): Promise<number> {
  const json = wantsJson(values, terminal)
  const limit = countIn(values.limit, 'limit', 20)
  const filter = filterOf(values)
  return withChain(values, terminal, async chain => {
    const blocks = await chain.list({ ...filter, limit, signal: terminal.signal })
    await terminal.out(json ? blocks.map(jsonLine).join('') : blocksText(blocks, lookOf(terminal)))
    if (blocks.length === 0 && !json && !values.quiet) tellNone(chain.size(), terminal)
    return 0
  })
}

export async function showCommand({ values, args, terminal }: CommandCall<ChainValues>): Promise<number> {
  const which = oneOf(args, 'block: its number, its hash, or latest', 'show')
  const json = wantsJson(values, terminal)
  return withChain(values, terminal, async chain => {
    const block = await blockIn(which, chain)
    await terminal.out(json ? jsonText(block) : blockText(block, lookOf(terminal)))
    return 0
  })
}

/** Until the signal fires, which is how it ends. */
export async function followCommand({ values, terminal }: CommandCall<FollowValues>): Promise<number> {
  const json = wantsJson(values, terminal)
  const from = values.from === undefined ? undefined : numberIn(values.from, '--from')
  return withChain(values, terminal, async chain => {
    const look = lookOf(terminal)
    const waits = () => {
      if (!values.quiet) terminal.status('waiting for blocks; Ctrl+C ends it')
    }
    waits()
    // Nothing of it is left behind, however this ends.
    try {
      for await (const block of chain.stream({
        ...(from !== undefined && { from }),
        follow: true,
        signal: terminal.signal,
      })) {
        terminal.status('')
        await terminal.out(json ? jsonLine(block) : `${blockLine(block, look)}\n`)
        waits()
      }
    } finally {
      terminal.status('')
    }
    return 0
  })
}

/** A block as a program reads it, on a line. */
export function jsonLine(block: Block): string {
  return jsonText(block, 'line')
}

/** The block that an argument names: by its number, its hash or the beginning of that, or as the latest. @throws OpDbusError INVALID_INPUT */
export async function blockIn(which: string, chain: Chain): Promise<Block> {
  const block = await found(which, chain)
  if (block === undefined) throw noSuchBlock(which, chain.size())
  return block
}

/** Digits alone are a number; a hash may begin with digits alone as well, where there is no block of that number. */
async function found(which: string, chain: Chain): Promise<Block | undefined> {
  const block = /^\d{1,15}$/.test(which) ? await chain.getBlock(Number(which)) : undefined
  if (block !== undefined || /^\d{1,3}$/.test(which)) return block
  return chain.getBlock(which.toLowerCase())
}

function noSuchBlock(which: string, size: number): OpDbusError {
  if (size === 0) return new OpDbusError('INVALID_INPUT', `${NO_BLOCK}\nop-dbus blockchain add - adds one`)
  const what = /^\d{4,}$/.test(which) ? 'no block has this number, and no hash begins so' : 'there is no such block'
  return new OpDbusError('INVALID_INPUT', `${what}: ${visible(which)}\nthere are blocks 0 to ${size - 1}`)
}

/** Why a list is empty. */
export function tellNone(size: number, terminal: Terminal): void {
  terminal.say(
    size === 0
      ? `op-dbus: ${NO_BLOCK}; op-dbus blockchain add - adds one`
      : `op-dbus: no block fits, of ${plural(size, 'block', 'blocks')}`,
  )
}
