// Token vectors -> one vector a text, where the session's graph does not do that, and scaling to length 1. Pure arithmetic on Float32Array.

import type { Pooling } from '../../ports.js'

// Plain loops: of a batch of MiniLM-L6 (8 x 16 to 16 x 128 tokens, two threads) pooling and scaling take 0.16 to 0.25 %.

/** Smallest length divided by, as in torch.nn.functional.normalize. */
const EPSILON = 1e-12

/**
 * Pools one row of `hidden` (`[width, stride]` from `offset`, row-major) over its first `tokens` positions into `out`:
 * its leading `out.length` dims, all of them or fewer.
 * A row without tokens becomes zeros. Sums in float64, so the order of adding does not show at 1e-7.
 */
export function poolRow(
  hidden: Float32Array,
  offset: number,
  stride: number,
  tokens: number,
  pooling: Pooling,
  sums: Float64Array,
  out: Float32Array,
): void {
  const dims = out.length
  if (pooling === 'cls') {
    out.set(hidden.subarray(offset, offset + dims))
    return
  }
  sums.fill(0)
  for (let token = 0, at = offset; token < tokens; token++, at += stride)
    for (let d = 0; d < dims; d++) sums[d] = sums[d]! + hidden[at + d]!
  const share = 1 / Math.max(tokens, 1)
  for (let d = 0; d < dims; d++) out[d] = sums[d]! * share
}

/**
 * Scales the `dims` numbers of `rows` from `from` on to length 1, in place, when `scale` is set. False when they hold a NaN or an
 * infinity: then it is no vector. Never left to the device: every number is looked at for that anyway, which gives the length on
 * the way, and squares of float32 numbers overflow there, which would make zeros of a vector.
 */
export function finishRow(rows: Float32Array, from: number, dims: number, scale: boolean): boolean {
  const end = from + dims
  const even = end - (dims % 4)
  // Four sums at once: one alone waits for itself at every step.
  let a = 0
  let b = 0
  let c = 0
  let d = 0
  for (let i = from; i < even; i += 4) {
    a += rows[i]! * rows[i]!
    b += rows[i + 1]! * rows[i + 1]!
    c += rows[i + 2]! * rows[i + 2]!
    d += rows[i + 3]! * rows[i + 3]!
  }
  for (let i = even; i < end; i++) a += rows[i]! * rows[i]!
  const squares = a + b + c + d
  if (!Number.isFinite(squares)) return false
  if (scale) {
    const factor = 1 / Math.max(Math.sqrt(squares), EPSILON)
    for (let i = from; i < end; i++) rows[i] = rows[i]! * factor
  }
  return true
}
