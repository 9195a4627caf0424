// Blocks from memory: one disk read for a block that is asked for twice, and never one that was rewritten.
import { describe, expect, it } from 'vitest'
import type { Block } from '../../src/blockchain/block.js'
import { CachedBlocks } from '../../src/blockchain/cached-blocks.js'
import { draftOf } from '../../src/blockchain/footprint.js'
import { listBlocks, streamBlocks } from '../../src/blockchain/listing.js'
import { BlockCache, type ReadsAhead } from '../../src/caches/block-cache.js'
import { Diagnostics, type PrefetchedEvent } from '../../src/diagnostics.js'
import { OpDbusError } from '../../src/errors.js'
import { hash, TestClock } from '../support.js'
import { MemoryDisk, MemoryStore } from './memory-store.js'

interface Options {
  readonly disk?: MemoryDisk
  readonly capacity?: number
  readonly capacityBytes?: number
  readonly readsAhead?: ReadsAhead
}

function open({ disk = new MemoryDisk(), capacity = 1000, capacityBytes = 2500 * 1000, readsAhead }: Options = {}) {
  const clock = new TestClock()
  const store = new MemoryStore(disk)
  const warnings: string[] = []
  const diagnostics = new Diagnostics({ onWarning: message => warnings.push(message) })
  const cache = new BlockCache({ hash, capacity, capacityBytes, clock, diagnostics, readsAhead })
  const tree = {
    async withPrefix(prefix: string, size: number, limit: number) {
      const found = disk.blocks.slice(0, size).filter(block => block.hash.startsWith(prefix))
      return found.slice(0, limit).map(({ number }) => number)
    },
  }
  const blocks = new CachedBlocks({ store, tree, cache, clock })
  return { blocks, store, cache, clock, disk, tree, diagnostics, warnings }
}

/** A chain that another process appended: nothing of it is in memory. */
async function filled(count: number, options: Options = {}) {
  const disk = new MemoryDisk()
  await new MemoryStore(disk).fill(count)
  return open({ disk, ...options })
}

function prune(blocks: Block[]): void {
  blocks.splice(0, blocks.length, ...blocks.map(({ body: _, ...block }) => block))
}

