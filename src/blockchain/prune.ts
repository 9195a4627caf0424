// Bodies taken away that no rule keeps. To be written by its owner.
import { OpDbusError } from '../errors.js'
import type { ChainParts } from './chain-parts.js'
import type { PruneCall, PruneReport } from './reports.js'

export async function pruneChain(_parts: ChainParts, _call: PruneCall): Promise<PruneReport> {
  throw new OpDbusError('CLOSED', 'not built yet')
}
