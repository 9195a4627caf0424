// The k highest of many scores. Ties go to the lower index, or all to the higher one, so that every device gives the same rows.
import type { NearestRows } from '../ports.js'

/**
 * The `k` highest of `scores`, best first; all of them where there are fewer. A heap of k with the worst on top: most
 * scores cost one comparison, whatever k is. `higher`: of equal scores the one with the higher index comes first.
 */
export function topK(scores: Float32Array, k: number, higher = false): NearestRows {
  const size = Math.min(k, scores.length)
  const heap = new Uint32Array(size)
  /** True when index `a` belongs behind index `b`. */
  const behind = (a: number, b: number) => scores[a]! < scores[b]! || (scores[a] === scores[b] && a > b !== higher)

  const sink = (at: number, end: number) => {
    const index = heap[at]!
    for (;;) {
      let child = 2 * at + 1
      if (child >= end) break
      if (child + 1 < end && behind(heap[child + 1]!, heap[child]!)) child++
      if (!behind(heap[child]!, index)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = index
  }

  // Looked at from the end that wins ties: an equal score that comes later belongs behind all that are in.
  const last = scores.length - 1
  for (let i = 0; i < size; i++) heap[i] = higher ? last - i : i
  for (let at = (size >> 1) - 1; at >= 0; at--) sink(at, size)
  if (size > 0) {
    let worst = scores[heap[0]!]!
    for (let i = size; i < scores.length; i++) {
      const index = higher ? last - i : i
      if (!(scores[index]! > worst)) continue
      heap[0] = index
      sink(0, size)
      worst = scores[heap[0]!]!
    }
  }
  // The worst goes to the end, one after the other: what is left is in order.
  for (let end = size - 1; end > 0; end--) {
    const last = heap[0]!
    heap[0] = heap[end]!
    heap[end] = last
    sink(0, end)
  }
  return { rows: heap, scores: Float32Array.from(heap, index => scores[index]!) }
}
