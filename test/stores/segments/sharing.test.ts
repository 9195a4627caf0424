// Several stores on one folder, as several processes would have: they see each other, and no interleaving revives the dead.
import * as fs from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Crc32, Key, Space } from '../../../src/ports.js'
import { clearSegments, type SegmentStore, sizeOfSegments, verifySegments } from '../../../src/stores/segments.js'
import { keyOf } from '../../../src/testing/entries.js'
import { crc32, expectBytes, hash } from '../../support.js'
import { interrupted, items, SegmentBench, valueFor } from './harness.js'

let bench: SegmentBench
beforeEach(() => {
  bench = new SegmentBench()
})
afterEach(() => bench.close())

const listed = async (store: SegmentStore): Promise<Set<Key>> => {
  const keys = new Set<Key>()
  for await (const { key } of store.list()) keys.add(key)
  return keys
}

/** `count` one-shot writers, one record each. */
async function oneShots(from: number, count: number): Promise<void> {
  for (let n = from; n < from + count; n++) {
    const store = bench.open()
    await store.setMany(items(n, n + 1))
    await store.close()
    bench.clock.advance(1)
  }
}

describe('stores that share a folder', () => {
  it('together behave as one Map, over any sequence of calls, closings, merges and clears', async () => {
    const n = fc.nat(9)
    const who = fc.nat(2)
    const op = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({ op: fc.constant('set'), who, keys: fc.array(n, { maxLength: 5 }), v: fc.nat(99) }),
      },
      {
        weight: 3,
        arbitrary: fc.record({ op: fc.constant('delete'), who, keys: fc.array(n, { maxLength: 4 }), v: fc.nat(0) }),
      },
      { weight: 3, arbitrary: fc.record({ op: fc.constant('reopen'), who, keys: fc.constant([]), v: fc.nat(0) }) },
      { weight: 1, arbitrary: fc.record({ op: fc.constant('clear'), who, keys: fc.constant([]), v: fc.nat(0) }) },
    )
    const property = fc.asyncProperty(fc.array(op, { maxLength: 40 }), async ops => {
      const shared = new SegmentBench()
      // Segments of 14 records; the budget is more than all these can fill.
      const open = () => shared.open({ budgetBytes: 16 * 1500 })
      const stores = [open(), open(), open()]
      const model = new Map<Key, Uint8Array>()
      try {
        for (const { op, who, keys: ns, v } of ops) {
          const store = stores[who]!
          const keys = ns.map(keyOf)
          if (op === 'set') {
            const entries = ns.map((n, i) => [keyOf(n), valueFor(n, v + i)] as const)
            await store.setMany(entries)
            for (const [key, value] of entries) model.set(key, value)
          } else if (op === 'delete') {
            expect(await store.deleteMany(keys)).toBe(keys.filter(key => model.delete(key)).length)
          } else if (op === 'reopen') {
            await store.close()
            stores[who] = open()
          } else {
            await store.clear()
            model.clear()
          }
          shared.settle()
          const all = Array.from({ length: 10 }, (_, n) => keyOf(n))
          for (const store of stores) {
            expect(await store.getMany(all)).toEqual(all.map(key => model.get(key)))
            expect(await listed(store)).toEqual(new Set(model.keys()))
            expect((await store.size()).entries).toBe(model.size)
          }
        }
        const report = await stores[0]!.verify()
        expect(report).toMatchObject({ live: model.size, duplicate: 0, damaged: 0, stale: 0, foreign: [] })
        expect(stores.map(store => store.counters.damaged)).toEqual([0, 0, 0])
      } finally {
        await shared.close()
      }
    })
    await fc.assert(property, { numRuns: Number(process.env.OP_DBUS_CAMPAIGN === 'full' ? 1000 : 60) })
  })

  it('look at the folder again at most every 100 ms', async () => {
    const [one, two] = [bench.open(), bench.open()]
    expect(two.getSync(keyOf(1))).toBeUndefined()
    await one.setMany(items(1, 2))
    one.flushSync()
    bench.clock.advance(99)
    expect(two.getSync(keyOf(1))).toBeUndefined()
    bench.clock.advance(1)
    expectBytes(two.getSync(keyOf(1)), valueFor(1))
  })

  it('see a delete and a clear at once where they know the record, without looking', async () => {
    const [one, two] = [bench.open(), bench.open()]
    await one.setMany(items(0, 10))
    one.flushSync()
    bench.clock.advance(100)
    for (let n = 0; n < 10; n++) expectBytes(two.getSync(keyOf(n)), valueFor(n))
    await two.deleteMany([keyOf(3)])
    expect(one.getSync(keyOf(3))).toBeUndefined()
    clearSegments(bench.dir, { hash })
    for (let n = 0; n < 10; n++) {
      expect(one.getSync(keyOf(n))).toBeUndefined()
      expect(two.getSync(keyOf(n))).toBeUndefined()
    }
  })

  it('lose nothing that is set after a clear, and serve nothing that was set before it', async () => {
    const [one, two] = [bench.open(), bench.open()]
    await one.setMany(items(0, 5))
    clearSegments(bench.dir, { hash })
    // Buffered before the clear, looked at after it, within the same 100 ms.
    expect(one.getSync(keyOf(0))).toBeUndefined()
    await one.setMany(items(0, 1))
    await two.clear()
    await one.setMany(items(5, 6))
    bench.settle()
    for (const store of [one, two, bench.open()]) {
      expectBytes(store.getSync(keyOf(5)), valueFor(5))
      for (let n = 0; n < 5; n++) expect(store.getSync(keyOf(n))).toBeUndefined()
    }
  })

  it('write a new segment when theirs was removed from under them', async () => {
    const store = bench.open()
    await store.setMany(items(0, 5))
    store.flushSync()
    fs.rmSync(bench.dir, { recursive: true })
    await store.setMany(items(5, 10))
    store.flushSync()
    const other = bench.open()
    for (let n = 5; n < 10; n++) expectBytes(other.getSync(keyOf(n)), valueFor(n))
    expect((await store.size()).entries).toBe(5)
  })

  it('keep a key that both wrote until it is deleted everywhere', async () => {
    const [one, two, three] = [bench.open(), bench.open(), bench.open()]
    await one.setMany(items(0, 3))
    await two.setMany(items(0, 3))
    bench.settle()
    expect(await verifySegments(bench.dir, { crc32 })).toMatchObject({ live: 3, duplicate: 3 })
    expect((await three.size()).entries).toBe(3)
    expect(sizeOfSegments(bench.dir, { crc32 }).entries).toBe(3)
    expect(await three.deleteMany([keyOf(1)])).toBe(1)
    for (const store of [one, two, three, bench.open()]) expect(store.getSync(keyOf(1))).toBeUndefined()
    expect(await verifySegments(bench.dir, { crc32 })).toMatchObject({ live: 2, duplicate: 2, dead: 2 })
  })

  it('of two spaces keep apart, and clear together', async () => {
    const space = 'another model' as Space
    const [one, two] = [bench.open(), bench.open({ space })]
    await one.setMany([[keyOf(1), valueFor(1)]])
    await two.setMany([[keyOf(1), valueFor(2)]])
    bench.settle()
    expectBytes(one.getSync(keyOf(1)), valueFor(1))
    expectBytes(two.getSync(keyOf(1)), valueFor(2))
    expect(sizeOfSegments(bench.dir, { crc32 }).entries).toBe(2)
    expect(JSON.parse(fs.readFileSync(join(bench.folder(space), 'space.json'), 'utf8'))).toMatchObject({
      space,
      revision: 1,
    })
    await one.clear()
    bench.clock.advance(100)
    expect(two.getSync(keyOf(1))).toBeUndefined()
    expect(fs.readdirSync(bench.dir)).toEqual(['epoch'])
  })
})

