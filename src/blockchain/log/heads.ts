// What was signed, checked by anybody who has the verifier keys: heads and proofs. Opens no file. To be written by its owner.
import { OpDbusError } from '../../errors.js'
import type { SignedHead } from '../reports.js'

/**
 * A signed head (a C2SP checkpoint, or a file of a proof, which ends with one) that one of these keys signed.
 * @throws OpDbusError INVALID_INPUT for what is none, or was signed by none of these
 */
export function openHead(_text: string, _verifierKeys: readonly string[]): SignedHead {
  throw new OpDbusError('CLOSED', 'not built yet')
}

/**
 * That `entry` (the canonical JSON of a block's header) is in the log whose head was signed, by a `.tlog-proof` file.
 * @throws OpDbusError INVALID_INPUT for what is no proof of that
 */
export function checkProof(
  _proof: string,
  _entry: string,
  _verifierKeys: readonly string[],
): SignedHead & { readonly number: number } {
  throw new OpDbusError('CLOSED', 'not built yet')
}

/**
 * That the log of `proof` continues the saved head `head`; both are signed.
 * @throws OpDbusError INVALID_INPUT for what is no proof of that
 */
export function checkConsistency(_proof: string, _head: string, _verifierKeys: readonly string[]): SignedHead {
  throw new OpDbusError('CLOSED', 'not built yet')
}
