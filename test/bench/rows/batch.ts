// `embedMany` of many texts whose vectors cost nothing: what is left is the cache's own. Each round of each contender is a process of
// its own, and the peers are the least that the same could cost, put together from others' parts.
import { hash } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { LRUCache } from 'lru-cache'
import { type ChildTask, inChild } from '../child.js'
import type { Library } from '../library.js'
import { logLines } from '../log-lines.js'
import { type Cost, costOf, loopCpu, loopDelay, median, roundsOf } from '../measure.js'
import { openLmdb } from '../peers/lmdb.js'
import type { Bench, Measured, RowGroup } from '../row.js'
import { cheapEmbedder, cheapRow, cheapRows, checkCheapRows, DIMS, mustNotCompute } from './fixtures.js'

const TEXTS = { full: 200_000, quick: 50_000 }
/** A round takes seconds. */
const MOST_ROUNDS = 5
/** Entries in memory where disk is what counts: the library's default. */
const CAPACITY = 10_000
const VECTOR_BYTES = 4 * DIMS

export const batchMiss: RowGroup = {
  id: 'batch-miss',
  async run(bench: Bench): Promise<Measured[]> {
    const round = (task: TaskName) => async () => {
      const folder = join(bench.folder, task)
      const cost = await inChild<Cost>(bench.library, 'batch', task, folder, `${count(bench)}`)
      await rm(folder, { recursive: true })
      return cost
    }
    const costs = await takeCosts(bench, round('put-ours'), round('put-peer'))
    return costRows('batch-miss', bench, 'computed for nothing and put to disk', costs, {
      name: 'lru-cache set + SHA-256 + LMDB put',
      times: 1.3,
    })
  },
}

export const batchLoop: RowGroup = {
  id: 'batch-loop',
  async run(bench: Bench): Promise<Measured[]> {
    const texts = count(bench) / 2
    const delays: LoopDelay[] = []
    for (let round = 1; round <= Math.min(bench.rounds, MOST_ROUNDS); round++) {
      bench.progress(`process ${round}`)
      delays.push(await inChild<LoopDelay>(bench.library, 'batch', 'loop', join(bench.folder, `${round}`), `${texts}`))
    }
    const what = `event-loop delay while ${texts.toLocaleString('en')} texts are computed for nothing and put to disk, p99`
    const row = (suffix: string, what: string, of: keyof LoopDelay) => {
      const ours = median(delays.map(delay => delay[of]))
      return { id: `batch-loop${suffix}`, what, unit: 'ms', ours } as const
    }
    return [
      { ...row('', what, 'clock'), hold: { side: 'at most', plus: 5 } },
      row('-cpu', 'the same, of it CPU time of the main thread', 'cpu'),
    ]
  },
}

export const batchDisk: RowGroup = {
  id: 'batch-disk',
  async run(bench: Bench): Promise<Measured[]> {
    const texts = `${count(bench)}`
    const folderOf = { ours: join(bench.folder, 'ours'), peer: join(bench.folder, 'peer') }
    bench.progress('writing')
    await inChild(bench.library, 'batch', 'put-ours', folderOf.ours, texts)
    await inChild(bench.library, 'batch', 'put-peer', folderOf.peer, texts)
    const costs = await takeCosts(
      bench,
      () => inChild<Cost>(bench.library, 'batch', 'get-ours', folderOf.ours, texts),
      () => inChild<Cost>(bench.library, 'batch', 'get-peer', folderOf.peer, texts),
    )
    return costRows('batch-disk', bench, 'from disk in a new process', costs, {
      name: 'SHA-256 + LMDB get into a matrix',
      times: 0.8,
    })
  },
}

export const batchMemory: RowGroup = {
  id: 'batch-memory',
  async run(bench: Bench): Promise<Measured[]> {
    const round = (task: TaskName) => () => inChild<Cost>(bench.library, 'batch', task, bench.folder, `${count(bench)}`)
    const costs = await takeCosts(bench, round('remember-ours'), round('remember-peer'))
    return costRows('batch-memory', bench, 'from memory', costs, {
      name: 'lru-cache get into a matrix',
      times: 1.3,
    })
  },
}

/** Milliseconds. */
interface LoopDelay {
  readonly clock: number
  readonly cpu: number
}

