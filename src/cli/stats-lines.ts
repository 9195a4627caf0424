// The strategy's four lines, in its format. Pure: the command line prints them, the playground shows them.
import type { OneCacheStats, Stats } from '../node.js'
import { commas } from './render.js'

export function fourLines({ embeddings, blocks, queries, diffs }: Stats): string[] {
  return [
    `Embedding Cache: ${fill(embeddings, 'entries')}, ${hitRate(embeddings)})`,
    `Block Cache: ${fill(blocks, 'blocks')}, ${hitRate(blocks)})`,
    `Query Cache: ${commas(held(queries))} / ∞ entries (${queries.ttl}s TTL, ${hitRate(queries)})`,
    `Diff Cache: ${fill(diffs, 'entries')})`,
  ]
}

/** `8,432 / 10,000 entries (84% full`, left open for what follows. */
function fill(cache: OneCacheStats, what: string): string {
  const { capacity } = cache.memory
  const size = held(cache)
  const full = capacity > 0 ? Math.round((100 * size) / capacity) : 0
  return `${commas(size)} / ${commas(capacity)} ${what} (${capacity > 0 ? `${full}% full` : 'off'}`
}

/** Entries in memory; in a process that holds none, what a start would load from disk. */
function held({ memory, onDisk }: OneCacheStats): number {
  return memory.size > 0 ? memory.size : Math.min(onDisk?.entries ?? 0, memory.capacity)
}

function hitRate({ lifetime }: OneCacheStats): string {
  const lookUps = lifetime.hits + lifetime.misses
  return `${lookUps > 0 ? `${Math.round(100 * lifetime.hitRate)}%` : 'n/a'} hit rate`
}
