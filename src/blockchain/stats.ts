// What the chain is made of, in numbers. To be written by its owner.
import { OpDbusError } from '../errors.js'
import type { ChainParts } from './chain-parts.js'
import type { ChainStats, StatsCall } from './reports.js'

export async function statsOf(_parts: ChainParts, _call: StatsCall): Promise<ChainStats> {
  throw new OpDbusError('CLOSED', 'not built yet')
}
