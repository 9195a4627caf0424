// The WebAssembly kernels against loops in JavaScript, and against how fast memory can be read at all.
import { MEMORY_LIMIT_WASM } from '../../../.build/wasm/memory-limit.js'
import type { Library } from '../library.js'
import { seededRandom } from '../log-lines.js'
import { type Contender, takeTurns } from '../measure.js'
import { type Bench, type Measured, type RowGroup, WrongAnswer } from '../row.js'

const DIMS = 512
/** 20 MB, which a large cache may hold; and 205 MB, which none does. */
const IN_CACHE = 10_000
const IN_MEMORY = { full: 100_000, quick: 50_000 }
/** Turns for each of the bench's rounds: many short ones, so that all get their share of a busy machine. */
const FAST_TURNS = 4
const SLOW_TURNS = 1
/** One after the other, as searches come: what stays in a cache from one to the next is everyone's to use. */
const CALLS = 5

type Dot = () => unknown

export const kernelRows: RowGroup = {
  id: 'kernels',
  async run({ library, rounds, quick, progress }: Bench): Promise<Measured[]> {
    const measured: Measured[] = []
    for (const rows of [IN_CACHE, quick ? IN_MEMORY.quick : IN_MEMORY.full]) {
      const size = `${rows.toLocaleString('en')} x ${DIMS}`
      progress(size)
      const { ours, nearest, int8, loop, four, limit, close } = await prepare(library, rows)
      const fast = [ours, nearest, int8, limit].map(dot => new Quickest(dot))
      const slow = [loop, four].map(dot => new Quickest(dot))
      const say = (round: number) => progress(`${size}, round ${round}`)
      await takeTurns(slow, rounds * SLOW_TURNS, say)
      await takeTurns(fast, rounds * FAST_TURNS, say)
      close()
      const [dotMs, nearestMs, int8Ms, limitMs, loopMs, fourMs] = [...fast, ...slow].map(({ least }) => least) as Six
      const large = rows !== IN_CACHE
      const id = `kernels-${rows / 1000}k`
      const row = (name: string, what: string, ours: number, peer: string, value: number, hold?: Measured['hold']) =>
        measured.push({
          id: id + name,
          what: `${what}, ${size}`,
          unit: 'ms',
          ours,
          peer: { name: peer, value },
          ...(hold && { hold }),
        })
      row('-js', 'dot products, WASM', dotMs, 'JS loop', loopMs, { side: 'at most', times: 0.2 })
      row('-js4', 'dot products, WASM', dotMs, 'JS, 4 sums', fourMs)
      row(
        '-limit',
        'dot products, WASM',
        dotMs,
        'WASM that only sums the bytes',
        limitMs,
        large ? { side: 'at most', times: 1.1 } : undefined,
      )
      row('-top10', 'nearest 10, WASM', nearestMs, 'its dot products', dotMs)
      row('-int8', 'dot products, WASM int8', int8Ms, 'WASM float32', dotMs)
    }
    measured.push(await mapRow(library, rounds, progress))
    return measured
  },
}

/** The map in two dimensions, its products once in WebAssembly and once in JavaScript; both are the same picture. */
async function mapRow(library: Library, rounds: number, progress: Bench['progress']): Promise<Measured> {
  const { openKernels, project } = await library.importKernels()
  const size = `${IN_CACHE.toLocaleString('en')} x ${DIMS}`
  const { matrix } = madeUp(IN_CACHE)
  const maps = await Promise.all(
    (['wasm', 'js'] as const).map(async device => {
      const kernels = await openKernels({ device })
      const loaded = await kernels.load(matrix, DIMS)
      return { map: () => project(kernels, loaded), close: () => kernels.close() }
    }),
  )
  const [shares, expected] = await Promise.all(maps.map(async ({ map }) => (await map()).shares[0]))
  if (!(Math.abs(shares! / expected! - 1) <= 1e-3)) throw new WrongAnswer(`the map shows ${shares}, not ${expected}`)
  const contenders = maps.map(({ map }) => new Quickest(map))
  await takeTurns(contenders, rounds, round => progress(`map, ${size}, round ${round}`))
  for (const { close } of maps) close()
  const [ours, js] = contenders.map(({ least }) => least) as [number, number]
  const peer = { name: 'JS kernels', value: js }
  return { id: 'kernels-10k-map', what: `map in two dimensions, WASM, ${size}`, unit: 'ms', ours, peer }
}

