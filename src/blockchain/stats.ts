// What the chain is made of, in numbers: counted by one walk over the blocks. Changes nothing, and opens no model.
import { throwIfAborted } from '../errors.js'
import { bytesIn } from '../fs/folders.js'
import { NO_PREVIOUS } from './block.js'
import type { ChainParts } from './chain-parts.js'
import { lastSigned } from './log/checkpoint-file.js'
import type { ChainStats, StatsCall } from './reports.js'
import { listNames } from './snapshots.js'
import { layoutOf, segmentsIn } from './store/layout.js'

export async function statsOf(parts: ChainParts, { signal, onProgress }: StatsCall): Promise<ChainStats> {
  const { store } = parts
  const layout = layoutOf(store.dir)
  store.mustBeWhole?.()
  const size = store.size()
  const plugins = new Map<string, number>()
  const operations = new Map<string, number>()
  let pruned = 0
  let hash = NO_PREVIOUS
  let first: number | undefined
  let last: number | undefined
  for await (const blocks of store.scan(0, size)) {
    throwIfAborted(signal)
    for (const { header, body } of blocks) {
      if (body === undefined) pruned++
      plugins.set(header.plugin, (plugins.get(header.plugin) ?? 0) + 1)
      operations.set(header.operation, (operations.get(header.operation) ?? 0) + 1)
    }
    first ??= blocks[0]!.header.timestamp
    last = blocks.at(-1)!.header.timestamp
    hash = blocks.at(-1)!.hash
    onProgress?.(blocks.at(-1)!.number + 1, size)
  }
  const signed = lastSigned(store.dir)
  const index = parts.index?.size() ?? { blocks: 0, bytes: 0 }
  return {
    size,
    hash,
    bytes: await bytesIn(layout.timing),
    segments: segmentsIn(layout).length,
    pruned,
    ...(first !== undefined && { first }),
    ...(last !== undefined && { last }),
    plugins: mostFirst(plugins),
    operations: mostFirst(operations),
    snapshots: (await listNames(parts)).length,
    derived: { tree: await bytesIn(layout.tree), vectors: await bytesIn(layout.vectors), index: index.bytes },
    indexed: index.blocks,
    vectors: await parts.vectors.stats(),
    cache: await parts.blocks.stats(),
    ...(signed && { log: signed.origin, signed: signed.size }),
  }
}

/** But for names that are whole numbers, which every object has first. */
function mostFirst(counts: ReadonlyMap<string, number>): ChainStats['plugins'] {
  return Object.fromEntries([...counts].sort(([one, a], [other, b]) => b - a || (one < other ? -1 : 1)))
}
