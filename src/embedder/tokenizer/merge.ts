// Byte pair encoding of one word that is given as symbols: the pair of lowest rank merges first, of equal ones the leftmost.

import type { Pairs } from './pairs.js'

/** A heap orders by rank, then place: both in one number, exact up to 2^21 ranks and 2^31 places. */
const PLACES = 2 ** 31

export interface Merged {
  readonly ids: number[]
  /** Of each id, the place of its first symbol. */
  readonly starts: number[]
}

/** What is left of the symbols from place `from` to before `to`, merged, in order. Linear but for the heap's logarithm. */
export function mergeAll(symbols: readonly number[], from: number, to: number, pairs: Pairs): Merged {
  const count = to - from
  const ids = new Int32Array(count)
  const previous = new Int32Array(count)
  const following = new Int32Array(count)
  for (let i = 0; i < count; i++) {
    ids[i] = symbols[from + i]!
    previous[i] = i - 1
    following[i] = i + 1
  }
  const heap: number[] = []
  const offer = (place: number) => {
    const next = following[place]!
    if (next >= count) return
    const slot = pairs.find(ids[place]!, ids[next]!)
    if (slot >= 0) push(heap, pairs.rank(slot) * PLACES + place)
  }
  for (let i = 0; i + 1 < count; i++) offer(i)
  while (heap.length > 0) {
    const top = pop(heap)
    const place = top % PLACES
    if (ids[place] === -1) continue
    const next = following[place]!
    if (next >= count) continue
    const slot = pairs.find(ids[place]!, ids[next]!)
    // One of the two has merged with another neighbour since.
    if (slot < 0 || pairs.rank(slot) !== (top - place) / PLACES) continue
    ids[place] = pairs.merged(slot)
    ids[next] = -1
    const after = following[next]!
    following[place] = after
    if (after < count) previous[after] = place
    if (previous[place]! >= 0) offer(previous[place]!)
    offer(place)
  }
  const merged: Merged = { ids: [], starts: [] }
  for (let i = 0; i < count; i = following[i]!) {
    merged.ids.push(ids[i]!)
    merged.starts.push(from + i)
  }
  return merged
}

function push(heap: number[], value: number): void {
  let at = heap.length
  heap.push(value)
  while (at > 0) {
    const parent = (at - 1) >> 1
    if (heap[parent]! <= value) break
    heap[at] = heap[parent]!
    at = parent
  }
  heap[at] = value
}

function pop(heap: number[]): number {
  const top = heap[0]!
  const value = heap.pop()!
  const size = heap.length
  if (size === 0) return top
  let at = 0
  for (;;) {
    let child = 2 * at + 1
    if (child >= size) break
    if (child + 1 < size && heap[child + 1]! < heap[child]!) child++
    if (heap[child]! >= value) break
    heap[at] = heap[child]!
    at = child
  }
  heap[at] = value
  return top
}
