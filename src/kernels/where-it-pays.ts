// For which matrices a GPU pays, measured on the machine at hand. Times three shapes on both sides; decides nothing.
import type { Kernels } from '../ports.js'
import { MAX_DIMS } from './checks.js'
import { madeUp } from './self-check.js'

/** Next to nothing; much to multiply; much to sort and little to multiply. */
const SHAPES = {
  small: { rows: 64, dims: 8 },
  wide: { rows: 8192, dims: 256 },
  tall: { rows: 65_536, dims: 8 },
} as const
/** Searches that share one upload, at least: vectors are put in once and asked about again and again. */
const SEARCHES_PER_LOAD = 16
/** A GPU that takes so many times as long as the host, at its first try, is not worth a closer look. */
const HOPELESS = 20
const ROUNDS = 3
const CALLS = 4

/** Does the GPU answer sooner, where there are so many rows of so many dims? */
export type Pays = (rows: number, dims: number) => boolean

/** Milliseconds of the quickest search in each shape, and of putting the wide one in. */
interface Times extends Record<keyof typeof SHAPES, number> {
  readonly upload: number
}

/**
 * For which matrices `gpu` answers sooner than `host`, its share of the upload included; undefined where it never does. A
 * search costs a fixed time, a time a row (scores are sorted) and a time a float: a narrow matrix may not pay where a wide
 * one of as many floats does.
 */
export async function whereItPays(gpu: Kernels, host: Kernels, monotonic: () => number): Promise<Pays | undefined> {
  const hostTimes = await timesOf(host, monotonic)
  const gpuTimes = hostTimes && (await timesOf(gpu, monotonic, hostTimes))
  if (hostTimes === undefined || gpuTimes === undefined) return undefined
  const [hosts, gpus] = [costOf(hostTimes), costOf(gpuTimes)]
  const perRow = hosts.perRow - gpus.perRow
  const perFloat = hosts.perFloat - gpus.perFloat - gpus.uploadPerFloat / SEARCHES_PER_LOAD
  const savedByRow = (dims: number) => perRow + dims * perFloat
  if (savedByRow(1) <= 0 && savedByRow(MAX_DIMS) <= 0) return undefined
  return (rows, dims) => rows * savedByRow(dims) > gpus.fixed - hosts.fixed
}

/** Solves times = fixed + rows x perRow + floats x perFloat. Nothing costs less than nothing: that was the clock. */
function costOf({ small, wide, tall, upload }: Times) {
  const more = (shape: { rows: number; dims: number }) => ({
    rows: shape.rows - SHAPES.small.rows,
    floats: shape.rows * shape.dims - SHAPES.small.rows * SHAPES.small.dims,
  })
  const [wider, taller] = [more(SHAPES.wide), more(SHAPES.tall)]
  const [widerMs, tallerMs] = [Math.max(0, wide - small), Math.max(0, tall - small)]
  const perFloat = Math.max(
    0,
    (widerMs * taller.rows - tallerMs * wider.rows) / (wider.floats * taller.rows - taller.floats * wider.rows),
  )
  const perRow = Math.max(0, (tallerMs - taller.floats * perFloat) / taller.rows)
  return { fixed: small, perRow, perFloat, uploadPerFloat: upload / (SHAPES.wide.rows * SHAPES.wide.dims) }
}

/** What searches take; undefined where one takes hopelessly longer than with `host`, twice. */
async function timesOf(kernels: Kernels, monotonic: () => number, host?: Times): Promise<Times | undefined> {
  const data = madeUp(SHAPES.wide.rows * SHAPES.wide.dims)
  const timed = async (name: keyof typeof SHAPES) => {
    const { rows, dims } = SHAPES[name]
    const query = data.slice(0, dims)
    const start = monotonic()
    const matrix = await kernels.load(data.subarray(0, rows * dims), dims)
    const timeOf = async (calls: number) => {
      const start = monotonic()
      for (let call = 0; call < calls; call++) await matrix.nearest(query, 10)
      return (monotonic() - start) / calls
    }
    try {
      // The first answer waits for the upload: both took so long, and the upload alone an answer less.
      const first = await timeOf(1)
      const both = monotonic() - start
      const hopeless = HOPELESS * (host?.[name] ?? Number.POSITIVE_INFINITY)
      if (name !== 'small' && first > hopeless && (await timeOf(1)) > hopeless) return undefined
      // The best of some rounds: a busy machine makes things slower, never faster.
      let least = Number.POSITIVE_INFINITY
      for (let round = 0; round < ROUNDS; round++) least = Math.min(least, await timeOf(CALLS))
      return { search: least, upload: Math.max(0, both - least) }
    } finally {
      matrix.free()
    }
  }
  const wide = await timed('wide')
  const tall = wide && (await timed('tall'))
  const small = tall && (await timed('small'))
  return small && { small: small.search, wide: wide.search, tall: tall.search, upload: wide.upload }
}
