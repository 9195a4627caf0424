// The whole chain, pruned and restored: its proofs hold, verify finds nothing, and what was signed is not signed otherwise.
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { checkProof } from '../../src/blockchain/log/heads.js'
import { openChain } from '../../src/blockchain.js'
import { memoryFolder } from '../support.js'

async function newChain(dataDir = memoryFolder()) {
  const warnings: string[] = []
  const chain = await openChain({
    dataDir,
    dir: join(dataDir, 'cache'),
    model: 'none',
    logName: 'example.com/test',
    onWarning: message => warnings.push(message),
  })
  return { chain, dataDir, warnings }
}

const footprints = (count: number, what = 'first') =>
  Array.from({ length: count }, (_, i) => ({
    plugin_id: 'net',
    operation: 'apply',
    data: { what, i },
    text: `${what} ${i}`,
  }))

it('after a prune proofs hold, old ones and new ones, and what goes is served by no cache', async () => {
  const { chain, warnings } = await newChain()
  await chain.addBatch(footprints(40))
  const { verifierKey } = await chain.key()
  const before = await Promise.all([0, 17, 39].map(number => chain.proof(number)))
  const { root } = await chain.head()
  const saved = await chain.checkpoint()
  expect((await chain.getBlock(3))!.body).toBeDefined()
  expect(await chain.prune({ last: 5 })).toMatchObject({ pruned: 35, kept: 5, block: 40 })
  expect((await chain.getBlock(3))!.body).toBeUndefined()
  expect(chain.view(3)?.body).toBeUndefined()
  expect((await chain.range(0, 40)).filter(({ body }) => body !== undefined)).toHaveLength(5)
  expect((await chain.checkpoint()).size).toBe(41)
  expect(root).toBe(saved.root)
  for (const old of before) {
    const block = (await chain.getBlock(old.number))!
    expect(block.hash).toBe(old.hash)
    const anew = await chain.proof(old.number)
    expect(anew.entry).toBe(old.entry)
    for (const { text, entry } of [old, anew]) {
      expect(checkProof(text, entry, [verifierKey])).toMatchObject({
        number: old.number,
        size: text === old.text ? 40 : 41,
      })
    }
  }
  await chain.addBatch(footprints(3, 'later'))
  const report = await chain.verify({ full: true, head: saved.text })
  expect(report).toMatchObject({ ok: true, faults: [], size: 44, pruned: 35 })
  expect(await chain.stats()).toMatchObject({ size: 44, pruned: 35, log: 'example.com/test', signed: 41 })
  await chain.close()
  expect(warnings).toEqual([])
})

it('after a restore nothing is signed that does not continue what was, until the chain does again', async () => {
  const { chain } = await newChain()
  await chain.addBatch(footprints(10))
  await chain.snapshot('ten')
  await chain.addBatch(footprints(10, 'second'))
  await chain.key()
  const signed = await chain.checkpoint()
  expect(signed.size).toBe(20)
  const { before, signedAhead } = await chain.restore('ten')
  expect(signedAhead).toBe(20)
  expect(chain.size()).toBe(10)
  expect((await chain.getBlock('latest'))!.body!.text).toBe('first 9')
  expect(await chain.getBlock(15)).toBeUndefined()
  expect((await chain.range(0, 10)).length).toBe(10)
  await expect(chain.checkpoint()).rejects.toMatchObject({ code: 'CONFLICT' })
  await chain.addBatch(footprints(15, 'other'))
  await expect(chain.checkpoint()).rejects.toMatchObject({ code: 'CONFLICT' })
  expect(await chain.verify({ full: true, head: signed.text })).toMatchObject({ ok: false })
  // What was signed is what is there again.
  await chain.restore(before!.name)
  expect(await chain.checkpoint()).toMatchObject({ size: 20, root: signed.root })
  expect(await chain.verify({ full: true, head: signed.text })).toMatchObject({ ok: true, size: 20 })
  await chain.close()
})
