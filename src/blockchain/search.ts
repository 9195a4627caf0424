// Blocks by meaning and by text. To be written by its owner.
import { OpDbusError } from '../errors.js'
import type { ChainParts } from './chain-parts.js'
import type { SearchCall, SearchReport } from './reports.js'

export async function searchBlocks(_parts: ChainParts, _text: string, _call: SearchCall): Promise<SearchReport> {
  throw new OpDbusError('CLOSED', 'not built yet')
}
