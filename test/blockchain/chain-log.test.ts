// The log of a real chain, through its public face: what was pruned keeps its proofs, and other processes see the same.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { type Chain, checkConsistency, checkProof, openChain, openHead } from '../../src/blockchain.js'
import { memoryFolder } from '../support.js'
import { describeWithGo } from './go-verifier.js'

async function withChain<T>(dir: string, work: (chain: Chain) => Promise<T>): Promise<T> {
  const chain = await openChain({
    dataDir: dir,
    dir: join(dir, 'cache'),
    logName: 'example.com/changes',
    model: 'none',
  })
  try {
    return await work(chain)
  } finally {
    await chain.close()
  }
}

const footprints = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ plugin_id: 'net', operation: `op${i}` }))

describeWithGo('the log of a real chain, with the Go verifier', verify => {
  it('is accepted, continued, and provable', { timeout: 30_000 }, async () => {
    const dir = memoryFolder()
    const out = join(dir, 'out')
    const first = await withChain(dir, async chain => {
      await chain.addBatch(footprints(600))
      const head = await chain.checkpoint()
      expect(head).toMatchObject({ origin: 'example.com/changes', size: 600, root: (await chain.head()).root })
      await chain.exportTiles(out)
      return head
    })
    expect(verify(out, '-', join(out, 'key.pub')).output).toMatch(/^OK 600 /)
    await withChain(dir, async chain => {
      const { verifierKey, created } = await chain.key()
      expect(created).toBe(false)
      expect(readFileSync(join(out, 'key.pub'), 'utf8')).toBe(`${verifierKey}\n`)
      expect(openHead(first.text, [verifierKey])).toEqual({ ...first, keyMade: undefined })
      await chain.addFootprint({ plugin_id: 'lxc', operation: 'start' })
      for (const number of [0, 255, 256, 599, 600]) {
        const proof = await chain.proof(number, { head: first.text })
        expect(checkProof(proof.text, proof.entry, [verifierKey])).toMatchObject({ number, size: 601 })
        expect(checkConsistency(proof.consistency!.text, first.text, [verifierKey]).size).toBe(601)
        expect((await chain.getBlock(proof.hash.slice(0, 20)))?.number).toBe(number)
        expect(await chain.proof(proof.hash.slice(0, 20))).toMatchObject({ number, text: proof.text })
      }
      expect((await chain.proof('latest')).number).toBe(600)
      for (const none of [601, '0000000000000000', '123', 'x', null as never])
        await expect(chain.proof(none)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
      expect(await chain.exportTiles(out)).toMatchObject({ from: 600, head: { size: 601 } })
    })
    expect(verify(out, '-', join(out, 'key.pub')).output).toMatch(/^OK 601 /)
  })
})