describe('one block', () => {
  it('is read once, however often it is asked for', async () => {
    const { blocks, store, disk, cache } = await filled(200)
    const block = await blocks.get(100)
    expect(block).toBe(disk.blocks[100])
    expect(await blocks.get(100)).toBe(block)
    expect(blocks.view(100)).toBe(block)
    expect(store.asked).toEqual([100])
    expect(await cache.stats()).toMatchObject({ hits: 2, misses: 1, memory: { size: 1 } })
  })

  it('is not there past the end, and is once it is appended, by whichever process', async () => {
    const { blocks, disk } = await filled(3)
    expect(await blocks.get(3)).toBeUndefined()
    await new MemoryStore(disk).fill(1)
    expect((await blocks.get(3))?.number).toBe(3)
    expect((await blocks.get('latest'))?.number).toBe(3)
    await new MemoryStore(disk).fill(1)
    expect((await blocks.get('latest'))?.number).toBe(4)
    expect(await open().blocks.get('latest')).toBeUndefined()
  })

  it('that this process appended is in memory once it is on the disk', async () => {
    const { blocks, store } = open()
    const [block] = await store.fill(1)
    expect(blocks.view(0)).toBe(block)
    expect(await blocks.get('latest')).toBe(block)
    expect(store.asked).toEqual([])
  })

  it.each([-1, 1.5, Number.NaN, 2 ** 53, '', 'newest', 'abc', '12g4', 'f'.repeat(65), null, {}])(
    '%j is refused, and the message says what is asked for',
    async which => {
      const { blocks } = await filled(1)
      await expect(blocks.get(which as never)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    },
  )

  it('passes on what the disk says', async () => {
    const { blocks, store } = await filled(1)
    await blocks.get(0)
    store.fault = new OpDbusError('CHAIN_DAMAGED', 'block 7 is no block', { details: { block: 7 } })
    await expect(blocks.get(7)).rejects.toMatchObject({ code: 'CHAIN_DAMAGED' })
  })
})

describe('a hash', () => {
  it('or its first digits find the block, in either case', async () => {
    const { blocks, disk } = await filled(50)
    const { hash } = disk.blocks[17]!
    for (const which of [hash, hash.slice(0, 12), hash.slice(0, 12).toUpperCase()]) {
      expect((await blocks.get(which))?.number).toBe(17)
    }
    expect(await blocks.get('f'.repeat(64))).toBeUndefined()
  })

  it('that several begin with is refused, and they are named', async () => {
    const { blocks, tree, disk } = await filled(100)
    const [one, other] = [disk.blocks[3]!, disk.blocks[60]!]
    const alike = `abcd${one.hash.slice(4)}`
    disk.blocks[3] = { ...one, hash: alike }
    disk.blocks[60] = { ...other, hash: `abcd${other.hash.slice(4)}` }
    const refused = blocks.get('ABCD')
    await expect(refused).rejects.toMatchObject({ code: 'INVALID_INPUT', details: { blocks: [3, 60] } })
    await expect(refused).rejects.toThrow(/3 \(abcd.*60 \(abcd/)
    // What the tree says is compared with the block.
    tree.withPrefix = async () => [3, 5]
    expect((await blocks.get('abcd'))?.number).toBe(3)
  })
})

describe('memory', () => {
  it('holds 1,000 blocks of 1,001, the ones used last', async () => {
    const { blocks, cache, store } = open()
    await store.fill(1001)
    expect((await cache.stats()).memory).toMatchObject({ size: 1000, capacity: 1000 })
    expect(blocks.view(0)).toBeUndefined()
    expect(blocks.view(1)?.number).toBe(1)
    await blocks.get(0)
    expect((await cache.stats()).memory.size).toBe(1000)
    expect(blocks.view(2)).toBeUndefined()
  })

  it('of no blocks is off: each is read', async () => {
    const { blocks, store, cache } = await filled(20, { capacity: 0 })
    for (let i = 0; i < 10; i++) expect((await blocks.get(i))?.number).toBe(i)
    await store.fill(1)
    expect(store.asked).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(await blocks.range(2, 5)).toHaveLength(3)
    expect((await cache.stats()).memory.size).toBe(0)
  })

  it('never meets the numbers of a user', async () => {
    const { blocks, cache } = await filled(5)
    cache.set(1, { mine: true })
    expect((await blocks.get(1))?.number).toBe(1)
    expect((await cache.get(1))?.value).toEqual({ mine: true })
    await cache.delete(1)
    expect(blocks.view(1)?.number).toBe(1)
  })

  it('holds what fits its bytes: large blocks push others out', async () => {
    const { store, cache } = open({ capacityBytes: 100_000 })
    await store.fill(40)
    const data = 'x'.repeat(90_000)
    await store.append([draftOf({ plugin_id: 'net', operation: 'apply', data, text: '' }, 0)])
    const { memory } = await cache.stats()
    expect(memory.size).toBeLessThan(10)
    expect(memory.bytes).toBeLessThanOrEqual(100_000)
  })
})

describe('what was rewritten', () => {
  it.each<[string, (blocks: Block[]) => void]>([
    ['pruned', prune],
    ['restored', blocks => void blocks.splice(2)],
  ])('%s by another process is served for 2 ms at most', async (_what, change) => {
    const { blocks, disk, clock, store } = await filled(10)
    expect((await blocks.get(5))?.body).toBeDefined()
    clock.advance(2)
    expect(blocks.view(5)).toBeDefined()
    const looks = { ...store.looks }
    disk.rewrite(change)
    clock.advance(1)
    blocks.view(5)
    expect(store.looks).toEqual(looks)
    clock.advance(1)
    expect(blocks.view(5)).toBeUndefined()
    expect((await blocks.get(5))?.body).toBeUndefined()
    expect(await blocks.get('latest')).toBe(disk.blocks.at(-1))
  })

  it('while a run was read is not kept', async () => {
    const { blocks, disk, clock, store } = await filled(100)
    const scan = store.scan.bind(store)
    store.scan = async function* (from, to) {
      for await (const piece of scan(from, to)) {
        disk.rewrite(prune)
        clock.advance(2)
        blocks.view(0)
        yield piece
      }
    }
    expect((await blocks.range(10, 20))[0]?.body).toBeDefined()
    expect(blocks.view(10)).toBeUndefined()
  })

  it('cannot be told where the disk does not say: nothing is served from memory', async () => {
    const { blocks, store, clock } = await filled(3)
    await blocks.get(1)
    clock.advance(2)
    store.fault = new OpDbusError('STORE', 'the disk')
    expect(blocks.view(1)).toBeUndefined()
    expect(blocks.view(1)?.number).toBe(1)
  })
})

describe('a range', () => {
  it('is what there is of it, memory and disk together', async () => {
    const { blocks, store } = await filled(30)
    await blocks.get(12)
    const range = await blocks.range(10, 15)
    expect(range.map(({ number }) => number)).toEqual([10, 11, 12, 13, 14])
    expect(store.asked).toEqual([12, 10, 11, 13, 14])
    expect(await blocks.range(28, 99)).toHaveLength(2)
    expect(await blocks.range(50, 60)).toEqual([])
    expect(await blocks.range(7, 3)).toEqual([])
    await expect(blocks.range(-1, 3)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  })

  it('that is long leaves memory as it was', async () => {
    const { blocks, cache } = await filled(2000)
    await blocks.get(5)
    expect(await blocks.range(0, 2000)).toHaveLength(2000)
    expect((await cache.stats()).memory.size).toBe(1)
  })
})

describe('read-ahead', () => {
  const walk = async (blocks: CachedBlocks, from: number, step: number, count: number) => {
    for (let i = 0; i < count; i++) expect((await blocks.get(from + i * step))?.number).toBe(from + i * step)
  }

  it.each([
    ['forwards', 0, 1],
    ['backwards', 1999, -1],
    ['by a stride', 3, 7],
    ['backwards by a stride', 1990, -7],
  ])('%s: most blocks are in memory before they are asked for, and each is read once', async (_what, from, step) => {
    const { blocks, store, cache } = await filled(2000)
    await walk(blocks, from, step, 200)
    const stats = await cache.stats()
    expect(stats.misses).toBeLessThan(12)
    expect(new Set(store.asked).size).toBe(store.asked.length)
    expect(store.asked.length).toBeLessThan(280)
    expect(blocks.readAhead).toMatchObject({ off: false, useless: 0 })
    expect(blocks.readAhead.useful).toBeGreaterThan(180)
  })

  it('ends at either end of the chain', async () => {
    const { blocks } = await filled(20)
    await walk(blocks, 0, 1, 20)
    expect(await blocks.get(20)).toBeUndefined()
    const other = await filled(20)
    await walk(other.blocks, 19, -3, 7)
  })

  it('goes on where memory answers between', async () => {
    const { blocks } = await filled(500)
    for (let i = 0; i < 300; i++) expect(blocks.view(i) ?? (await blocks.get(i))).toBeDefined()
    expect(blocks.readAhead.useful).toBeGreaterThan(280)
  })

  it('does nothing where numbers have no pattern', async () => {
    const { blocks, store } = await filled(2000)
    for (let i = 0, number = 1; i < 300; i++, number = (number * 1103 + 377) % 2000) await blocks.get(number)
    expect(blocks.readAhead).toMatchObject({ useful: 0, useless: 0, off: false })
    expect(new Set(store.asked).size).toBe(store.asked.length)
  })

  it('stops where nobody wants what it read, and reads little for it', async () => {
    const { blocks, store } = await filled(6000, { capacity: 400 })
    // Three in a row, and then somewhere else.
    for (let start = 0; start < 6000; start += 40) await walk(blocks, start, 1, 3)
    expect(blocks.readAhead.off).toBe(true)
    expect(blocks.readAhead.useless).toBeGreaterThan(blocks.readAhead.useful)
    expect(store.asked.length).toBeLessThan(450 + 150)
  })

  it('tells what came of each block, and says of itself how it goes', async () => {
    const { blocks, cache, diagnostics } = await filled(6000, { capacity: 400 })
    const events: PrefetchedEvent[] = []
    diagnostics.on('prefetched', event => events.push(event))
    await walk(blocks, 0, 1, 100)
    for (let start = 1000; start < 1080; start += 40) await walk(blocks, start, 1, 3)
    const [state] = cache.readAhead
    const { useful, useless } = state!
    expect(useful).toBeGreaterThan(80)
    expect(useless).toBeGreaterThan(0)
    expect(state).toMatchObject({ name: 'read-ahead', cache: 'blocks', state: 'on', late: 0 })
    const of = (outcome: string) => events.filter(event => event.outcome === outcome).length
    expect([of('useful'), of('useless'), events.length]).toEqual([useful, useless, useful + useless])
    expect(events[0]).toMatchObject({ predictor: 'read-ahead', cache: 'blocks' })
    blocks.close()
    expect(cache.readAhead).toEqual([])
  })

  it.each([
    ['told', 1],
    ['quiet', 0],
  ] as const)('that is %s warns of a pause so often: %i', async (readsAhead, times) => {
    const { blocks, cache, warnings } = await filled(6000, { capacity: 400, readsAhead })
    for (let start = 0; cache.readAhead[0]!.state === 'on'; start += 40) await walk(blocks, start, 1, 3)
    expect(cache.readAhead[0]!.state).toBe('paused')
    expect(warnings).toHaveLength(times)
  })

  it('reads no more than there is room for now, as many or as large as they are', async () => {
    for (const [entries, bytes] of [
      [60, 1e9],
      [1000, 60 * 2000],
    ] as const) {
      const { blocks, cache, store } = await filled(600)
      await walk(blocks, 0, 1, 10)
      cache.resizeMemory(entries, bytes)
      await walk(blocks, 100, 1, 300)
      expect(blocks.readAhead.useless).toBeLessThan(8)
      expect(store.asked.length).toBeLessThan(330)
    }
  })

  it('that is off reads what is asked for alone', async () => {
    const { blocks, cache, store } = await filled(200, { readsAhead: 'off' })
    await walk(blocks, 0, 1, 100)
    expect(store.asked).toHaveLength(100)
    expect(cache.readAhead).toMatchObject([{ name: 'read-ahead', state: 'off', useful: 0, micros: 0 }])
  })

  it('a damaged block ahead is told to who asks for it, not before', async () => {
    const { blocks, store } = await filled(100)
    const scan = store.scan.bind(store)
    const damaged = new OpDbusError('CHAIN_DAMAGED', 'block 5 is no block')
    store.scan = async function* (from, to = 100) {
      yield* scan(from, Math.min(to, 5))
      if (to > 5) throw damaged
    }
    const read = store.read.bind(store)
    store.read = number => {
      if (number === 5) throw damaged
      return read(number)
    }
    await walk(blocks, 0, 1, 5)
    await expect(blocks.get(5)).rejects.toBe(damaged)
    await walk(blocks, 6, 1, 20)
  })
})

it('a block whose body is another is told, and not kept', async () => {
  const { blocks, disk, store } = await filled(20)
  const { body, ...rest } = disk.blocks[7]!
  disk.blocks[7] = { ...rest, body: { ...body!, text: 'something else' } }
  const damaged = { code: 'CHAIN_DAMAGED', details: { block: 7 } }
  await expect(blocks.get(7)).rejects.toMatchObject(damaged)
  await expect(blocks.range(5, 9)).rejects.toMatchObject(damaged)
  await expect(listBlocks(store, {})).rejects.toMatchObject(damaged)
  expect(blocks.view(7)).toBeUndefined()
  const stream = streamBlocks(store, { from: 6 })
  expect((await stream.next()).value?.number).toBe(6)
  await expect(stream.next()).rejects.toMatchObject(damaged)
  for (let i = 0; i < 7; i++) expect((await blocks.get(i))?.number).toBe(i)
  await expect(blocks.get(7)).rejects.toMatchObject(damaged)
  for (let i = 8; i < 20; i++) expect((await blocks.get(i))?.number).toBe(i)
})

it('is empty once it is closed, and hears of no append', async () => {
  const { blocks, store, cache } = open()
  await store.fill(2)
  blocks.close()
  await store.fill(2)
  expect((await cache.stats()).memory.size).toBe(0)
})
