// Blocks onto the disk: in batches, one by one, and many at once, against a file that is appended to and synced with nothing around it.
import * as fs from 'node:fs'
import { join } from 'node:path'
import type { Chain } from '../../../src/blockchain.js'
import { median, secondsOf } from '../measure.js'
import { type Bench, type Measured, type RowGroup, WrongAnswer } from '../row.js'
import { ownEmbedder } from './fixtures.js'

/** Blocks of a batch. */
const BATCH = 1000
/** Blocks one by one until it is the other's turn; what a round has is a multiple of it. */
const TURN = 50

export const chainAppend: RowGroup = {
  id: 'chain',
  async run({ library, folder, rounds, quick, progress }: Bench): Promise<Measured[]> {
    const { openChain } = await library.importBlockchain()
    const dataDir = join(folder, 'data')
    const chain = await openChain({ dir: join(folder, 'cache'), dataDir, embedder: ownEmbedder })
    const batches = quick ? 3 : 10
    const singles = quick ? 100 : 300
    const warmUp = quick ? 100 : 3000
    const inBatches: number[] = []
    const oneByOne: number[] = []
    const together: number[] = []
    const bare: number[] = []
    try {
      const bytes = await lengthOfOne(chain, dataDir)
      // Code is compiled as it runs: what is measured is the disk.
      await addSingly(chain, warmUp)
      for (let round = 1; round <= rounds; round++) {
        progress(`one by one, round ${round} of ${rounds}`)
        // Turn about, so that a disk that is busy with something else is so for both; before the batches, which leave work behind.
        let [ours, least] = [0, 0]
        for (let done = 0; done < singles; done += TURN) {
          ours += await secondsOf(() => addSingly(chain, TURN))
          least += await secondsOf(() => appendBare(join(folder, 'bare'), bytes, TURN))
        }
        oneByOne.push(singles / ours)
        bare.push(singles / least)
      }
      for (let round = 1; round <= rounds; round++) {
        progress(`round ${round} of ${rounds}`)
        inBatches.push((batches * BATCH) / (await secondsOf(() => addBatches(chain, batches))))
        together.push((batches * BATCH) / (await secondsOf(() => addTogether(chain, batches * BATCH))))
      }
      const expected = 1 + warmUp + rounds * (2 * batches * BATCH + singles)
      if (chain.size() !== expected) throw new WrongAnswer(`${chain.size()} blocks after ${expected}`)
    } finally {
      await chain.close()
    }
    const peer = { name: 'append + fdatasync', value: median(bare) }
    return [
      {
        id: 'chain-batch',
        what: `blocks in batches of ${BATCH}`,
        unit: '/s',
        ours: median(inBatches),
        hold: { side: 'at least', plus: 10_000 },
      },
      {
        id: 'chain-one',
        what: 'blocks one by one, each on the disk',
        unit: '/s',
        ours: median(oneByOne),
        peer,
        hold: { side: 'at least', times: 0.5 },
      },
      { id: 'chain-together', what: 'single blocks that come at once', unit: '/s', ours: median(together) },
    ]
  },
}

function footprint(at: number) {
  const data = { interface: `eth${at % 16}`, ip: `192.168.${at % 256}.${(at >> 8) % 256}`, status: 'active', at }
  // Nothing is embedded: this is not what is measured.
  return { plugin_id: 'net', operation: 'modify', data, metadata: { user: 'root' }, text: '' }
}

let next = 0

async function addBatches(chain: Chain, count: number): Promise<void> {
  for (let batch = 0; batch < count; batch++) {
    await chain.addBatch(Array.from({ length: BATCH }, () => footprint(next++)))
  }
}

async function addSingly(chain: Chain, count: number): Promise<void> {
  for (let at = 0; at < count; at++) await chain.addFootprint(footprint(next++))
}

async function addTogether(chain: Chain, count: number): Promise<void> {
  await Promise.all(Array.from({ length: count }, () => chain.addFootprint(footprint(next++))))
}

/** Bytes that a block takes in its segment. */
async function lengthOfOne(chain: Chain, dataDir: string): Promise<number> {
  await chain.addFootprint(footprint(next++))
  return fs.statSync(join(dataDir, 'blockchain/timing/000000000000.jsonl')).size
}

/** As fast as the machine can: the same bytes, one write and one sync each, and nobody else has a turn meanwhile. */
async function appendBare(path: string, bytes: number, count: number): Promise<void> {
  const fd = fs.openSync(path, 'a')
  const line = Buffer.alloc(bytes, 'x')
  try {
    for (let at = 0; at < count; at++) {
      fs.writeSync(fd, line)
      fs.fdatasyncSync(fd)
    }
  } finally {
    fs.closeSync(fd)
  }
}
