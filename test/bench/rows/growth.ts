// Whether a text costs the same however much the cache holds: in memory and on disk, written and read, each size in processes of its own.
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type ChildTask, inChild } from '../child.js'
import type { Library } from '../library.js'
import { logLines } from '../log-lines.js'
import { costOf, median, roundsOf } from '../measure.js'
import type { Bench, Measured, RowGroup } from '../row.js'
import { cheapEmbedder, checkCheapRows, DIMS, mustNotCompute, requireRoom } from './fixtures.js'

const SIZES = { full: [10_000, 100_000, 1_000_000], quick: [10_000, 100_000] }
/** Texts of one `embedMany`: the matrix of a million would weigh as much as what is measured. */
const CHUNK = 10_000
const WARM_TEXTS = 50_000
const MOST_ROUNDS = 2
/** Enough for all, so that nothing is evicted. */
const DISK_BYTES = 4 * 2 ** 30

/** What is done with each text, once for all that there are. */
const MOVES = {
  'memory-write': 'put into memory',
  'memory-read': 'from memory',
  'disk-write': 'put to disk',
  'disk-read': 'from disk in a new process',
} as const
type Move = keyof typeof MOVES
/** Microseconds of the CPU, on all threads, for each text. */
type Growth = Record<Move, number>

export const growth: RowGroup = {
  id: 'growth',
  async run({ library, folder, rounds, quick, progress }: Bench): Promise<Measured[]> {
    const sizes = quick ? SIZES.quick : SIZES.full
    await requireRoom(folder, 1.1 * sizes.at(-1)! * 4 * DIMS)
    const contenders = sizes.map(size => ({
      async round() {
        const dir = join(folder, `${size}`)
        const part = (task: string) => inChild<Partial<Growth>>(library, 'growth', task, dir, `${size}`)
        const all = { ...(await part('memory')), ...(await part('write')), ...(await part('read')) } as Growth
        for (const path of [dir, `${dir}-warm`]) await rm(path, { recursive: true })
        return all
      },
    }))
    const most = Math.min(rounds, MOST_ROUNDS)
    const figures = await roundsOf(contenders, most, round => progress(`round ${round} of ${most}`))
    return (Object.keys(MOVES) as Move[]).flatMap(move => {
      const [first = 0, ...larger] = figures.map(rounds => median(rounds.map(round => round[move])))
      return larger.map((ours, i): Measured => {
        const last = i === larger.length - 1
        return {
          id: `growth-${move}${last ? '' : `-${sizes[i + 1]! / 1000}k`}`,
          what: `${sizes[i + 1]!.toLocaleString('en')} texts ${MOVES[move]}: CPU of each`,
          unit: 'µs',
          ours,
          peer: { name: `op-dbus, ${sizes[0]!.toLocaleString('en')} texts`, value: first },
          ...(last && { hold: { side: 'at most', times: 1.5 } as const }),
        }
      })
    })
  },
}

/** A child's part; code is warm before it is measured, since few texts would pay for that more than many. */
export const growthTask: ChildTask = async (library, task, dir = '', size = '') => {
  const grow = { memory: growMemory, write: growDisk, read: readDisk }[task as 'memory' | 'write' | 'read']
  await grow(library, `${dir}-warm`, logLines(WARM_TEXTS, 2))
  const figures = await grow(library, dir, logLines(Number(size)))
  return figures
}

async function growMemory({ openCaches }: Library, dir: string, texts: readonly string[]): Promise<Partial<Growth>> {
  const options = { embeddingDiskCache: false, embeddingCacheSize: texts.length }
  const caches = await openCaches({ dir, embedder: cheapEmbedder, ...options })
  const write = await eachText(texts, chunk => caches.embeddings.embedMany(chunk))
  const read = await eachText(texts, chunk => caches.embeddings.embedMany(chunk))
  await caches.close()
  return { 'memory-write': write, 'memory-read': read }
}

async function growDisk({ openCaches }: Library, dir: string, texts: readonly string[]): Promise<Partial<Growth>> {
  const options = { embeddingCacheSize: 0, embeddingDiskBytes: DISK_BYTES }
  const caches = await openCaches({ dir, embedder: cheapEmbedder, ...options })
  const write = await eachText(texts, chunk => caches.embeddings.embedMany(chunk))
  const { process } = await costOf(() => caches.close())
  return { 'disk-write': write + (process * 1e6) / texts.length }
}

async function readDisk({ openCaches }: Library, dir: string, texts: readonly string[]): Promise<Partial<Growth>> {
  const options = { embeddingCacheSize: 0, embeddingDiskBytes: DISK_BYTES }
  const caches = await openCaches({ dir, embedder: mustNotCompute, ...options })
  const read = await eachText(texts, chunk => caches.embeddings.embedMany(chunk))
  await caches.close()
  return { 'disk-read': read }
}

/** Microseconds of the CPU for each text, over all of them; their vectors are checked between. */
async function eachText(texts: readonly string[], embed: (chunk: string[]) => Promise<{ matrix: Float32Array }>) {
  let seconds = 0
  for (let start = 0; start < texts.length; start += CHUNK) {
    const chunk = texts.slice(start, start + CHUNK)
    let matrix: Float32Array = new Float32Array()
    seconds += (await costOf(async () => (matrix = (await embed(chunk)).matrix))).process
    checkCheapRows('embedMany()', matrix, chunk)
  }
  return (seconds * 1e6) / texts.length
}
