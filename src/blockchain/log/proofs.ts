// Proofs for strangers: that a block is in the chain, and that the chain continues an earlier one. Each is checked before it is handed out.
import { OpDbusError } from '../../errors.js'
import { visible } from '../../format.js'
import type { ChainParts } from '../chain-parts.js'
import { headerJson } from '../line.js'
import { isContinued, isIncluded } from '../merkle.js'
import type { BlockProof, ConsistencyProof, ProofCall, SignedHead } from '../reports.js'
import { steadily } from '../steadily.js'
import { consistencyText, openHead, proofText, treeOf } from './heads.js'
import { knownKeys } from './known-keys.js'
import { signedHead } from './log.js'
import { leadsTo } from './signed-root.js'

/** @throws OpDbusError INVALID_INPUT, CONFLICT, CHAIN_DAMAGED, STORE, ABORTED */
export function proveBlock(parts: ChainParts, which: number | string, call: ProofCall): Promise<BlockProof> {
  return steadily(parts.store, () => proofOf(parts, which, call))
}

async function proofOf(parts: ChainParts, which: number | string, call: ProofCall): Promise<BlockProof> {
  const old = call.head === undefined ? undefined : openHead(call.head, knownKeys(parts))
  if (typeof which === 'number' && !(Number.isSafeInteger(which) && which >= 0))
    throw new OpDbusError('INVALID_INPUT', `${which} is no block's number`)
  const found = typeof which === 'number' ? which : (await parts.blocks.get(which))?.number
  const block = found === undefined ? undefined : parts.store.read(found)
  if (block === undefined) throw noSuchBlock(which, parts.store.size())
  const { number } = block
  const head = await signedHead(parts, call.signal, Math.max(number + 1, old?.size ?? 0))
  await leadsTo(parts, head)
  const path = await parts.tree.inclusion(number, head.size)
  if (!isIncluded(Buffer.from(block.hash, 'hex'), number, treeOf(head), bytesOf(path))) {
    throw new OpDbusError('CHAIN_DAMAGED', `block ${number} is not the one that the head was signed for`, {
      details: { block: number },
    })
  }
  const consistency = old && (await continuation(parts, old, head))
  const { hash, header } = block
  const text = proofText(number, path, head)
  return { number, hash, entry: headerJson(header), head, path, text, ...(consistency && { consistency }) }
}

/** @throws OpDbusError INVALID_INPUT, CONFLICT, CHAIN_DAMAGED, STORE, ABORTED */
export async function proveConsistency(
  parts: ChainParts,
  head: string,
  call: Pick<ProofCall, 'signal'>,
): Promise<ConsistencyProof> {
  const old = openHead(head, knownKeys(parts))
  return steadily(parts.store, async () => continuation(parts, old, await signedHead(parts, call.signal, old.size)))
}

async function continuation(parts: ChainParts, old: SignedHead, head: SignedHead): Promise<ConsistencyProof> {
  await leadsTo(parts, head)
  const path = old.size > head.size ? undefined : await parts.tree.consistency(old.size, head.size)
  if (path === undefined || !isContinued(treeOf(old), treeOf(head), bytesOf(path))) {
    throw new OpDbusError(
      'CHAIN_DAMAGED',
      `the chain of ${head.size} blocks does not continue the saved head of ${old.size}: blocks were changed, or taken away, or the head is of a copy of this chain that went on by itself`,
      { details: { head: old.size, size: head.size } },
    )
  }
  return { from: old.size, head, path, text: consistencyText(old.size, path, head) }
}

function noSuchBlock(which: number | string, size: number): OpDbusError {
  const there = size === 0 ? 'the chain has no block yet' : `there are blocks 0 to ${size - 1}`
  return new OpDbusError('INVALID_INPUT', `there is no block ${visible(String(which))}\n${there}`)
}

function bytesOf(path: readonly string[]): Buffer[] {
  return path.map(hash => Buffer.from(hash, 'hex'))
}
