// Blocks one after the other: the newest that fit, whatever the clock did, and those to come.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Block } from '../../src/blockchain/block.js'
import { draftOf } from '../../src/blockchain/footprint.js'
import { listBlocks, streamBlocks } from '../../src/blockchain/listing.js'
import type { BlockTimes } from '../../src/blockchain/ports.js'
import type { BlockFilter } from '../../src/blockchain/reports.js'
import { MemoryStore } from './memory-store.js'

/** Tells times of whole thousands, as the index does. */
class TimedStore extends MemoryStore {
  stale: Partial<BlockTimes> = {}

  times(number: number): BlockTimes | undefined {
    const first = number - (number % 1000)
    const blocks = this.disk.blocks.slice(first, first + 1000)
    if (blocks.length < 1000) return undefined
    const times = blocks.map(({ header }) => header.timestamp)
    const [least, greatest] = [Math.min(...times), Math.max(...times)]
    return { first, last: first + 999, hash: blocks[999]!.hash, least, greatest, ...this.stale }
  }
}

async function chainOf(times: readonly number[], names: readonly string[] = ['net']): Promise<TimedStore> {
  const store = new TimedStore()
  for (const [i, now] of times.entries()) {
    store.disk.now = now
    const plugin_id = names[i % names.length]!
    await store.append([draftOf({ plugin_id, operation: i % 2 === 0 ? 'apply' : 'apply_error', timestamp: 7 }, 0)])
  }
  store.asked.length = 0
  return store
}

const numbers = (blocks: readonly Block[]) => blocks.map(({ number }) => number)

