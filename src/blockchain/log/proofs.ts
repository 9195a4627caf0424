// Proofs for strangers: that a block is in the chain, and that the chain continues an earlier one. To be written by its owner.
import { OpDbusError } from '../../errors.js'
import type { ChainParts } from '../chain-parts.js'
import type { BlockProof, ConsistencyProof, ProofCall } from '../reports.js'

export async function proveBlock(_parts: ChainParts, _number: number, _call: ProofCall): Promise<BlockProof> {
  throw new OpDbusError('CLOSED', 'not built yet')
}

export async function proveConsistency(
  _parts: ChainParts,
  _head: string,
  _call: Pick<ProofCall, 'signal'>,
): Promise<ConsistencyProof> {
  throw new OpDbusError('CLOSED', 'not built yet')
}
