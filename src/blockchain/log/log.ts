// The log that the chain is to strangers: its key, and the heads that it signs. To be written by its owner.
import { OpDbusError } from '../../errors.js'
import type { ChainParts } from '../chain-parts.js'
import type { KeyCall, LogKey, SignedHead } from '../reports.js'

export async function logKey(_parts: ChainParts, _call: KeyCall): Promise<LogKey> {
  throw new OpDbusError('CLOSED', 'not built yet')
}

export async function signedHead(_parts: ChainParts, _signal?: AbortSignal): Promise<SignedHead> {
  throw new OpDbusError('CLOSED', 'not built yet')
}
