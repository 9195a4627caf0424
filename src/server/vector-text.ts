// Vectors as they cross JSON: decimal numbers, or base64 of their bytes. By hand, since it is most of what a cached answer costs. Knows no cache.
import { endianness } from 'node:os'
import type { Readable } from 'node:stream'
import { OpDbusError } from '../errors.js'
import { isLong, textInParts, wholeText } from './long-answer.js'

export type Encoding = 'float' | 'base64'

/** One vector among many: `floats` from `from` on, `dims` of them. Returns JSON. */
export type VectorText = (floats: Float32Array, from: number, dims: number) => string

/**
 * A JSON array. Each number is the shortest decimal of the float as a double, so that it comes back bit by bit; but -0 comes back as 0.
 * @throws OpDbusError EMBEDDER_FAILED where a number is NaN or infinite
 */
export const floatText: VectorText = (floats, from, dims) => `[${finite(floats, from, dims).join(',')}]`

/** A JSON string: base64 of the floats, little-endian. @throws as {@link floatText} */
export const base64Text: VectorText = (floats, from, dims) => `"${toBase64(finite(floats, from, dims))}"`

export const VECTOR_TEXT: Readonly<Record<Encoding, VectorText>> = { float: floatText, base64: base64Text }

/** About how many bytes of an answer one number is. */
export const BYTES_OF_NUMBER: Readonly<Record<Encoding, number>> = { float: 24, base64: 6 }

const LITTLE_ENDIAN = endianness() === 'LE'

/** Base64 of the floats, little-endian: of `4 x floats.length` bytes, whatever they are. */
export function toBase64(floats: Float32Array): string {
  const bytes = Buffer.from(floats.buffer, floats.byteOffset, floats.byteLength)
  return (LITTLE_ENDIAN ? bytes : Buffer.from(bytes).swap32()).toString('base64')
}

/** The floats of {@link toBase64}, in a buffer of their own; undefined for what is not exactly `count` of them. */
export function fromBase64(text: unknown, count: number): Float32Array | undefined {
  if (typeof text !== 'string' || text.length !== 4 * Math.ceil((4 * count) / 3)) return undefined
  const bytes = Buffer.from(text, 'base64')
  if (bytes.length !== 4 * count || bytes.toString('base64') !== text) return undefined
  if (!LITTLE_ENDIAN) bytes.swap32()
  const floats = new Float32Array(count)
  new Uint8Array(floats.buffer).set(bytes)
  return floats
}

/** What no row of a long answer may find when a part of it has been sent. @throws as {@link floatText} */
export function checkFinite(floats: Float32Array): void {
  finite(floats, 0, floats.length)
}

/** The vector as a view. What computes and what stores look for NaN as well; no client may ever be given one. */
function finite(floats: Float32Array, from: number, dims: number): Float32Array {
  let sum = 0
  // Nothing times zero is zero, of NaN and infinities NaN.
  for (let i = from; i < from + dims; i++) sum += floats[i]! * 0
  if (sum !== 0) throw new OpDbusError('EMBEDDER_FAILED', 'a vector holds NaN or Infinity; it is not answered')
  return dims === floats.length ? floats : floats.subarray(from, from + dims)
}

/** All rows of a matrix, as a JSON array of arrays, between `before` and `after`. @throws as {@link floatText} */
export function vectorList(matrix: Float32Array, dims: number, before = '', after = ''): string | Readable {
  const rows = {
    count: matrix.length / dims,
    dims,
    bytesOfNumber: BYTES_OF_NUMBER.float,
    textOf: (row: number) => floatText(matrix, row * dims, dims),
    before: `${before}[`,
    after: `]${after}`,
  }
  if (!isLong(rows)) return wholeText(rows)
  checkFinite(matrix)
  return textInParts(rows)
}

/** How far from 1 the square of a length may be that was scaled to 1: well above rounding, well below any other. */
const UNIT = 1e-3

/** The matrix with rows of length 1, in place: those of most models are, and stay as they are to the bit. */
export function unitRows(matrix: Float32Array, dims: number): Float32Array {
  for (let from = 0; from < matrix.length; from += dims) {
    let squares = 0
    for (let i = from; i < from + dims; i++) squares += matrix[i]! ** 2
    if (Math.abs(squares - 1) <= UNIT || squares === 0) continue
    const length = Math.sqrt(squares)
    for (let i = from; i < from + dims; i++) matrix[i]! /= length
  }
  return matrix
}
