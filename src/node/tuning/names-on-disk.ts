// Names of embeddings on disk, of one space, for who has no memory to load them into: which of them are there, where a trace says that they were
// asked for, and reading them once. Part of the Node root; writes nothing.
import { setImmediate } from 'node:timers/promises'
import { vecBytes } from '../../caches/embedding-record.js'
import { throwIfAborted } from '../../errors.js'
import type { Key, Space, Warn } from '../../ports.js'
import { openSegmentStore, type SegmentStore } from '../../stores/segments.js'
import { CACHE_ORDER, keyOfHash, type Requests } from '../../tuning/requests.js'
import { foldersIn } from '../disk.js'
import { crc32, nodeClock, nodeHash } from '../runtime.js'
import { countOf, packNames } from './names.js'

/** Records that are read at once. */
const READ = 512

/** The vectors of a space in the cache folder `dir`, to be read alone. Close it when done. */
export function openSpace(
  dir: string,
  { space, dims }: { readonly space: string; readonly dims: number },
  warn: Warn,
): SegmentStore {
  const place = {
    dir: foldersIn(dir).embeddings,
    space: space as Space,
    description: {},
    dims,
    valueBytes: vecBytes(dims),
  }
  // Whoever only reads needs no room.
  return openSegmentStore({
    ...place,
    budgetBytes: Number.MAX_SAFE_INTEGER,
    hash: nodeHash,
    clock: nodeClock(),
    crc32,
    warn,
  })
}

/** Bytes that reading one takes. */
export function recordBytes(dims: number): number {
  return vecBytes(dims)
}

export interface TracedNames {
  /** Packed, asked for most often first. */
  readonly names: Uint8Array
  /** Different entries that were asked for and are not here: gone, or of another space. */
  readonly gone: number
}

/** Of what traces say was asked for, the names of what is on disk. A trace has the beginning of each name: the disk has the rest. */
export async function tracedNames(
  traces: readonly Requests[],
  store: SegmentStore,
  signal: AbortSignal,
): Promise<TracedNames> {
  const embeddings = CACHE_ORDER.indexOf('embeddings')
  const counts = new Map<number, number>()
  for (const { length, cache, key } of traces) {
    for (let i = 0; i < length; i++) if (cache[i] === embeddings) counts.set(key[i]!, (counts.get(key[i]!) ?? 0) + 1)
  }
  const found: { readonly key: Key; readonly count: number }[] = []
  for await (const { key } of store.list()) {
    throwIfAborted(signal)
    const count = counts.get(keyOfHash(key))
    if (count !== undefined) found.push({ key, count })
  }
  found.sort((one, other) => other.count - one.count)
  return { names: packNames(found.map(({ key }) => key)), gone: Math.max(0, counts.size - found.length) }
}

/** Reads and checks what bears these names, in the order in which it lies. `most`: no more than so many, which must be there. */
export async function readThrough(
  store: SegmentStore,
  names: Uint8Array,
  {
    signal,
    most = Number.POSITIVE_INFINITY,
    onRead,
  }: { signal: AbortSignal; most?: number; onRead?: (done: number) => void },
): Promise<{ readonly there: number; readonly gone: number; readonly read: number }> {
  const places = store.placesOf(names)
  const which = Uint32Array.from(places.keys()).filter(i => places[i]! > 0)
  which.sort((one, other) => places[one]! - places[other]!)
  const total = Math.min(most, which.length)
  let read = 0
  for (let from = 0; from < total; from += READ) {
    throwIfAborted(signal)
    store.visitPackedSync(names, which, from, Math.min(from + READ, total), (_, count) => {
      read += count
    })
    onRead?.(read)
    await setImmediate()
  }
  // Of those that were not read it is known only that they are in the index.
  const there = which.length - (total - read)
  return { there, gone: countOf(names) - there, read }
}
