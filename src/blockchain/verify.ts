// Whether a chain is what was written. To be written by its owner.
import { OpDbusError } from '../errors.js'
import type { ChainParts } from './chain-parts.js'
import type { VerifyCall, VerifyReport } from './reports.js'

export async function verifyChain(_parts: ChainParts, _call: VerifyCall): Promise<VerifyReport> {
  throw new OpDbusError('CLOSED', 'not built yet')
}
