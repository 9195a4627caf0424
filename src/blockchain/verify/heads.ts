// Heads that the chain has to continue: the one that somebody saved, and the last that was signed here. Compares nothing itself.
import { OpDbusError } from '../../errors.js'
import type { ChainParts } from '../chain-parts.js'
import { openHead } from '../log/heads.js'
import { knownKeys } from '../log/known-keys.js'

export interface ComparedHead {
  /** For people. */
  readonly name: string
  readonly size: number
  readonly root: string
  /** The caller's. */
  readonly saved: boolean
}

/** @throws OpDbusError INVALID_INPUT where the saved head is none, or was signed by nobody that this chain knows */
export async function headsToCompare(parts: ChainParts, saved: string | undefined): Promise<ComparedHead[]> {
  if (saved === undefined) return []
  if (typeof saved !== 'string') throw new OpDbusError('INVALID_INPUT', 'a head is the text of a signed checkpoint')
  const { size, root } = openHead(saved, await knownKeys(parts))
  return [{ name: 'the saved head', size, root, saved: true }]
}