/** Everyone's way of multiplying the same matrix; each was seen to answer rightly. */
async function prepare(
  library: Library,
  rows: number,
): Promise<Record<'ours' | 'nearest' | 'int8' | 'loop' | 'four' | 'limit', Dot> & { close(): void }> {
  const { openKernels } = await library.importKernels()
  const { matrix, query } = madeUp(rows)
  const kernels = await openKernels({ device: 'wasm' })
  const loaded = await kernels.load(matrix, DIMS)
  const small = await kernels.load(matrix, DIMS, { precision: 'int8' })
  const scores = new Float32Array(rows)
  const limit = await memoryLimit(matrix)

  dotLoop(matrix, query, scores)
  checkScores('WASM', await loaded.dot(query), scores, 1e-5)
  checkScores('WASM int8', await small.dot(query), scores, 1e-2)
  const other = new Float32Array(rows)
  dotFour(matrix, query, other)
  checkScores('JS, 4 sums', other, scores, 1e-5)
  return {
    ours: () => loaded.dot(query),
    nearest: () => loaded.nearest(query, 10),
    int8: () => small.dot(query),
    loop: () => dotLoop(matrix, query, scores),
    four: () => dotFour(matrix, query, scores),
    limit,
    close: () => kernels.close(),
  }
}

function madeUp(rows: number): { matrix: Float32Array; query: Float32Array } {
  const random = seededRandom(5)
  const matrix = Float32Array.from({ length: rows * DIMS }, () => (random() - 0.5) / 10)
  return { matrix, query: Float32Array.from({ length: DIMS }, () => (random() - 0.5) / 10) }
}

type Six = [number, number, number, number, number, number]

/** Milliseconds of the quickest call: what else reads the machine's memory only ever makes one slower. */
class Quickest implements Contender {
  readonly name = ''
  least = Number.POSITIVE_INFINITY

  constructor(private readonly dot: Dot) {}

  async round(): Promise<number> {
    for (let call = 0; call < CALLS; call++) {
      const start = performance.now()
      await this.dot()
      this.least = Math.min(this.least, performance.now() - start)
    }
    return this.least
  }
}

function dotLoop(matrix: Float32Array, query: Float32Array, scores: Float32Array): void {
  for (let row = 0, at = 0; row < scores.length; row++) {
    let sum = 0
    for (let d = 0; d < DIMS; d++, at++) sum += matrix[at]! * query[d]!
    scores[row] = sum
  }
}

function dotFour(matrix: Float32Array, query: Float32Array, scores: Float32Array): void {
  for (let row = 0, at = 0; row < scores.length; row++) {
    let [a, b, c, d] = [0, 0, 0, 0]
    for (let i = 0; i < DIMS; i += 4, at += 4) {
      a += matrix[at]! * query[i]!
      b += matrix[at + 1]! * query[i + 1]!
      c += matrix[at + 2]! * query[i + 2]!
      d += matrix[at + 3]! * query[i + 3]!
    }
    scores[row] = a + b + c + d
  }
}

/** Sums a copy of `matrix` in WebAssembly memory, and nothing else. */
async function memoryLimit(matrix: Float32Array): Promise<Dot> {
  const memory = new WebAssembly.Memory({ initial: Math.ceil(matrix.byteLength / 65_536) })
  const code = Buffer.from(MEMORY_LIMIT_WASM, 'base64')
  const { instance } = await WebAssembly.instantiate(code, { env: { memory } })
  const sum = instance.exports.sum as (from: number, bytes: number) => number
  new Float32Array(memory.buffer).set(matrix)
  const expected = matrix.reduce((total, x) => total + x, 0)
  const found = sum(0, matrix.byteLength)
  if (!(Math.abs(found - expected) <= 1)) throw new WrongAnswer(`the memory limit sums to ${found}, not ${expected}`)
  return () => sum(0, matrix.byteLength)
}

function checkScores(who: string, found: Float32Array, expected: Float32Array, most: number): void {
  for (const [row, score] of expected.entries())
    if (!(Math.abs(found[row]! - score) <= most))
      throw new WrongAnswer(`${who}: row ${row} is ${found[row]}, not ${score}`)
}
