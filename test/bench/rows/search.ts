// Search of blocks by meaning, once the query's vector is there: 100,000 against sqlite-vec, and a million in a process of its own.
import { closeSync, openSync, readSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { type Block, NO_PREVIOUS } from '../../../src/blockchain/block.js'
import { VectorFolder } from '../../../src/blockchain/store/vector-folder.js'
import { unit } from '../../../src/blockchain/vectors/format.js'
import { SpaceSearch } from '../../../src/blockchain/vectors/space-search.js'
import { type ChildTask, inChild } from '../child.js'
import { seededRandom } from '../log-lines.js'
import { collectGarbage, costOf, median, roundsOf, secondsOf } from '../measure.js'
import { openSqliteVec } from '../peers/sqlite-vec.js'
import { type Bench, type Measured, type RowGroup, Skipped, WrongAnswer } from '../row.js'
import { DIMS, requireRoom } from './fixtures.js'

const K = 10
const CLUSTERS = 1000
/** Vectors that are made and written at a time. */
const CHUNK = 10_000
const PLUGINS = ['net', 'lxc', 'systemd', 'disk']
const SPACE = { space: 'bench', dims: DIMS }
const QUERIES = 20
const MILLION_ROUNDS = 7
/** What else runs on the machine takes the memory's speed and the core: the clock is held to the round that had least of that. */
const QUIETEST = 'the quietest round'
/** Of the file of bare floats beside the vectors, for the peer and for who checks. */
const FLOATS = 'floats'

export const search100k: RowGroup = {
  id: 'search-100k',
  async run({ library, folder, rounds, quick, progress }: Bench): Promise<Measured[]> {
    const count = quick ? 20_000 : 100_000
    await fill(folder, count, progress)
    const kernels = await (await library.importKernels()).openKernels()
    const search = new SpaceSearch(new VectorFolder(folder), kernels, SPACE.space)
    const queries = makeQueries()
    await checkRecall(folder, count, queries, query => ours(search, query))
    const timeOurs = () =>
      medianOf(queries, async query => 1000 * (await secondsOf(() => search.nearest(query, K, {}))))
    try {
      const peer = await openSqliteVec(join(folder, FLOATS), DIMS).catch(error => {
        if (error instanceof Skipped) return undefined
        throw error
      })
      if (peer) await checkRecall(folder, count, queries, async query => (await peer.nearest(query, K)).ids)
      const timePeer = () => medianOf(queries, async query => (await peer!.nearest(query, K)).ms)
      const contenders = [{ round: timeOurs }, ...(peer ? [{ round: timePeer }] : [])]
      const [times = [], peerTimes = []] = await roundsOf(contenders, rounds, n => progress(`round ${n} of ${rounds}`))
      peer?.close()
      const cpuMs = await cpuOf(queries, query => search.nearest(query, K, {}))
      const what = `nearest ${K} of ${count.toLocaleString('en')} blocks, ${DIMS} dims, exact`
      const ms = Math.min(...times)
      return [
        {
          id: 'search-100k',
          what: `${what}: p50 of ${QUIETEST}`,
          unit: 'ms',
          ours: ms,
          hold: { side: 'at most', plus: 15 },
        },
        ...(peer ? [against(ms, `sqlite-vec ${peer.version}, float32 in memory`, Math.min(...peerTimes))] : []),
        { id: 'search-100k-cpu', what: 'the same: CPU of the main thread', unit: 'ms', ours: cpuMs },
      ]
    } finally {
      await search.close()
      kernels.close()
    }
  },
}

function against(ours: number, name: string, value: number): Measured {
  return {
    id: 'search-100k-peer',
    what: 'the same',
    unit: 'ms',
    ours,
    peer: { name, value },
    hold: { side: 'at most', times: 0.25 },
  }
}

/** What the child measures by the clock: seconds, milliseconds, and resident megabytes. */
interface Million {
  readonly open: number
  /** CPU of the main thread while it opened. */
  readonly openCpu: number
  readonly search: number
  /** CPU of the main thread. */
  readonly cpu: number
  readonly filtered: number
  readonly resident: number
}

export const search1m: RowGroup = {
  id: 'search-1m',
  async run({ library, folder, quick, progress }: Bench): Promise<Measured[]> {
    const count = quick ? 100_000 : 1_000_000
    await requireRoom(folder, count * (3 * 4 * DIMS + 1000))
    await fill(folder, count, progress)
    progress('in a process of its own')
    const { open, openCpu, search, cpu, filtered, resident } = await inChild<Million>(
      library,
      'search',
      folder,
      `${count}`,
    )
    const what = `nearest ${K} of ${count.toLocaleString('en')} blocks, ${DIMS} dims, exact`
    return [
      {
        id: 'search-1m',
        what: `${what}: p50 of ${QUIETEST}`,
        unit: 'ms',
        ours: search,
        hold: { side: 'at most', plus: 60 },
      },
      { id: 'search-1m-cpu', what: 'the same: CPU of the main thread', unit: 'ms', ours: cpu },
      { id: 'search-1m-filter', what: `of one plugin in four: p50 of ${QUIETEST}`, unit: 'ms', ours: filtered },
      { id: 'search-1m-open', what: 'opening the index, with the first search', unit: 's', ours: open },
      { id: 'search-1m-open-cpu', what: 'the same: CPU of the main thread', unit: 's', ours: openCpu },
      {
        id: 'search-1m-memory',
        what: 'resident memory of the whole process',
        unit: 'MB',
        ours: resident,
        hold: { side: 'at most', plus: 600 },
      },
    ]
  },
}

/** The part of `search-1m` that has a process of its own. */
export const searchTask: ChildTask = async (library, folder = '', count = ''): Promise<Million> => {
  const kernels = await (await library.importKernels()).openKernels()
  const search = new SpaceSearch(new VectorFolder(folder), kernels, SPACE.space)
  const queries = makeQueries()
  const { wall: open, main: openCpu } = await costOf(() => search.nearest(queries[0]!, K, {}))
  const time = async (filter: { plugin?: string }) => {
    const round = () =>
      medianOf(queries, async query => 1000 * (await secondsOf(() => search.nearest(query, K, filter))))
    const [times = []] = await roundsOf([{ round }], MILLION_ROUNDS, () => {})
    return Math.min(...times)
  }
  const figures = {
    search: await time({}),
    cpu: await cpuOf([...queries, ...queries], query => search.nearest(query, K, {})),
    filtered: await time({ plugin: PLUGINS[1]! }),
  }
  collectGarbage()
  const resident = process.memoryUsage.rss() / 1e6
  // Last of all: it takes memory of its own.
  await checkRecall(folder, Number(count), queries, query => ours(search, query))
  const isOfPlugin = (row: number) => PLUGINS[row % PLUGINS.length] === PLUGINS[1]
  await checkRecall(
    folder,
    Number(count),
    queries.slice(0, 3),
    query => ours(search, query, { plugin: PLUGINS[1]! }),
    isOfPlugin,
  )
  await search.close()
  kernels.close()
  return { open, openCpu, resident, ...figures }
}

async function ours(search: SpaceSearch, query: Float32Array, filter = {}): Promise<number[]> {
  const { near } = await search.nearest(query, K, filter)
  return near.slice(0, K).map(({ number }) => number)
}

/** Writes vectors of blocks as the chain keeps them, and as bare floats. */
async function fill(folder: string, count: number, progress: Bench['progress']): Promise<void> {
  const vectors = makeVectors(1)
  const bare = openSync(join(folder, FLOATS), 'w')
  const writer = await new VectorFolder(folder).write(SPACE)
  for (let start = 0; start < count; start += CHUNK) {
    progress(`writing ${start.toLocaleString('en')} of ${count.toLocaleString('en')}`)
    const entries = Array.from({ length: CHUNK }, (_, i) => ({
      block: blockOf(start + i),
      vector: vectors.next().value,
    }))
    for (const { vector } of entries) writeSync(bare, new Uint8Array(vector.buffer))
    await writer.append(entries, start + CHUNK, '')
  }
  await writer.end()
  closeSync(bare)
}

function blockOf(number: number): Block {
  const hash = NO_PREVIOUS
  const plugin = PLUGINS[number % PLUGINS.length]!
  const header = {
    bytes: 0,
    content: hash,
    data: hash,
    metadata: hash,
    text: hash,
    previous: hash,
    number,
    plugin,
    operation: 'apply',
  }
  return { number, hash, header: { ...header, timestamp: number, version: 1 } }
}

/** Unit vectors around some directions, as texts of a log lie. */
function* makeVectors(seed: number): Generator<Float32Array, never> {
  const centres = Array.from({ length: CLUSTERS }, (_, i) => gaussLike(seededRandom(1000 + i)))
  const random = seededRandom(seed)
  for (;;) {
    const centre = centres[Math.floor(random() * CLUSTERS)]!
    yield unit(gaussLike(random).map((x, d) => x + 0.8 * centre[d]!))
  }
}

function gaussLike(random: () => number): Float32Array {
  return Float32Array.from({ length: DIMS }, () => random() + random() - 1)
}

function makeQueries(): Float32Array[] {
  const vectors = makeVectors(2)
  return Array.from({ length: QUERIES }, () => vectors.next().value)
}

/** Milliseconds of the CPU for each query: what others do on the machine is not counted. */
async function cpuOf(
  queries: readonly Float32Array[],
  search: (query: Float32Array) => Promise<unknown>,
): Promise<number> {
  const { main } = await costOf(async () => {
    for (const query of queries) await search(query)
  })
  return (1000 * main) / queries.length
}

async function medianOf(
  queries: readonly Float32Array[],
  time: (query: Float32Array) => Promise<number>,
): Promise<number> {
  const times: number[] = []
  for (const query of queries) times.push(await time(query))
  return median(times)
}

/** Each query's nearest rows must be those of a search in float64. */
async function checkRecall(
  folder: string,
  count: number,
  queries: readonly Float32Array[],
  nearest: (query: Float32Array) => Promise<readonly number[]>,
  fits: (row: number) => boolean = () => true,
): Promise<void> {
  const expected = bruteForce(folder, count, queries, fits)
  for (const [i, query] of queries.entries()) {
    const found = await nearest(query)
    const missing = expected[i]!.filter(row => !found.includes(row))
    if (missing.length > 0 || found.length !== K)
      throw new WrongAnswer(`query ${i}: ${missing.join(', ')} of the nearest ${K} is missing`)
  }
}

function bruteForce(
  folder: string,
  count: number,
  queries: readonly Float32Array[],
  fits: (row: number) => boolean,
): number[][] {
  const best = queries.map((): { row: number; score: number }[] => [])
  const file = openSync(join(folder, FLOATS), 'r')
  const chunk = new Float32Array(CHUNK * DIMS)
  for (let start = 0; start < count; start += CHUNK) {
    readSync(file, new Uint8Array(chunk.buffer), 0, chunk.byteLength, 4 * start * DIMS)
    for (const [i, query] of queries.entries()) {
      const list = best[i]!
      for (let row = 0; row < CHUNK; row++) {
        if (!fits(start + row)) continue
        let score = 0
        for (let d = 0, at = row * DIMS; d < DIMS; d++, at++) score += chunk[at]! * query[d]!
        if (list.length === K && score <= list[K - 1]!.score) continue
        list.push({ row: start + row, score })
        list.sort((a, b) => b.score - a.score)
        list.length = Math.min(list.length, K)
      }
    }
  }
  closeSync(file)
  return best.map(list => list.map(({ row }) => row))
}
