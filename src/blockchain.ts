// Composition root of the chain, on Node: its store, and what stands on it. Opens no file of the chain: that is for the first question.
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CachedBlocks } from './blockchain/cached-blocks.js'
import { Chain } from './blockchain/chain.js'
import { ChainVectors, type OlderEmbeddings } from './blockchain/chain-vectors.js'
import { openBlockIndex } from './blockchain/store/index-files.js'
import { layoutOf } from './blockchain/store/layout.js'
import { firstHash, openBlockStore } from './blockchain/store/open.js'
import { finishCutOff } from './blockchain/store/restoring.js'
import type { SpaceRecord } from './blockchain/store/vector-files.js'
import { VectorFolder } from './blockchain/store/vector-folder.js'
import { openTree } from './blockchain/tree.js'
import { timer } from './cache/within.js'
import { readChainConfig } from './config.js'
import { OpDbusError } from './errors.js'
import { cachesFor } from './node/given-caches.js'
import type { OpenOptions } from './node/options.js'
import { crc32, nodeClock, nodeHash, timer as quietTimer } from './node/runtime.js'
import { splitOptions } from './node/split-options.js'
import { dataDirOf } from './node/state-options.js'
import type { Caches } from './public.js'
import type { ChainSettings } from './settings.js'

export type {
  Block,
  BlockBody,
  BlockHeader,
  Footprint,
  FootprintInput,
} from './blockchain/block.js'
export type { Chain } from './blockchain/chain.js'
export { checkConsistency, checkProof, openHead } from './blockchain/log/heads.js'
export type { WriteCall } from './blockchain/ports.js'
export type * from './blockchain/repair-reports.js'
export type * from './blockchain/reports.js'
export { ERROR_CODES, type ErrorCode, isOpDbusError, OpDbusError } from './errors.js'
export type { JsonObject, JsonValue } from './json/json.js'
export type { OpenOptions } from './node/options.js'
export type { CallOptions } from './ports.js'
export type { Caches } from './public.js'
export type { ChainSettings } from './settings.js'

export interface ChainOptions extends OpenOptions, ChainSettings {
  /**
   * Caches that are open already, instead of options for them (`onWarning` is one of those). They stay open when the chain is closed. Their
   * `on` tells what happens to the chain as well.
   */
  readonly caches?: Caches | undefined
}

/**
 * Opens the chain of this machine, or of `dataDir`. Makes no file: the first block does. A restore that was cut off is finished.
 *
 * Call `close()` when done. Without it the process ends all the same, since nothing here keeps it alive, and what was acknowledged is on
 * the disk; only vectors that were not made yet wait for the next process.
 * @throws OpDbusError INVALID_INPUT for an option that is not what its type says, and where there is no folder to keep a chain in
 */
export async function openChain(options: ChainOptions = {}): Promise<Chain> {
  const { caches: given, ...settings } = options
  const { own, ofCaches } = splitOptions('chain', settings, ['caches'])
  const early: string[] = []
  const config = readChainConfig(own, process.env, message => early.push(message))
  const dataDir = dataDirOf(config)
  if (dataDir === undefined) {
    throw new OpDbusError('INVALID_INPUT', 'there is no folder to keep a chain in\nset OPDBUS_DATA_DIR or dataDir')
  }
  const { caches, release } = await cachesFor(given, ofCaches)
  const { diagnostics } = caches
  const { warn } = diagnostics
  for (const message of early) warn(message)
  const clock = nodeClock()
  const layout = layoutOf(join(dataDir, 'blockchain'))
  const { dir } = layout
  const indexDir = caches.dir === undefined ? undefined : join(caches.dir, 'blocks')
  const index = openBlockIndex({ dir: indexDir, chain: () => firstHash(dir), clock, hash: nodeHash, crc32, warn })
  const store = openBlockStore({
    dir,
    clock,
    warn,
    lock: {
      sleep: (ms, signal) => sleep(ms, undefined, { signal }),
      monotonic: () => clock.monotonic(),
      id: () => nodeHash.random(8),
    },
    timer,
    quietTimer,
    index,
  })
  await finishCutOff(store)
  const tree = openTree(store, { dir: layout.tree, warn })
  return new Chain({
    store,
    tree,
    index,
    blocks: new CachedBlocks({ store, tree, cache: caches.blocks, clock }),
    vectors: new ChainVectors({
      store,
      embeddings: caches.embeddings,
      folder: new VectorFolder(layout.vectors),
      timer: quietTimer,
      warn,
      openKernels: async () => (await import('./kernels.js')).openKernels(),
      openOlder: record => openOlder(record, { ...ofCaches, dir: caches.dir }),
    }),
    clock,
    warn,
    diagnostics,
    retention: {
      hourly: config.retainHourly,
      daily: config.retainDaily,
      weekly: config.retainWeekly,
      quarterly: config.retainQuarterly,
    },
    ...(config.logName !== undefined && { logName: config.logName }),
    snapshotsDir: join(dataDir, 'snapshots'),
    release,
  })
}

/** What made the vectors of blocks before another model was chosen. It is not fetched again, and nothing stands in for it. */
async function openOlder({ model }: SpaceRecord, options: OpenOptions): Promise<OlderEmbeddings> {
  if (model === undefined) throw new OpDbusError('MODEL_NOT_FOUND', 'an embedder that was given made them')
  const { embedder: _, ...rest } = options
  const caches = await (await import('./node.js')).openCaches({ ...rest, model, fallback: false, offline: true })
  return { embeddings: caches.embeddings, close: () => caches.close() }
}
