// A chain of a million blocks: one block from memory and from disk, and how long a new process takes until it has one.
import { statSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Chain } from '../../../src/blockchain.js'
import { type ChildTask, inChild } from '../child.js'
import type { Library } from '../library.js'
import { seededRandom } from '../log-lines.js'
import { collectGarbage, median, nanosecondsPerCall, secondsOf } from '../measure.js'
import { type Bench, type Measured, type RowGroup, WrongAnswer } from '../row.js'
import { cycle, ownEmbedder, requireRoom } from './fixtures.js'

const MILLION = 1_000_000
/** Blocks of one append. */
const BATCH = 10_000
/** On disk, with its line of the index. */
const BLOCK_BYTES = 1300
/** Blocks that are asked for again and again, and those that are asked for once. */
const CACHED = 512
const COLD = 1000

export const getBlock: RowGroup = {
  id: 'get-block',
  async run({ library, folder, rounds, quick, progress }: Bench): Promise<Measured[]> {
    const count = quick ? MILLION / 10 : MILLION
    await requireRoom(folder, count * BLOCK_BYTES)
    await fill(library, folder, count, progress)
    const cached: number[] = []
    const cold: number[] = []
    const chain = await open(library, folder)
    try {
      const hot = Array.from({ length: CACHED }, (_, i) => (i * 7919) % count)
      for (const number of hot) await expectBlock(chain, number)
      const next = cycle(hot)
      const random = seededRandom(7)
      // So that the code is warm.
      await askAll(chain, anywhere(random, count))
      for (let round = 1; round <= rounds; round++) {
        progress(`round ${round} of ${rounds}`)
        for (const number of hot) if (chain.view(number)?.number !== number) await expectBlock(chain, number)
        cached.push(await nanosecondsPerCall(() => chain.view(next())))
        const asked = anywhere(random, count)
        cold.push((1e6 * (await secondsOf(() => askAll(chain, asked)))) / COLD)
      }
    } finally {
      await chain.close()
    }
    const openings: Opening[] = []
    for (let round = 1; round <= rounds; round++) {
      progress(`opening ${round} of ${rounds}`)
      openings.push(await inChild<Opening>(library, 'open-chain', folder, `${count}`))
    }
    const blocks = `${count.toLocaleString('en')} blocks`
    const row = (id: string, what: string, unit: string, ours: number, most?: number): Measured => ({
      id: `get-block-${id}`,
      what,
      unit,
      ours,
      ...(most !== undefined && { hold: { side: 'at most', plus: most } as const }),
    })
    return [
      row('cached', `a block of ${blocks} from memory, view()`, 'ns', median(cached), 1000),
      row('cold', `a block of ${blocks} from disk, page cache warm`, 'µs', median(cold), 100),
      row('open', `opening ${blocks} in a new process, up to the first block`, 's', middle(openings, 'seconds'), 0.5),
      row(
        'open-memory',
        `what the process grows by, with ${COLD} blocks asked for`,
        'MB',
        middle(openings, 'megabytes'),
      ),
      row('index', 'bytes of the index on disk, for each block', 'bytes', (await bytesIn(folder)) / count),
    ]
  },
}

interface Opening {
  readonly seconds: number
  readonly megabytes: number
}

/** A new process: how long it takes to the first blocks, and what it takes in memory for that. */
export const openChainTask: ChildTask = async (library, folder = '', size = ''): Promise<Opening> => {
  const count = Number(size)
  await library.importBlockchain()
  collectGarbage()
  const before = process.memoryUsage.rss()
  let chain!: Chain
  const seconds = await secondsOf(async () => {
    chain = await open(library, folder)
    if (chain.size() !== count) throw new WrongAnswer(`there are ${chain.size()} blocks`)
    for (const number of [count - 1, count >> 1]) await expectBlock(chain, number)
  })
  await askAll(chain, anywhere(seededRandom(1), count))
  const megabytes = (process.memoryUsage.rss() - before) / 1e6
  await chain.close()
  return { seconds, megabytes }
}

async function fill(library: Library, folder: string, count: number, progress: Bench['progress']): Promise<void> {
  const chain = await open(library, folder)
  try {
    for (let start = 0; start < count; start += BATCH) {
      progress(`appending ${start.toLocaleString('en')} of ${count.toLocaleString('en')}`)
      await chain.addBatch(
        Array.from({ length: BATCH }, (_, i) => ({
          plugin_id: 'net',
          operation: 'apply',
          timestamp: 1_700_000_000 + start + i,
          data: { interface: `eth${i % 8}`, ip: `192.168.${(i >> 8) % 256}.${i % 256}`, status: 'active' },
          // Nothing is embedded: this is not what is measured.
          text: '',
        })),
      )
    }
  } finally {
    await chain.close()
  }
}

async function open(library: Library, folder: string): Promise<Chain> {
  const { openChain } = await library.importBlockchain()
  return openChain({ dataDir: join(folder, 'data'), dir: join(folder, 'cache'), embedder: ownEmbedder })
}

/** Blocks without a pattern, so that none is read ahead. */
function anywhere(random: () => number, count: number): number[] {
  return Array.from({ length: COLD }, () => Math.floor(random() * count))
}

async function askAll(chain: Chain, numbers: readonly number[]): Promise<void> {
  for (const number of numbers) await expectBlock(chain, number)
}

async function expectBlock(chain: Chain, number: number): Promise<void> {
  const block = await chain.getBlock(number)
  if (block?.body?.footprint.timestamp !== 1_700_000_000 + number) throw new WrongAnswer(`block ${number} is another`)
}

async function bytesIn(folder: string): Promise<number> {
  const dir = join(folder, 'cache', 'blocks')
  return (await readdir(dir)).reduce((sum, name) => sum + statSync(join(dir, name)).size, 0)
}

function middle(openings: readonly Opening[], what: keyof Opening): number {
  return median(openings.map(opening => opening[what]))
}