/** What a child process does with `texts`, in a folder of its own; what it gives is the row's. */
const TASKS = {
  /** Looks up texts that nobody has seen; they are on disk when it is over. */
  async 'put-ours'({ openCaches }: Library, dir: string, texts: readonly string[]): Promise<Cost> {
    const caches = await openCaches({ dir, embedder: cheapEmbedder, embeddingCacheSize: CAPACITY })
    let matrix: Float32Array = new Float32Array()
    const cost = await costOf(async () => {
      matrix = (await caches.embeddings.embedMany(texts)).matrix
      await caches.close()
    })
    checkCheapRows('embedMany()', matrix, texts)
    return cost
  },

  async 'put-peer'(_: Library, folder: string, texts: readonly string[]): Promise<Cost> {
    const lmdb = await openLmdb(folder)
    const lru = new LRUCache<string, Float32Array>({ max: CAPACITY })
    let matrix: Float32Array = new Float32Array()
    function* computed() {
      const bytes = bytesOf(matrix)
      for (const [row, text] of texts.entries()) {
        cheapRow(text, matrix, row)
        lru.set(text, matrix.slice(row * DIMS, (row + 1) * DIMS))
        yield [sha256(text), bytes.subarray(row * VECTOR_BYTES, (row + 1) * VECTOR_BYTES)] as const
      }
    }
    const cost = await costOf(async () => {
      matrix = new Float32Array(texts.length * DIMS)
      // One transaction for all: of every way to put them, the one that takes the least of the CPU.
      await lmdb.write(computed())
      await lmdb.close()
    })
    checkCheapRows('the peer', matrix, texts)
    return cost
  },

  async 'get-ours'({ openCaches }: Library, dir: string, texts: readonly string[]): Promise<Cost> {
    const caches = await openCaches({ dir, embedder: mustNotCompute, embeddingCacheSize: CAPACITY })
    let matrix: Float32Array = new Float32Array()
    const cost = await costOf(async () => {
      matrix = (await caches.embeddings.embedMany(texts)).matrix
    })
    checkCheapRows('embedMany()', matrix, texts)
    await caches.close()
    return cost
  },

  async 'get-peer'(_: Library, folder: string, texts: readonly string[]): Promise<Cost> {
    const lmdb = await openLmdb(folder)
    let matrix: Float32Array = new Float32Array()
    const cost = await costOf(() => {
      matrix = new Float32Array(texts.length * DIMS)
      const bytes = bytesOf(matrix)
      for (let row = 0; row < texts.length; row++) bytes.set(lmdb.read(sha256(texts[row]!))!, row * VECTOR_BYTES)
    })
    checkCheapRows('the peer', matrix, texts)
    await lmdb.close()
    return cost
  },

  /** Looks texts up that are in memory, in strings that are equal to those kept but not the same. */
  async 'remember-ours'({ openCaches }: Library, dir: string, texts: readonly string[]): Promise<Cost> {
    const options = { embeddingDiskCache: false, embeddingCacheSize: texts.length }
    const caches = await openCaches({ dir, embedder: cheapEmbedder, ...options })
    await caches.embeddings.embedMany(logLines(texts.length))
    let matrix: Float32Array = new Float32Array()
    const cost = await costOfWarm(async () => {
      matrix = (await caches.embeddings.embedMany(texts)).matrix
    })
    checkCheapRows('embedMany()', matrix, texts)
    await caches.close()
    return cost
  },

  async 'remember-peer'(_: Library, _folder: string, texts: readonly string[]): Promise<Cost> {
    const lru = new LRUCache<string, Float32Array>({ max: texts.length })
    for (const text of logLines(texts.length)) lru.set(text, cheapRows([text]))
    let matrix: Float32Array = new Float32Array()
    const cost = await costOfWarm(() => {
      matrix = new Float32Array(texts.length * DIMS)
      for (let row = 0; row < texts.length; row++) matrix.set(lru.get(texts[row]!)!, row * DIMS)
    })
    checkCheapRows('the peer', matrix, texts)
    return cost
  },

  async loop({ openCaches }: Library, dir: string, texts: readonly string[]): Promise<LoopDelay> {
    const caches = await openCaches({ dir, embedder: cheapEmbedder, embeddingCacheSize: CAPACITY })
    let matrix: Float32Array = new Float32Array()
    let cpu = 0
    const clock = await loopDelay(async () => {
      cpu = await loopCpu(async () => (matrix = (await caches.embeddings.embedMany(texts)).matrix))
    })
    checkCheapRows('embedMany()', matrix, texts)
    await caches.close()
    return { clock, cpu }
  },
}
type TaskName = keyof typeof TASKS

export const batchTask: ChildTask = (library, task, folder = '', texts = '') =>
  TASKS[task as TaskName](library, folder, logLines(Number(texts)))

function count({ quick }: Bench): number {
  return quick ? TEXTS.quick : TEXTS.full
}

async function takeCosts({ rounds, progress }: Bench, ours: () => Promise<Cost>, peer: () => Promise<Cost>) {
  const most = Math.min(rounds, MOST_ROUNDS)
  return roundsOf([{ round: ours }, { round: peer }], most, round => progress(`round ${round} of ${most}`))
}

/** Of the second call: the first finds code that nothing has warmed up. */
async function costOfWarm(work: () => unknown): Promise<Cost> {
  await work()
  return costOf(work)
}

/** Microseconds a text, of each kind of cost; held are those of the CPU, since the clock also counts what others do. */
function costRows(
  id: string,
  bench: Bench,
  what: string,
  [ours = [], peer = []]: readonly (readonly Cost[])[],
  { name, times }: { name: string; times: number },
): Measured[] {
  const texts = count(bench)
  const row = (kind: keyof Cost, suffix: string, what: string, hold?: Measured['hold']): Measured => {
    const figure = (costs: readonly Cost[]) => (median(costs.map(cost => cost[kind])) / texts) * 1e6
    return {
      id: id + suffix,
      what,
      unit: 'µs',
      ours: figure(ours),
      peer: { name, value: figure(peer) },
      ...(hold && { hold }),
    }
  }
  const hold = { side: 'at most', times } as const
  return [
    row('main', '', `a text of ${texts.toLocaleString('en')} ${what}: CPU of the main thread`, hold),
    row('process', '-process', 'the same, CPU of all threads', hold),
    row('wall', '-wall', 'the same, by the clock'),
  ]
}

function sha256(text: string): Uint8Array {
  return hash('sha256', text, 'buffer')
}

function bytesOf(floats: Float32Array): Uint8Array {
  return new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength)
}
