// What several rows need: a caller's own embedder that costs nothing, checks of answers, and room on disk.
import { statfs } from 'node:fs/promises'
import { seededRandom } from '../log-lines.js'
import { Skipped, WrongAnswer } from '../row.js'

export const DIMS = 384

/** The vector that stands for a text: the same for the same text, and not for another. */
export function vectorOf(text: string): Float32Array {
  let seed = 0
  for (let i = 0; i < text.length; i++) seed = Math.imul(seed, 31) + text.charCodeAt(i)
  const random = seededRandom(seed)
  return Float32Array.from({ length: DIMS }, () => random() - 0.5)
}

/** As `openCaches` takes it. */
export const ownEmbedder = {
  space: 'bench@1',
  dims: DIMS,
  async embed(texts: readonly string[]): Promise<Float32Array> {
    const matrix = new Float32Array(texts.length * DIMS)
    for (const [row, text] of texts.entries()) matrix.set(vectorOf(text), row * DIMS)
    return matrix
  },
}

/** How many different rows `cheapRow` copies from. */
const PATTERNS = 1024
const patterns = Array.from({ length: PATTERNS }, (_, i) => vectorOf(`pattern ${i}`))

/** Writes a vector that stands for `text` to `matrix`, for little more than its bytes cost. */
export function cheapRow(text: string, matrix: Float32Array, row: number): void {
  let sum = text.length
  for (let i = 0; i < text.length; i++) sum = Math.imul(sum, 31) + text.charCodeAt(i)
  matrix.set(patterns[(sum >>> 22) % PATTERNS]!, row * DIMS)
  // Exact as a float: with the pattern above, all of `sum` is in the row.
  matrix[row * DIMS] = sum & 0x3fffff
}

export function cheapRows(texts: readonly string[]): Float32Array {
  const matrix = new Float32Array(texts.length * DIMS)
  for (let row = 0; row < texts.length; row++) cheapRow(texts[row]!, matrix, row)
  return matrix
}

/** As `openCaches` takes it: an embedder that costs nothing. */
export const cheapEmbedder = {
  space: 'bench-cheap@1',
  dims: DIMS,
  embed: async (texts: readonly string[]) => cheapRows(texts),
}

/** The same where all that is asked for has to be there. */
export const mustNotCompute = {
  ...cheapEmbedder,
  async embed(texts: readonly string[]): Promise<Float32Array> {
    throw new Error(`${texts.length} texts are not on disk`)
  },
}

/** @throws WrongAnswer unless `found` are the rows of `cheapEmbedder` */
export function checkCheapRows(who: string, found: Float32Array, texts: readonly string[]): void {
  const bytes = (floats: Float32Array) => Buffer.from(floats.buffer, floats.byteOffset, floats.byteLength)
  if (!bytes(found).equals(bytes(cheapRows(texts)))) throw new WrongAnswer(`${who} gives other vectors`)
}

/** @throws WrongAnswer unless `found` holds the same floats, bit by bit */
export function checkVector(who: string, found: Float32Array | undefined, expected: Float32Array): void {
  if (found === undefined) throw new WrongAnswer(`${who} has no answer`)
  if (found.length !== expected.length || !found.every((x, i) => Object.is(x, expected[i])))
    throw new WrongAnswer(`${who} gives another vector`)
}

/** @throws WrongAnswer unless each row of `found` points where the same row of `expected` does */
export function checkDirections(
  who: string,
  found: Float32Array,
  expected: Float32Array,
  dims: number,
  cosine: number,
): void {
  if (found.length !== expected.length)
    throw new WrongAnswer(`${who} gives ${found.length} floats, not ${expected.length}`)
  for (let start = 0; start < found.length; start += dims) {
    let [dot, a, b] = [0, 0, 0]
    for (let i = start; i < start + dims; i++) {
      dot += found[i]! * expected[i]!
      a += found[i]! ** 2
      b += expected[i]! ** 2
    }
    const similarity = dot / Math.sqrt(a * b)
    if (!(similarity >= cosine))
      throw new WrongAnswer(`${who}: row ${start / dims} has cosine ${similarity}, not ${cosine}`)
  }
}

/** Goes round `items`, a power of two of them, one at each call. */
export function cycle<T>(items: readonly T[]): () => T {
  const mask = items.length - 1
  if ((items.length & mask) !== 0) throw new RangeError('a power of two is needed')
  let at = 0
  return () => {
    at = (at + 1) & mask
    return items[at]!
  }
}

/** @throws Skipped unless there is half as much again as `bytes` */
export async function requireRoom(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder)
  const gigabytes = (n: number) => `${(n / 1e9).toFixed(1)} GB`
  if (bavail * bsize >= 1.5 * bytes) return
  throw new Skipped(`needs ${gigabytes(1.5 * bytes)} in ${folder}, and ${gigabytes(bavail * bsize)} are free`)
}
