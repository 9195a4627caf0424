// Blocks of the chain as JSON Lines. Writes nowhere itself.
import { OpDbusError } from '../../errors.js'
import type { ChainParts } from '../chain-parts.js'
import type { ExportCall, ExportReport } from '../reports.js'

export async function exportBlocks(
  _parts: ChainParts,
  _write: (lines: string) => void | Promise<void>,
  _call: ExportCall,
): Promise<ExportReport> {
  throw new OpDbusError('CLOSED', 'not built yet')
}
