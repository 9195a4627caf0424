// Blocks by number, by hash and the latest, from memory first. To be written by its owner.
import { OpDbusError } from '../errors.js'
import type { Block } from './block.js'

export class CachedBlocks {
  async get(_which: number | string): Promise<Block | undefined> {
    throw new OpDbusError('CLOSED', 'not built yet')
  }

  view(_number: number): Block | undefined {
    return undefined
  }

  async range(_from: number, _to: number): Promise<readonly Block[]> {
    throw new OpDbusError('CLOSED', 'not built yet')
  }
}