describe('merging', () => {
  it('keeps a handful of segments after hundreds of one-shot writers, and every record', async () => {
    await oneShots(0, 300)
    expect(bench.segments().length).toBeLessThanOrEqual(8)
    const store = bench.open()
    for (let n = 0; n < 300; n++) expectBytes(store.getSync(keyOf(n)), valueFor(n))
    expect(await store.verify()).toMatchObject({ live: 300, duplicate: 0, damaged: 0 })
  })

  it('leaves a living writer its segment, and takes it once it has not been touched for ten minutes', async () => {
    const sleepers = Array.from({ length: 6 }, () => bench.open())
    for (const [n, store] of sleepers.entries()) await store.setMany(items(n, n + 1))
    bench.settle()
    const early = bench.open()
    await early.setMany(items(10, 11))
    expect(bench.segments()).toHaveLength(7)
    bench.settle()
    bench.clock.advance(11 * 60_000)
    const late = bench.open()
    await late.setMany(items(11, 12))
    bench.settle()
    expect(bench.segments()).toHaveLength(1)
    for (const [n, store] of sleepers.entries()) {
      await store.setMany(items(20 + n, 21 + n))
      bench.settle()
      for (const m of [0, 1, 2, 3, 4, 5, 10, 11, 20 + n]) expectBytes(store.getSync(keyOf(m)), valueFor(m))
    }
  })

  it('takes the segments of killed writers, and cuts what they left half written', async () => {
    const writers = Array.from({ length: 6 }, () => bench.open())
    for (const [n, store] of writers.entries()) await store.setMany(items(10 * n, 10 * n + 3))
    bench.settle()
    const files = bench.segments().map(path => ({ path, bytes: fs.readFileSync(path) }))
    await bench.close()
    for (const { path, bytes } of files) {
      // As if process 4,194,303 had been killed: no footer, half a record.
      bytes.writeUInt32LE(4_194_303, 56)
      bytes.writeUInt32LE(crc32(bytes.subarray(0, 60)), 60)
      fs.writeFileSync(path, Buffer.concat([bytes, bytes.subarray(64, 64 + 30)]))
    }
    expect(bench.segments()).toHaveLength(6)
    const store = bench.open()
    await store.setMany(items(90, 91))
    store.flushSync()
    expect(bench.segments()).toHaveLength(process.platform === 'linux' ? 1 : 7)
    expect(await store.verify()).toMatchObject({ live: 19, damaged: 0 })
    for (let n = 0; n < 6; n++) expectBytes(store.getSync(keyOf(10 * n + 2)), valueFor(10 * n + 2))
  })
})

