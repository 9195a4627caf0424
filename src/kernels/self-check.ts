// Do these kernels answer as the reference does? A device that computes wrongly must not serve; none is believed unasked.
import { OpDbusError } from '../errors.js'
import type { KernelMatrix, Kernels, NearestRows } from '../ports.js'

/** Rows beyond one sorted chunk of a GPU, dims beyond whole vec4s. */
const SHAPES = [
  { rows: 5, dims: 3 },
  { rows: 2600, dims: 38 },
] as const
const TOLERANCE = 1e-5

/** Rejects with DEVICE_UNAVAILABLE and what differed. */
export async function selfCheck(kernels: Kernels, reference: Kernels): Promise<void> {
  for (const { rows, dims } of SHAPES) {
    const matrix = madeUp(rows * dims)
    reference.normalize(matrix, dims)
    const query = matrix.slice(2 * dims, 3 * dims)
    // A row twice: what is equal must come in order.
    matrix.copyWithin((rows - 1) * dims, 2 * dims, 3 * dims)
    const asked = await kernels.load(matrix, dims)
    const known = await reference.load(matrix, dims)
    try {
      const wrong = await difference(asked, known, query)
      if (wrong === undefined) continue
      const what = `${kernels.device} kernels answer wrongly: ${wrong} (${rows} x ${dims})`
      throw new OpDbusError('DEVICE_UNAVAILABLE', what, { details: { rows, dims } })
    } finally {
      asked.free()
      known.free()
    }
  }
}

async function difference(asked: KernelMatrix, known: KernelMatrix, query: Float32Array): Promise<string | undefined> {
  const [scores, expected] = [await asked.dot(query), await known.dot(query)]
  for (const [row, score] of expected.entries())
    if (!(Math.abs(scores[row]! - score) <= TOLERANCE)) return `row ${row} scores ${scores[row]}, not ${score}`
  const wrong = wrongRows(await asked.nearest(query, 40), await known.nearest(query, 40), expected)
  if (wrong !== undefined) return wrong
  // What was put and cut later must count as well.
  asked.cut(3)
  asked.put(1, query)
  const { rows } = await asked.nearest(query, 3)
  if (rows[0] !== 1 || rows[1] !== 2) return `after a change the nearest rows are ${rows.join(', ')}`
  return undefined
}

/** Where scores differ by no more than rounding, rows may stand in another order. */
function wrongRows(asked: NearestRows, known: NearestRows, scores: Float32Array): string | undefined {
  if (asked.rows.length !== known.rows.length) return `${asked.rows.length} nearest rows, not ${known.rows.length}`
  for (const [place, row] of known.rows.entries()) {
    const other = asked.rows[place]!
    const tie = Math.abs((scores[other] ?? Number.NaN) - scores[row]!)
    if (other !== row && !(tie > 0 && tie <= TOLERANCE)) return `place ${place} goes to row ${other}, not ${row}`
  }
  return undefined
}

/** Numbers from -0.5 to 0.5, the same every time (a linear congruential generator, constants of Numerical Recipes). */
export function madeUp(length: number): Float32Array {
  let state = 1
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32 - 0.5
  })
}
