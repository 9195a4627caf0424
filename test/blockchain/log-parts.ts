// A chain in memory, with what a log keeps in a folder: for tests of trees, keys, proofs and tiles.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { ChainParts } from '../../src/blockchain/chain-parts.js'
import { openTree } from '../../src/blockchain/tree.js'
import { TestClock } from '../support.js'
import { MemoryDisk, MemoryStore } from './memory-store.js'

export interface LogParts extends ChainParts {
  readonly store: MemoryStore
  readonly disk: MemoryDisk
  readonly warnings: string[]
}

/** As a process has it that has just opened the chain in `dir`. */
export function logParts(dir: string, disk = new MemoryDisk()): LogParts {
  const folder = join(dir, 'blockchain')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const warnings: string[] = []
  const warn = (message: string) => void warnings.push(message)
  const store = new MemoryStore(disk, folder)
  const tree = openTree(store, { dir: join(folder, 'tree'), warn })
  const clock = new TestClock()
  const snapshotsDir = join(dir, 'snapshots')
  const parts = { store, disk, tree, clock, warn, warnings, snapshotsDir, release: async () => {} }
  // Nothing here asks for blocks by hash, or for vectors.
  return parts as unknown as LogParts
}
