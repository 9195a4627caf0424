// Blocks one after the other: the newest that fit, or all from one on. To be written by its owner.
import { OpDbusError } from '../errors.js'
import type { Block } from './block.js'
import type { BlockReader } from './ports.js'
import type { ListCall, StreamCall } from './reports.js'

export async function listBlocks(_reader: BlockReader, _call: ListCall): Promise<readonly Block[]> {
  throw new OpDbusError('CLOSED', 'not built yet')
}

export function streamBlocks(_reader: BlockReader, _call: StreamCall): AsyncIterableIterator<Block> {
  throw new OpDbusError('CLOSED', 'not built yet')
}
