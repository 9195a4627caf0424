// What an import reads, and what comes of it.
import { OpDbusError } from '../../errors.js'
import type { ChainParts } from '../chain-parts.js'
import type { ImportCall, ImportReport } from '../reports.js'

export async function importBlocks(
  _parts: ChainParts,
  _source: string | AsyncIterable<Uint8Array>,
  _call: ImportCall,
): Promise<ImportReport> {
  throw new OpDbusError('CLOSED', 'not built yet')
}
