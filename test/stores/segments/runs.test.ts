// Many keys at once: whatever lies between their records, and whatever others do meanwhile, they are answered as one by one.
import * as fs from 'node:fs'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Scratch } from '../../../src/cache/scratch.js'
import type { Key } from '../../../src/ports.js'
import { newParsedKey, parseKey } from '../../../src/stores/segments/parsed-key.js'
import { clearSegments, type SegmentStore } from '../../../src/stores/segments.js'
import { keyOf } from '../../../src/testing/entries.js'
import { expectBytes, hash } from '../../support.js'
import { interrupted, items, SegmentBench, valueFor } from './harness.js'

const KEYS = 60
/** So long that a run reads over a gap of two records, but not of many. */
const LONG = 3000

let bench: SegmentBench
beforeEach(() => {
  bench = new SegmentBench()
})
afterEach(() => bench.close())

const of = (length: number, ns: readonly number[], version = 0) =>
  ns.map(n => [keyOf(n), valueFor(n, version, length)] as const)

const plain = (values: readonly (Uint8Array | undefined)[]) =>
  values.map(value => value && Buffer.from(value).toString('base64'))

const oneByOne = (store: SegmentStore, ns: readonly number[]) => plain(ns.map(n => store.getSync(keyOf(n))))

function flip(file: string, at: number): void {
  const bytes = fs.readFileSync(file)
  const place = 64 + (at % (bytes.length - 64))
  bytes[place] = bytes[place]! ^ 0x40
  fs.writeFileSync(file, bytes)
}

