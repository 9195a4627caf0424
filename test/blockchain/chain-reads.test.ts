// Reads of a real chain through its face: from memory, from the index and from the segments, in several processes' stead by several
// openings, after a prune, with a cache folder that is spoilt.
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openCaches } from 'op-dbus'
import { type Chain, type ChainOptions, openChain } from 'op-dbus/blockchain'
import { afterEach, describe, expect, it } from 'vitest'
import { lineText } from '../../src/blockchain/line.js'
import { openBlockIndex } from '../../src/blockchain/store/index-files.js'
import { firstHash } from '../../src/blockchain/store/open.js'
import { crc32, hash, TestClock, temporaryFolder } from '../support.js'
import { testStore } from './store-parts.js'

const opened: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close()
})

const embedder = { space: 'x', dims: 1, embed: async (texts: readonly string[]) => new Float32Array(texts.length) }

async function open(folder: string, options: ChainOptions = {}): Promise<Chain> {
  const chain = await openChain({ dataDir: join(folder, 'data'), dir: join(folder, 'cache'), embedder, ...options })
  opened.push(chain)
  return chain
}

/** Many in one append, so that it takes one sync; nothing of them is embedded. */
function footprints(count: number, from = 0) {
  return Array.from({ length: count }, (_, i) => ({
    plugin_id: i % 2 === 0 ? 'net' : 'lxc',
    operation: 'apply',
    timestamp: 1_700_000_000 + from + i,
    data: { n: from + i },
    text: '',
  }))
}

async function chainOf(count: number): Promise<string> {
  const folder = temporaryFolder()
  const chain = await openChain({ dataDir: join(folder, 'data'), dir: join(folder, 'cache'), embedder })
  await chain.addBatch(footprints(count))
  await chain.close()
  return folder
}

function openStore(folder: string) {
  const dir = join(folder, 'data', 'blockchain')
  const parts = { clock: new TestClock(), hash, crc32, warn: () => {} }
  const index = openBlockIndex({ dir: indexIn(folder), chain: () => firstHash(dir), ...parts })
  const { store } = testStore(join(folder, 'data'), { index })
  opened.push(store)
  return store
}

const indexIn = (folder: string) => join(folder, 'cache', 'blocks')
const said = (chain: Chain, number: number) => chain.getBlock(number).then(block => block?.body?.data)

