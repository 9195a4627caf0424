// What tests of prune, snapshots and restore need: the parts of a chain on a folder, with small segments and a clock that a test moves.
import { join } from 'node:path'
import type { Block } from '../../src/blockchain/block.js'
import type { ChainParts } from '../../src/blockchain/chain-parts.js'
import { draftOf } from '../../src/blockchain/footprint.js'
import type { BlockStore } from '../../src/blockchain/ports.js'
import { openBlockIndex } from '../../src/blockchain/store/index-files.js'
import { firstHash } from '../../src/blockchain/store/open.js'
import { openTree } from '../../src/blockchain/tree.js'
import { Diagnostics } from '../../src/diagnostics.js'
import { crc32, hash, TestClock } from '../support.js'
import { testStore } from './store-parts.js'

export const DAY_MS = 86_400_000

export interface KeepParts extends ChainParts {
  readonly clock: TestClock
  readonly diagnostics: Diagnostics
  /** Blocks whose vectors were to be forgotten. */
  readonly gone: number[]
  readonly warnings: string[]
}

/** What `keep-child.ts` is told. */
export interface KeepTask {
  readonly dataDir: string
  readonly work: 'prune' | 'snapshot' | 'restore' | 'repair'
  /** Which call; 0: none. */
  readonly killAt: number
  readonly segmentBytes: number
}

/** As many as processes: parts over one folder see one another through the disk alone. */
export function keepParts(dataDir: string, segmentBytes = 4000, clock = new TestClock()): KeepParts {
  const dir = join(dataDir, 'blockchain')
  const index = openBlockIndex({
    dir: join(dataDir, 'cache'),
    chain: () => firstHash(dir),
    clock,
    hash,
    crc32,
    warn: () => {},
  })
  const { store, warnings } = testStore(dataDir, { segmentBytes, index, clock })
  const gone: number[] = []
  return {
    store,
    index,
    clock,
    gone,
    warnings,
    diagnostics: new Diagnostics(),
    retention: { hourly: 0, daily: 0, weekly: 0, quarterly: 0 },
    snapshotsDir: join(dataDir, 'snapshots'),
    vectors: { stats: () => [], forget: async (numbers: Iterable<number>) => void gone.push(...numbers) } as never,
    tree: openTree(store, { dir: join(dir, 'tree'), warn: () => {} }),
    blocks: { stats: async () => ({ blocks: 0, capacity: 0, hits: 0, misses: 0 }) } as never,
    warn: message => void warnings.push(message),
    release: async () => {},
  }
}

/** Appends blocks that name their number and round, one a call. */
export async function fill({ store }: Pick<ChainParts, 'store'>, count: number, round = 'first'): Promise<void> {
  for (let left = count; left > 0; left--) {
    const number = store.size()
    await store.append([
      draftOf(
        {
          plugin_id: 'net',
          operation: 'apply',
          timestamp: 1_700_000_000,
          data: { number, round },
          text: `${round} ${number}`,
        },
        0,
      ),
    ])
  }
}

export async function all(store: BlockStore): Promise<Block[]> {
  const blocks: Block[] = []
  for await (const piece of store.scan(0)) blocks.push(...piece)
  return blocks
}

export const hashes = (blocks: readonly Block[]): string[] => blocks.map(block => block.hash)
