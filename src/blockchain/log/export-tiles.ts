// The chain as a folder of C2SP tlog-tiles. To be written by its owner.
import { OpDbusError } from '../../errors.js'
import type { ChainParts } from '../chain-parts.js'
import type { TilesCall, TilesReport } from '../reports.js'

export async function exportTiles(_parts: ChainParts, _dir: string, _call: TilesCall): Promise<TilesReport> {
  throw new OpDbusError('CLOSED', 'not built yet')
}