describe('the index', () => {
  it('is there after an append, and made anew where it is missing, cut or wrong', async () => {
    const folder = await chainOf(2500)
    const files = readdirSync(indexIn(folder)).filter(name => name.endsWith('.json'))
    expect(files).toHaveLength(3)
    const sound = files.map(name => readFileSync(join(indexIn(folder), name)))
    const spoil: ((path: string, bytes: Buffer) => void)[] = [
      path => rmSync(path),
      (path, bytes) => writeFileSync(path, bytes.subarray(0, 5000)),
      (path, bytes) =>
        writeFileSync(
          path,
          Buffer.from(bytes.toString().replaceAll(/"offset": {1,9}\d/g, at => `${at.slice(0, -1)}7`)),
        ),
      // The hashes of other blocks, and the places of none.
      (path, bytes) => writeFileSync(path, Buffer.from(bytes.toString().replaceAll(/"hash":"\w{4}/g, '"hash":"dead'))),
    ]
    for (const change of spoil) {
      for (const [i, name] of files.entries()) change(join(indexIn(folder), name), sound[i]!)
      const chain = await open(folder)
      for (const number of [0, 7, 999, 1000, 1500, 2499]) expect(await said(chain, number)).toEqual({ n: number })
      expect((await chain.range(600, 1400)).map(block => block.number)).toEqual(
        Array.from({ length: 800 }, (_, i) => 600 + i),
      )
      await chain.close()
      const again = readdirSync(indexIn(folder)).filter(name => name.endsWith('.json'))
      expect(again.slice(0, 2)).toEqual(files.slice(0, 2))
      for (const [i, name] of again.slice(0, 2).entries()) {
        expect(JSON.parse(readFileSync(join(indexIn(folder), name), 'utf8'))).toEqual(JSON.parse(sound[i]!.toString()))
      }
    }
  })

  it('of one folder serves several chains, and none another’s', async () => {
    const folder = await chainOf(1200)
    const other = await open(folder, { dataDir: join(folder, 'other') })
    await other.addBatch(footprints(1200, 5000))
    expect(await said(other, 3)).toEqual({ n: 5003 })
    expect(await said(await open(folder), 3)).toEqual({ n: 3 })
    const copy = await open(folder, { dataDir: join(folder, 'other') })
    for (const number of [3, 1100]) expect(await said(copy, number)).toEqual({ n: 5000 + number })
  })

  it('is emptied by cache clear, shown by stats, and not needed', async () => {
    const folder = await chainOf(1500)
    const caches = await openCaches({ dir: join(folder, 'cache'), embedder })
    opened.push(caches)
    expect((await caches.stats()).blocks.onDisk?.entries).toBe(1500)
    const chain = await open(folder)
    expect(await said(chain, 1)).toEqual({ n: 1 })
    await caches.clear({ blocks: true })
    expect((await caches.stats()).blocks.onDisk).toEqual({ entries: 0, bytes: 0 })
    for (const number of [2, 1400]) expect(await said(chain, number)).toEqual({ n: number })
    expect(
      await said(await open(folder, { embeddingDiskCache: false, dir: '/dev/null/no', onWarning: () => {} }), 9),
    ).toEqual({ n: 9 })
  })
})

describe('a segment that was rewritten', () => {
  /** A store with the index that every process on this folder shares. */
  it('is read right by who had it open, and by who finds the index of before', async () => {
    const folder = await chainOf(3000)
    const chain = await open(folder)
    const before = openStore(folder)
    expect(await said(chain, 1500)).toEqual({ n: 1500 })
    expect(before.read(1500)?.body).toBeDefined()
    const pruner = openStore(folder)
    await pruner.exclusively(async held => {
      const lines: string[] = []
      for await (const piece of pruner.scan(0)) for (const { header } of piece) lines.push(lineText({ header }))
      await held.rewrite(0, lines)
    })
    const fresh = openStore(folder)
    for (const store of [before, pruner, fresh]) {
      for (const number of [1500, 2999]) {
        const block = store.read(number)
        expect([block?.number, block?.body]).toEqual([number, undefined])
      }
      for (const from of [1700, 700, 2500]) {
        const numbers: number[] = []
        for await (const piece of store.scan(from, from + 300)) numbers.push(...piece.map(({ number }) => number))
        expect(numbers).toEqual(Array.from({ length: 300 }, (_, i) => from + i))
      }
    }
    await expect.poll(() => chain.view(1500)?.body).toBeUndefined()
    expect((await chain.getBlock(1500))?.body).toBeUndefined()
  })
})

it('what is read while a segment is rewritten is kept by nobody, also where whoever does that is killed', async () => {
  const folder = await chainOf(20)
  const chain = await open(folder)
  const killed = openStore(folder)
  const path = join(folder, 'data/blockchain/timing/000000000000.jsonl')
  const pruned = (await chain.range(0, 20)).map(({ header }) => lineText({ header }))
  await killed.exclusively(async held => {
    // In mid-write: that files are exchanged was said before.
    const line = {
      length: 1,
      toString() {
        throw new Error('killed')
      },
    }
    const cutOff = held.rewrite(
      0,
      Array.from({ length: 20 }, () => line as never),
    )
    await expect(cutOff).rejects.toThrow('killed')
    expect((await chain.getBlock(5))?.body).toBeDefined()
    writeFileSync(`${path}.new`, pruned.join(''))
    renameSync(`${path}.new`, path)
  })
  await expect.poll(() => chain.view(5)).toBeUndefined()
  expect((await chain.getBlock(5))?.body).toBeUndefined()
  expect(chain.view(5)).toBeUndefined()
  // Whoever takes the lock next puts it right.
  await chain.addBatch(footprints(1, 20))
  expect((await chain.getBlock(5))?.body).toBeUndefined()
  await expect.poll(async () => (await chain.getBlock(5)) && chain.view(5)?.number).toBe(5)
})

it('a restore and a prune leave nothing behind that would accuse the chain', async () => {
  const folder = await chainOf(1500)
  const chain = await open(folder)
  const told = (round: string) =>
    Array.from({ length: 5 }, (_, i) => ({ plugin_id: 'net', operation: 'apply', text: `${round} ${i}` }))
  const add = async (round: string) => {
    await chain.addBatch(told(round))
    await expect.poll(async () => (await chain.search(round)).pending).toBe(0)
    for (const number of [0, 1000, 1500]) await chain.getBlock(number)
  }
  const files = () => readdirSync(indexIn(folder)).filter(name => name.endsWith('.json'))
  await add('first')
  await chain.snapshot('first')
  await chain.addBatch(footprints(1000, 1505))
  await add('second')
  expect(files().length).toBeGreaterThan(1)
  await chain.restore('first')
  // The index that is there speaks of the chain that was put back, and of no place of the one before.
  expect(await chain.verify({ full: true })).not.toHaveProperty('staleIndex')
  await chain.addBatch(told('third'))
  expect(await chain.verify({ full: true })).toMatchObject({ faults: [], size: 1510 })
  expect((await chain.search('third')).pending).toBe(0)
  for (const number of [0, 1000]) await chain.getBlock(number)
  expect(await chain.verify({ full: true })).toMatchObject({ faults: [] })
  expect(await chain.prune({ last: 3 })).toMatchObject({ pruned: 1507 })
  const after = await chain.verify({ full: true })
  expect(after).toMatchObject({ faults: [], pruned: 1507 })
  expect(after).not.toHaveProperty('staleIndex')
})

it('what was pruned or restored is gone from memory when the call answers', async () => {
  const folder = await chainOf(20)
  const chain = await open(folder)
  await chain.snapshot('full')
  expect((await chain.getBlock(5))?.body).toBeDefined()
  await chain.prune({ everything: true, last: 0 })
  expect((chain.view(5) ?? (await chain.getBlock(5)))?.body).toBeUndefined()
  await chain.addBatch(footprints(1, 20))
  await chain.restore('full')
  expect(chain.view(20)).toBeUndefined()
  expect(await chain.getBlock(20)).toBeUndefined()
  expect((await chain.getBlock(5))?.body).toBeDefined()
})

describe('blocks', () => {
  it('that are added are read at once, also by whoever else has the chain open', async () => {
    const folder = await chainOf(1)
    const [writer, reader] = [await open(folder), await open(folder)]
    expect((await reader.getBlock('latest'))?.number).toBe(0)
    const added = await writer.addBatch(footprints(3, 1))
    expect(writer.view(3)).toBe(added[2])
    expect((await reader.getBlock('latest'))?.hash).toBe(added[2]!.hash)
    expect((await reader.getBlock(2))?.hash).toBe(added[1]!.hash)
    expect((await reader.getBlock(added[0]!.hash.slice(0, 10)))?.number).toBe(1)
    expect((await reader.list({ plugin: 'lxc' })).map(({ number }) => number)).toEqual([2])
  })

  it('of caches that are shared are counted there', async () => {
    const folder = await chainOf(50)
    const caches = await openCaches({ dir: join(folder, 'cache'), embedder, blockCacheSize: 10 })
    const chain = await openChain({ dataDir: join(folder, 'data'), caches })
    for (let i = 0; i < 20; i++) await chain.getBlock((i * 17) % 50)
    await chain.getBlock((19 * 17) % 50)
    const { hits, misses, memory } = (await caches.stats()).blocks
    expect([hits, misses, memory.size]).toEqual([1, 20, 10])
    await chain.close()
    expect((await caches.stats()).blocks.memory.size).toBe(0)
    await caches.close()
  })

  it('are listed by time', async () => {
    const folder = await chainOf(3000)
    const chain = await open(folder)
    const { timestamp } = (await chain.getBlock('latest'))!.header
    expect(await chain.list({ since: timestamp, limit: 5 })).toHaveLength(5)
    expect(await chain.list({ until: timestamp, plugin: 'ovs' })).toEqual([])
    expect(await chain.list({ since: timestamp + 1 })).toEqual([])
  })
})
