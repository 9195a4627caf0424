// Composition root of the chain, on Node. To be written by its owner.
import type { Chain } from './blockchain/chain.js'
import { OpDbusError } from './errors.js'
import type { OpenOptions } from './node/options.js'
import type { Caches } from './public.js'
import type { ChainSettings } from './settings.js'

export type { Block, BlockBody, BlockHeader, Footprint, FootprintInput } from './blockchain/block.js'
export type { Chain } from './blockchain/chain.js'
export type { WriteCall } from './blockchain/ports.js'
export type * from './blockchain/reports.js'
export type * from './blockchain/upkeep-reports.js'

export interface ChainOptions extends OpenOptions, ChainSettings {
  readonly caches?: Caches | undefined
}

export async function openChain(_options: ChainOptions = {}): Promise<Chain> {
  throw new OpDbusError('CLOSED', 'not built yet')
}
