// The log of 70,000 blocks: its first head, its folder of tiles, what a block more costs, and a proof.
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { median, secondsOf } from '../measure.js'
import { type Bench, type Measured, type RowGroup, WrongAnswer } from '../row.js'
import { requireRoom } from './fixtures.js'

const BLOCKS = 70_000
const BATCH = 10_000
/** On disk, with its entry in each folder of tiles. */
const BLOCK_BYTES = 3000
const PROOFS = 200

export const tiles: RowGroup = {
  id: 'tiles-70k',
  async run({ library, folder, rounds, quick, progress }: Bench): Promise<Measured[]> {
    const blocks = quick ? BLOCKS / 7 : BLOCKS
    await requireRoom(folder, blocks * BLOCK_BYTES)
    const { checkProof, openChain, openHead } = await library.importBlockchain()
    const chain = await openChain({ dataDir: folder, dir: join(folder, 'cache'), model: 'none' })
    try {
      const batch = Array.from({ length: BATCH }, (_, i) => ({ plugin_id: 'net', operation: 'apply', data: { i } }))
      for (let size = 0; size < blocks; size += BATCH) {
        progress(`appending ${size.toLocaleString('en')} of ${blocks.toLocaleString('en')}`)
        await chain.addBatch(batch)
      }
      const tree = await secondsOf(() => chain.head())
      const { verifierKey } = await chain.key()
      const [whole, more, proof]: [number[], number[], number[]] = [[], [], []]
      for (let round = 1; round <= rounds; round++) {
        progress(`round ${round} of ${rounds}`)
        const out = join(folder, 'tiles')
        whole.push(await secondsOf(() => chain.exportTiles(out)))
        await chain.addFootprint({ plugin_id: 'net', operation: 'apply' })
        more.push(1e3 * (await secondsOf(() => chain.exportTiles(out))))
        const { size } = openHead(await readFile(join(out, 'checkpoint'), 'utf8'), [verifierKey])
        if (size !== chain.size()) throw new WrongAnswer(`the head is of ${size} blocks`)
        const each = await secondsOf(async () => {
          for (let i = 0; i < PROOFS; i++) await chain.proof((i * 7919) % blocks)
        })
        proof.push((1e3 * each) / PROOFS)
        const { text, entry } = await chain.proof(round)
        if (checkProof(text, entry, [verifierKey]).number !== round)
          throw new WrongAnswer('a proof is of another block')
        await rm(out, { recursive: true })
      }
      const of = `${blocks.toLocaleString('en')} blocks`
      const row = (id: string, what: string, unit: string, ours: number) => ({
        id: `tiles-70k-${id}`,
        what,
        unit,
        ours,
      })
      return [
        row('tree', `the first root over ${of}`, 's', tree),
        row('export', `${of} as tiles, synced`, 's', median(whole)),
        row('more', 'one block more, exported', 'ms', median(more)),
        row('proof', 'a proof of a block', 'ms', median(proof)),
      ]
    } finally {
      await chain.close()
    }
  },
}