describe('many keys at once', () => {
  it('are answered as one by one: over holes, rewrites, damage, what is not on disk yet, and what others do meanwhile', async () => {
    const ns = (most: number) => fc.array(fc.nat(KEYS + 5), { maxLength: most })
    const property = fc.asyncProperty(
      fc.record({
        length: fc.constantFrom(24, LONG),
        writes: fc.array(fc.record({ ns: fc.uniqueArray(fc.nat(KEYS), { maxLength: 40 }), delete: ns(6) }), {
          maxLength: 4,
        }),
        inOrder: fc.boolean(),
        flips: fc.array(fc.tuple(fc.nat(9), fc.nat(200_000)), { maxLength: 4 }),
        unflushed: ns(5),
        meanwhile: fc.constantFrom('nothing', 'delete', 'rewrite', 'merge', 'clear'),
        touched: ns(10),
        asked: ns(80),
      }),
      async ({ length, writes, inOrder, flips, unflushed, meanwhile, touched, asked }) => {
        const own = new SegmentBench()
        const budgetBytes = 16 * 20 * (length + 60)
        const open = () => own.open({ valueBytes: length, budgetBytes })
        // A copy is as new as the segment it is copied into: who merges while another writes the key may make the older the newer.
        const versionOf = (version: number) => (meanwhile === 'merge' ? 0 : version)
        try {
          for (const [i, write] of writes.entries()) {
            const version = versionOf(i)
            const writer = open()
            await writer.setMany(of(length, inOrder ? write.ns.sort((one, other) => one - other) : write.ns, version))
            await writer.deleteMany(write.delete.map(keyOf))
            await writer.close()
            own.clock.advance(1)
          }
          const files = own.segments()
          for (const [file, at] of flips) if (files.length > 0) flip(files[file % files.length]!, at)
          own.clock.advance(1000)

          const [many, single, other] = [open(), open(), open()]
          // Both know the folder as it is now, and look no more by themselves.
          for (const store of [many, single]) {
            await store.setMany(of(length, unflushed, versionOf(9)))
            store.getSync(keyOf(0))
          }
          if (meanwhile === 'delete') await other.deleteMany(touched.map(keyOf))
          if (meanwhile === 'clear') clearSegments(own.dir, { hash })
          const others = touched.filter(n => !unflushed.includes(n))
          if (meanwhile === 'rewrite') await other.setMany(of(length, others, 8))
          if (meanwhile === 'rewrite') other.flushSync()
          for (let i = 0; meanwhile === 'merge' && i < 6; i++) {
            const short = open()
            await short.setMany(of(length, [100 + i]))
            await short.close()
          }
          // What others wrote meanwhile is seen by one who was surprised, so both are asked for what they know only.
          const known = asked.filter(n => n <= KEYS && writes.some(write => write.ns.includes(n)))
          const asks = meanwhile === 'nothing' ? asked : meanwhile === 'rewrite' ? known : asked.filter(n => n < 100)
          const found = many.getManySync(asks.map(keyOf))
          expect(plain(found)).toEqual(oneByOne(single, asks))
          expect(plain(found)).toEqual(oneByOne(many, asks))
          expect(plain(await many.getMany(asks.map(keyOf)))).toEqual(plain(found))
          const lent = new Scratch()
          for (let time = 0; time < 2; time++, lent.reset()) {
            expect(plain(many.getManySync(asks.map(keyOf), lent))).toEqual(plain(found))
          }
          for (const [i, value] of found.entries()) {
            if (value === undefined) continue
            // One of the versions of that very key, at an offset that floats can be read from, and nobody else's bytes.
            const versions = [0, 1, 2, 3, 8, 9].map(version => valueFor(asks[i]!, version, length))
            expect(plain(versions)).toContain(plain([value])[0])
            expect(value.byteOffset % 4).toBe(0)
          }
          // Whoever writes into one writes into no other.
          for (const [i, value] of found.entries()) value?.fill(i)
          for (const [i, value] of found.entries()) expect(value?.every(byte => byte === i) ?? true).toBe(true)
        } finally {
          await own.close()
        }
      },
    )
    await fc.assert(property, { numRuns: 40 })
  })

  it('over several blocks, in any order, with some that are not there and some twice', async () => {
    const writer = bench.open({ budgetBytes: 2 ** 20 })
    await writer.setMany(items(0, 3000))
    await writer.deleteMany(
      items(0, 3000)
        .filter((_, i) => i % 7 === 0)
        .map(([key]) => key),
    )
    await writer.close()
    const ns = Array.from({ length: 5000 }, (_, i) => (i * 2741) % 3500)
    const reader = bench.open()
    for (const found of [reader.getManySync(ns.map(keyOf)), await reader.getMany(ns.map(keyOf))]) {
      const expected = ns.map(n => (n < 3000 && n % 7 !== 0 ? valueFor(n) : undefined))
      expect(plain(found)).toEqual(plain(expected))
    }
  })

  it('are read with few reads where they lie side by side, and each is still checked', async () => {
    const writer = bench.open()
    await writer.setMany(items(0, 1000))
    await writer.close()
    const file = bench.segments()[0]!
    const bytes = fs.readFileSync(file)
    // In the value of record 500.
    bytes[64 + 500 * 64 + 45]! ^= 1
    fs.writeFileSync(file, bytes)
    const reader = bench.open()
    reader.getSync(keyOf(0))
    let reads = 0
    // Asked for in an order of its own.
    const asked = Array.from({ length: 1000 }, (_, i) => (i * 617) % 1000)
    const count = (moment: number): Promise<void> =>
      interrupted(
        'readSync',
        moment,
        () => reads++,
        () => {
          const found = reader.getManySync(asked.map(keyOf))
          expect(plain(found)).toEqual(plain(asked.map(n => (n === 500 ? undefined : valueFor(n)))))
        },
      )
    await count(1)
    expect(reads).toBe(1)
    // The second time nobody is surprised: one run, and no more.
    await count(2)
    expect(reads).toBe(1)
    expect(reader.counters.damaged).toBe(1)
  })

  it('and one by one lie apart from one another, whatever their length, where floats may lie', async () => {
    for (const length of [1, 23, 1544, 8192, 8193, 70_000]) {
      const own = new SegmentBench()
      const store = own.open({ valueBytes: length })
      const ns = Array.from({ length: 100 }, (_, n) => n)
      await store.setMany(of(length, ns))
      const found = ns.map(n => store.getSync(keyOf(n))!)
      expect(plain(found)).toEqual(plain(ns.map(n => valueFor(n, 0, length))))
      for (const [n, value] of found.entries()) value.fill(n)
      expect(found.every((value, n) => value.byteOffset % 4 === 0 && value.every(byte => byte === n))).toBe(true)
      await own.close()
    }
  })

  it('tell a key from its twin, which has the same fingerprint', async () => {
    // Found by trying: 64 bits of another key's hash.
    const twin = '00000000000000000000000000000000000000000200000090cb150f1bab3453' as Key
    const [one, other] = [newParsedKey(), newParsedKey()]
    parseKey(keyOf(1), one)
    parseKey(twin, other)
    expect([other.a, other.b]).toEqual([one.a, one.b])
    const store = bench.open()
    await store.setMany(items(0, 3))
    store.flushSync()
    expect(plain(store.getManySync([keyOf(0), twin, keyOf(2)]))).toEqual(plain([valueFor(0), undefined, valueFor(2)]))
    await store.setMany([[twin, valueFor(7)]])
    store.flushSync()
    expect(plain(store.getManySync([twin, keyOf(1)]))).toEqual(plain([valueFor(7), valueFor(1)]))
  })

  it('whatever another does between two reads of one call: old or nothing, never wrong', async () => {
    const ns = Array.from({ length: 60 }, (_, n) => n)
    for (const act of ['delete', 'rewrite', 'clear', 'evict'] as const) {
      for (let moment = 1; moment <= 8; moment++) {
        const own = new SegmentBench()
        bench = own
        const open = () => own.open({ budgetBytes: 16 * 20 * 64 })
        const writer = open()
        await writer.setMany(items(0, 60))
        await writer.close()
        const [reader, other] = [open(), open()]
        reader.getSync(keyOf(0))
        other.getSync(keyOf(0))
        let found: (Uint8Array | undefined)[] = []
        let done: Promise<unknown> | undefined
        const between = () => {
          if (act === 'delete') done = other.deleteMany(ns.filter(n => n % 3 === 0).map(keyOf))
          if (act === 'rewrite') {
            done = other.setMany(items(0, 60, 1))
            other.flushSync()
          }
          if (act === 'clear') clearSegments(own.dir, { hash })
          if (act === 'evict') done = other.setMany(items(100, 500))
        }
        await interrupted('readSync', moment, between, () => {
          found = reader.getManySync(ns.map(keyOf))
        })
        await done
        for (const n of ns) {
          const value = found[n]
          const possible = [valueFor(n), valueFor(n, 1)].map(one => plain([one])[0])
          if (value !== undefined) expect(possible, `${act} ${moment}`).toContain(plain([value])[0])
          else if (done !== undefined || act === 'clear') expect(['delete', 'clear', 'evict']).toContain(act)
          else expect.unreachable(`${act} ${moment}: ${n} is not there`)
        }
        own.settle()
        const after = plain(reader.getManySync(ns.map(keyOf)))
        expect(after).toEqual(oneByOne(open(), ns))
        await own.close()
      }
    }
  })

  it('are refused before any is read where one is no key', async () => {
    const store = bench.open()
    await store.setMany(items(0, 2))
    expect(() => store.getManySync([keyOf(0), 'no key' as never])).toThrow(/64 hex digits/)
    expectBytes(store.getSync(keyOf(1)), valueFor(1))
  })
})