describe('another process acting at any moment of a merge or an eviction', () => {
  /** Acts at the n-th check that a store computes: a moment within its reading or writing. */
  class Moment {
    over = false
    #calls = 0

    constructor(
      readonly moment: number,
      readonly act: () => void,
    ) {}

    readonly crc32: Crc32 = (bytes, seed) => {
      if (!this.over && ++this.#calls === this.moment) {
        this.over = true
        this.act()
      }
      return crc32(bytes, seed)
    }
  }

  it('who deletes during a merge has deleted', async () => {
    let merged = 0
    for (let moment = 1; moment <= 60; moment++) {
      const own = new SegmentBench()
      bench = own
      await oneShots(0, 5)
      const deleter = own.open()
      expect((await deleter.size()).entries).toBe(5)
      let deleted: Promise<number> | undefined
      const at = new Moment(moment, () => {
        deleted = deleter.deleteMany([keyOf(2), keyOf(4)])
      })
      const merger = own.open({ crc32: at.crc32 })
      await merger.setMany(items(50, 51))
      own.settle()
      at.over = true
      merged += deleted !== undefined && own.segments().length === 1 ? 1 : 0
      if (deleted !== undefined) expect(await deleted, `moment ${moment}`).toBe(2)
      for (const store of [merger, deleter, own.open()]) {
        const answers = [2, 4].map(n => store.getSync(keyOf(n)) === undefined)
        expect(answers, `moment ${moment}`).toEqual(Array(2).fill(deleted !== undefined))
        for (const n of [0, 1, 3, 50]) expectBytes(store.getSync(keyOf(n)), valueFor(n))
      }
      await own.close()
    }
    expect(merged).toBeGreaterThan(20)
  })

  it('two that merge at once lose nothing, whenever the second one begins', async () => {
    for (const call of ['fdatasyncSync', 'unlinkSync', 'writeSync', 'renameSync'] as const) {
      for (let moment = 1; moment <= 10; moment++) {
        const own = new SegmentBench()
        bench = own
        await oneShots(0, 5)
        const [first, second] = [own.open(), own.open()]
        await interrupted(
          call,
          moment,
          () => void second.setMany(items(51, 52)),
          first.setMany.bind(first, items(50, 51)),
        )
        own.settle()
        for (const store of [first, second, own.open()]) {
          for (const n of [0, 1, 2, 3, 4, 50]) expectBytes(store.getSync(keyOf(n)), valueFor(n))
          expect((await store.size()).entries, `${call} ${moment}`).toBeGreaterThanOrEqual(6)
        }
        // And a third, which knows what the others have copied and let go of, loses nothing either.
        await first.close()
        await oneShots(60, 6)
        const last = own.open()
        for (const n of [0, 1, 2, 3, 4, 50]) expectBytes(last.getSync(keyOf(n)), valueFor(n))
        await own.close()
      }
    }
  })

  it('who clears during a merge has cleared', async () => {
    for (let moment = 1; moment <= 60; moment++) {
      const own = new SegmentBench()
      bench = own
      await oneShots(0, 5)
      let cleared = false
      const at = new Moment(moment, () => {
        clearSegments(own.dir, { hash })
        cleared = true
      })
      const merger = own.open({ crc32: at.crc32 })
      await merger.setMany(items(50, 51))
      own.settle()
      at.over = true
      for (const store of [merger, own.open()]) {
        const answers = [0, 1, 2, 3, 4].map(n => store.getSync(keyOf(n)) === undefined)
        expect(answers, `moment ${moment}`).toEqual(Array(5).fill(cleared))
      }
      await own.close()
    }
  })

  it('who deletes during an eviction has deleted', async () => {
    for (let moment = 1; moment <= 120; moment += 3) {
      const own = new SegmentBench()
      bench = own
      // 14 records a segment, and sixteen segments.
      const budgetBytes = 16 * 1200
      const deleter = own.open({ budgetBytes })
      let deleted = false
      const at = new Moment(moment, () => {
        deleted = true
        void deleter.deleteMany([keyOf(3)])
      })
      at.over = true
      const evictor = own.open({ budgetBytes, crc32: at.crc32 })
      for (let n = 0; n < 200; n += 10) await evictor.setMany(items(n, n + 10))
      own.settle()
      // Read, so they would get another round.
      for (const n of [3, 4]) expectBytes(evictor.getSync(keyOf(n)), valueFor(n))
      expect((await deleter.size()).entries).toBe(200)
      at.over = false
      for (let n = 200; n < 280; n += 10) await evictor.setMany(items(n, n + 10))
      own.settle()
      at.over = true
      for (const store of [evictor, deleter, own.open({ budgetBytes })]) {
        expect(store.getSync(keyOf(3)) === undefined).toBe(deleted)
        // One that was not deleted did get it, and those around it did not.
        expectBytes(store.getSync(keyOf(4)), valueFor(4))
        expect(store.getSync(keyOf(5))).toBeUndefined()
      }
      await own.close()
    }
  })
})
