// Whether a device computes what the model means: its vectors of a few texts against known ones. Opens and closes nothing.

import { OpDbusError } from '../../errors.js'
import type { Backend, NodeRun } from '../../ports.js'
import type { Dtype } from '../model/table.js'
import type { Tokenize } from '../tokenizer/load-tokenizer.js'
import { runBatch, type VectorSpec } from './run-batch.js'

/** Texts and the vectors that the CPU (or the model's authors) gave them. */
export interface Reference {
  readonly texts: readonly string[]
  /** Row-major, `texts.length x dims`. */
  readonly matrix: Float32Array
  /** Who made them, where that was not this machine's CPU: in words for people. */
  readonly source?: string
}

/** What a device's vectors were worth. */
export interface CheckResult {
  /** The smallest cosine between a text's vector and its reference, over single texts and a padded batch. */
  readonly cosine: number
  /** The largest difference of one number. */
  readonly maxDiff: number
}

/** Short and long, plain and odd: enough that padding, unknown words and several widths all take part. */
export const CHECK_TEXTS: readonly string[] = [
  'Created container 100',
  'eth0: link is down',
  'A sentence encoder maps texts of similar meaning to vectors that lie close together, whatever words they use.',
  'user=root ip=10.0.0.7:22 status=404 \u00e9\u4e2d \u{1f600}',
]

/** Cosine that a device must reach, by dtype: half precision and folded int8 round differently on another device. */
const LEAST_COSINE: Readonly<Record<Dtype, number>> = { fp32: 0.9999, fp16: 0.999, int8: 0.999 }

/** The vectors of `texts`: each alone, so that nothing but the text decides. */
export async function makeReference(
  backend: Pick<Backend, 'run'>,
  spec: VectorSpec,
  tokenize: Tokenize,
  texts: readonly string[] = CHECK_TEXTS,
): Promise<Reference> {
  const matrix = new Float32Array(texts.length * spec.dims)
  const sums = new Float64Array(spec.dims)
  for (const [row, text] of texts.entries()) {
    const finished = await runBatch(backend, spec, [tokenize(text)], sums)
    if (finished.kept.length === 0) throw notANumber(text)
    matrix.set(finished.matrix, row * spec.dims)
  }
  return { texts, matrix }
}

/**
 * Compares: the first text alone, then all in one padded batch (one by one where rows must run alone).
 * Rejects with DEVICE_UNAVAILABLE when a vector is too far from its reference or not finite, and with what a run says.
 */
export async function checkDevice(
  backend: Pick<Backend, 'run'>,
  spec: VectorSpec & { readonly dtype: Dtype; readonly rowsAlone: boolean },
  tokenize: Tokenize,
  { texts, matrix, source }: Reference,
): Promise<CheckResult> {
  const { dims } = spec
  const sums = new Float64Array(dims)
  const rows = texts.map((text, index) => ({ ids: tokenize(text).ids, index, text }))
  let [cosine, maxDiff] = [1, 0]
  for (const items of [rows.slice(0, 1), ...(spec.rowsAlone ? rows.slice(1).map(row => [row]) : [rows])]) {
    const { kept, matrix: found, notFinite } = await runBatch(backend, spec, items, sums)
    if (notFinite[0]) throw notANumber(notFinite[0].text)
    for (const [at, { index }] of kept.entries()) {
      const near = compare(
        found.subarray(at * dims, (at + 1) * dims),
        matrix.subarray(index * dims, (index + 1) * dims),
      )
      cosine = Math.min(cosine, near.cosine)
      maxDiff = Math.max(maxDiff, near.maxDiff)
    }
  }
  const least = LEAST_COSINE[spec.dtype]
  if (!(cosine >= least))
    throw new OpDbusError(
      'DEVICE_UNAVAILABLE',
      [
        `it computes wrong vectors: cosine ${cosine.toFixed(6)} to the reference`,
        source === undefined ? '' : ` (the model's own vectors, by ${source})`,
        `, ${least} is needed`,
      ].join(''),
      { details: { cosine, maxDiff } },
    )
  return { cosine, maxDiff }
}

/** Operators that do the work of a transformer. Shapes and casts run on the CPU in every provider. */
const HEAVY = /^(Fused)?(MatMul|Gemm|Attention|MultiHeadAttention|QAttention|MatMulNBits|Conv)|^(Q|Dynamic)\w*MatMul/

/** The share of a graph's heavy nodes (of all nodes, where it has none) that ran on `provider`; 0 to 1. */
export function shareOn(provider: string, runs: readonly NodeRun[]): number {
  const heavy = runs.filter(run => HEAVY.test(run.op))
  const counted = heavy.length > 0 ? heavy : runs
  return counted.filter(run => run.provider === provider).length / Math.max(counted.length, 1)
}

function compare(a: Float32Array, b: Float32Array): CheckResult {
  let [ab, aa, bb, maxDiff] = [0, 0, 0, 0]
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i]!, b[i]!]
    ab += x * y
    aa += x * x
    bb += y * y
    maxDiff = Math.max(maxDiff, Math.abs(x - y))
  }
  return { cosine: Math.min(1, ab / Math.sqrt(aa * bb)), maxDiff }
}

function notANumber(text: string): OpDbusError {
  return new OpDbusError('DEVICE_UNAVAILABLE', `it answers NaN or Infinity for ${JSON.stringify(text)}`)
}