describe('the newest blocks', () => {
  it('come newest first, 20 where nothing is said', async () => {
    const store = await chainOf(Array.from({ length: 50 }, (_, i) => i))
    expect(numbers(await listBlocks(store, {}))).toEqual(Array.from({ length: 20 }, (_, i) => 49 - i))
    expect(numbers(await listBlocks(store, { limit: 2 }))).toEqual([49, 48])
    expect(await listBlocks(store, { limit: 0 })).toEqual([])
    expect(await listBlocks(store, { limit: Number.POSITIVE_INFINITY })).toHaveLength(50)
    expect(await listBlocks(new MemoryStore(), {})).toEqual([])
  })

  it('are of one chain, also where another is put in its place meanwhile', async () => {
    const times = Array.from({ length: 1200 }, (_, i) => i)
    const [store, other] = [await chainOf(times), (await chainOf(times, ['lxc'])).disk.blocks.slice()]
    const scan = store.scan.bind(store)
    let scans = 0
    store.scan = (from, to) => {
      if (++scans === 2) store.disk.rewrite(blocks => blocks.splice(0, blocks.length, ...other))
      return scan(from, to)
    }
    expect(await listBlocks(store, { limit: Number.POSITIVE_INFINITY })).toEqual(other.toReversed())
    // Nobody restored anything: then it is damage.
    store.disk.blocks.splice(0, 1000, ...(await chainOf(times)).disk.blocks.slice(0, 1000))
    const damaged = listBlocks(store, { limit: Number.POSITIVE_INFINITY })
    await expect(damaged).rejects.toMatchObject({ code: 'CHAIN_DAMAGED', details: { block: 1000 } })
  })

  it('that fit all conditions', async () => {
    const store = await chainOf([10, 20, 30, 40, 50, 60], ['net', 'lxc', 'systemd'])
    expect(numbers(await listBlocks(store, { plugin: 'lxc' }))).toEqual([4, 1])
    expect(numbers(await listBlocks(store, { operation: 'apply_error' }))).toEqual([5, 3, 1])
    expect(numbers(await listBlocks(store, { since: 20, until: 50 }))).toEqual([3, 2, 1])
    expect(numbers(await listBlocks(store, { since: 20, plugin: 'net' }))).toEqual([3])
  })

  it('are found without reading thousands that are of other times', async () => {
    const store = await chainOf(Array.from({ length: 5500 }, (_, i) => i))
    expect(numbers(await listBlocks(store, { since: 5400, limit: 1000 }))).toHaveLength(100)
    // What is left of the last thousand, and of each whole one the block that its hash is compared with.
    expect(store.asked.filter(number => number < 5000)).toEqual([4999, 3999, 2999, 1999, 999])
    expect(numbers(await listBlocks(store, { until: 3, limit: 2 }))).toEqual([2, 1])
  })

  it('what the index says of another chain is not believed', async () => {
    const store = await chainOf(Array.from({ length: 2000 }, (_, i) => i))
    store.stale = { hash: 'f'.repeat(64), least: -1, greatest: -1 }
    expect(await listBlocks(store, { since: 0, limit: 5000 })).toHaveLength(2000)
    store.stale = { last: 2999, least: -1, greatest: -1 }
    expect(await listBlocks(store, { since: 0, limit: 5000 })).toHaveLength(2000)
  })

  it('none is missed where the clock went back and forth', async () => {
    const time = fc.integer({ min: 0, max: 20 })
    await fc.assert(
      fc.asyncProperty(fc.array(time, { maxLength: 30 }), time, time, async (steps, since, until) => {
        // Each step is a run of blocks of one time, so that whole thousands are of one.
        const times = steps.flatMap(step => Array.from({ length: 100 }, () => step))
        const store = await chainOf(times)
        const filter: BlockFilter = { since, until }
        const expected = times.flatMap((t, number) => (t >= since && t < until ? [number] : [])).reverse()
        expect(numbers(await listBlocks(store, { ...filter, limit: 10_000 }))).toEqual(expected)
      }),
      { numRuns: 20 },
    )
  })

  it.each([{ limit: -1 }, { limit: 1.5 }, { limit: '3' }, { since: Number.NaN }, { until: 'now' }, { plugin: 7 }])(
    '%j is refused',
    async call => {
      await expect(listBlocks(new MemoryStore(), call as never)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    },
  )

  it('end with the signal, and with what the disk says', async () => {
    const store = await chainOf([1, 2, 3])
    await expect(listBlocks(store, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' })
    store.fault = new Error('the disk')
    await expect(listBlocks(store, {})).rejects.toThrow('the disk')
  })
})

describe('a stream', () => {
  it('gives blocks in order, and ends', async () => {
    const store = new MemoryStore()
    await store.fill(600)
    expect(numbers(await all(streamBlocks(store, {})))).toEqual(Array.from({ length: 600 }, (_, i) => i))
    expect(numbers(await all(streamBlocks(store, { from: 598 })))).toEqual([598, 599])
    expect(await all(streamBlocks(store, { from: 700 }))).toEqual([])
  })

  it('that follows gives those to come, of other processes too: from the end where nothing is said', async () => {
    const store = new MemoryStore()
    const other = new MemoryStore(store.disk)
    await store.fill(3)
    const stream = streamBlocks(store, { follow: true })
    const early = streamBlocks(store, { follow: true, from: 1 })
    await other.fill(2)
    const next = async () => (await stream.next()).value?.number
    expect([await next(), await next()]).toEqual([3, 4])
    const coming = next()
    await other.fill(1)
    expect(await coming).toBe(5)
    for (const number of [1, 2, 3, 4, 5]) expect((await early.next()).value?.number).toBe(number)
    await Promise.all([stream.return!(), early.return!()])
    expect(store.disk.changed.size).toBe(0)
  })

  it('ends at once by return while it waits; a break is one', async () => {
    const store = new MemoryStore()
    await store.fill(1)
    const stream = streamBlocks(store, { follow: true })
    const waiting = stream.next()
    expect(await stream.return!()).toEqual({ done: true, value: undefined })
    expect(await waiting).toEqual({ done: true, value: undefined })
    expect(await stream.next()).toEqual({ done: true, value: undefined })
    for await (const _ of streamBlocks(store, { follow: true, from: 0 })) break
    expect(store.disk.changed.size).toBe(0)
  })

  it('rejects once its signal fires: before, in between, and while it waits', async () => {
    const store = new MemoryStore()
    await store.fill(2)
    const aborted = streamBlocks(store, { signal: AbortSignal.abort() })
    await expect(aborted.next()).rejects.toMatchObject({ code: 'ABORTED' })
    const control = new AbortController()
    const stream = streamBlocks(store, { from: 0, follow: true, signal: control.signal })
    await stream.next()
    await stream.next()
    const waiting = stream.next()
    control.abort()
    await expect(waiting).rejects.toMatchObject({ code: 'ABORTED' })
    const between = new AbortController()
    const read = streamBlocks(store, { signal: between.signal })
    await read.next()
    between.abort()
    await expect(read.next()).rejects.toMatchObject({ code: 'ABORTED' })
  })

  it('passes on what the disk says, and the end of the chain', async () => {
    const store = new MemoryStore()
    await store.fill(1)
    const stream = streamBlocks(store, { follow: true })
    const waiting = stream.next()
    await store.close()
    await expect(waiting).rejects.toMatchObject({ code: 'CLOSED' })
    const other = new MemoryStore(store.disk)
    const failing = streamBlocks(other, {})
    other.fault = new Error('the disk')
    await expect(failing.next()).rejects.toThrow('the disk')
  })

  it('does not go on in another chain without a word', async () => {
    const store = new MemoryStore()
    await store.fill(3)
    const stream = streamBlocks(store, { follow: true, from: 2 })
    expect((await stream.next()).value?.number).toBe(2)
    store.disk.rewrite(blocks => blocks.splice(1))
    const waiting = stream.next()
    store.disk.now++
    await store.fill(5)
    await expect(waiting).rejects.toMatchObject({ code: 'STORE', message: expect.stringContaining('restored') })
  })

  it.each([{ from: -1 }, { from: 1.5 }, { from: '1' }, { follow: 'yes' }])('%j is refused', call => {
    expect(() => streamBlocks(new MemoryStore(), call as never)).toThrow(
      expect.objectContaining({ code: 'INVALID_INPUT' }),
    )
  })
})

async function all(stream: AsyncIterable<Block>): Promise<Block[]> {
  const blocks: Block[] = []
  for await (const block of stream) blocks.push(block)
  return blocks
}
