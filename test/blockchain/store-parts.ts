// What tests of the store need: a store on a folder, and drafts for it.
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Block, Draft } from '../../src/blockchain/block.js'
import { draftOf } from '../../src/blockchain/footprint.js'
import type { BlockReader, BlockStore } from '../../src/blockchain/ports.js'
import { openBlockStore, type StoreOptions } from '../../src/blockchain/store/open.js'
import { timer } from '../../src/cache/within.js'
import { nodeClock, timer as quietTimer } from '../../src/node/runtime.js'
import { hash } from '../support.js'

export interface TestStore {
  readonly store: BlockStore
  readonly warnings: string[]
}

export function testStore(dataDir: string, options: Partial<StoreOptions> = {}): TestStore {
  const warnings: string[] = []
  const clock = nodeClock()
  const store = openBlockStore({
    dir: join(dataDir, 'blockchain'),
    clock,
    warn: message => warnings.push(message),
    lock: {
      sleep: (ms, signal) => sleep(ms, undefined, { signal }),
      monotonic: () => clock.monotonic(),
      id: () => hash.random(8),
    },
    timer,
    quietTimer,
    ...options,
  })
  return { store, warnings }
}

export function draft(what: unknown): Draft {
  return draftOf({ plugin_id: 'net', operation: 'create', timestamp: 1_700_000_000, data: { what } as never }, 0)
}

export function drafts(count: number, from = 0): Draft[] {
  return Array.from({ length: count }, (_, at) => draft(from + at))
}

export async function allBlocks(reader: BlockReader, from = 0, to?: number): Promise<Block[]> {
  const blocks: Block[] = []
  for await (const piece of reader.scan(from, to)) blocks.push(...piece)
  return blocks
}
