// From which size on a GPU pays, measured on the machine at hand. Times two sizes on both sides; decides nothing.
import type { KernelMatrix, Kernels } from '../ports.js'
import { madeUp } from './self-check.js'

const DIMS = 256
const SMALL_ROWS = 64
const LARGE_ROWS = 8192
/** Searches that share one upload, at least: vectors are put in once and asked about again and again. */
const SEARCHES_PER_LOAD = 16
/** A GPU that takes so many times as long as the host, at its first try, is not worth a closer look. */
const HOPELESS = 20
const ROUNDS = 3
const CALLS = 4

/**
 * Floats of a matrix above which `gpu` answers sooner than `host`, its share of the upload included; Infinity where it
 * never does. Both cost a fixed time and a time a float; two sizes tell both, and where the lines cross.
 */
export async function paysFrom(gpu: Kernels, host: Kernels, monotonic: () => number): Promise<number> {
  const data = madeUp(LARGE_ROWS * DIMS)
  const query = data.slice(0, DIMS)
  const timeOf = async (matrix: KernelMatrix, calls: number) => {
    const start = monotonic()
    for (let call = 0; call < calls; call++) await matrix.nearest(query, 10)
    return (monotonic() - start) / calls
  }
  /** The best of some rounds: a busy machine makes things slower, never faster. */
  const best = async (matrix: KernelMatrix) => {
    let least = Number.POSITIVE_INFINITY
    for (let round = 0; round < ROUNDS; round++) least = Math.min(least, await timeOf(matrix, CALLS))
    return least
  }
  const lineOf = async (kernels: Kernels, hopeless: number) => {
    const small = await kernels.load(data.subarray(0, SMALL_ROWS * DIMS), DIMS)
    try {
      const start = monotonic()
      const large = await kernels.load(data, DIMS)
      try {
        // The first answer waits for the upload: both took so long, and the upload alone an answer less.
        const first = await timeOf(large, 1)
        const both = monotonic() - start
        if (first > hopeless && (await timeOf(large, 1)) > hopeless) return undefined
        const [little, much] = [await best(small), await best(large)]
        const perFloat = Math.max(0, much - little) / ((LARGE_ROWS - SMALL_ROWS) * DIMS)
        return { fixed: little, perFloat, much, uploadPerFloat: Math.max(0, both - much) / (LARGE_ROWS * DIMS) }
      } finally {
        large.free()
      }
    } finally {
      small.free()
    }
  }

  const hosts = await lineOf(host, Number.POSITIVE_INFINITY)
  const gpus = hosts && (await lineOf(gpu, HOPELESS * hosts.much))
  if (hosts === undefined || gpus === undefined) return Number.POSITIVE_INFINITY
  const saved = hosts.perFloat - gpus.perFloat - gpus.uploadPerFloat / SEARCHES_PER_LOAD
  if (!(saved > 0)) return Number.POSITIVE_INFINITY
  return Math.max(0, (gpus.fixed - hosts.fixed) / saved)
}
