// What every Store promises, as one suite that each store's test calls. It knows no store; the harness knows one.
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import type { Key, Store } from '../../src/ports.js'
import { bytesOf, keyOf } from './store-contract-data.js'

/** One place to store in: a folder, a database, a Map. Fresh and empty when made. */
export interface Medium {
  /** A store on this medium. May be called again: after a close, or for a second store at the same time. */
  open(): Store | Promise<Store>
  /** Removes every trace. Called after the suite has closed the stores it opened. */
  remove?(): void | Promise<void>
  /**
   * Makes what `from` was told so far visible to the other stores on this medium, as time would (flushes it, moves the
   * injected clock). Needed unless `skips.shared` says why not.
   */
  settle?(from: Store): void | Promise<void>
}

/** What a store may not be able to do. Each skip carries the reason that the report shows. */
export interface Skips {
  /** Answers at once through getSync. */
  readonly sync?: string
  /** A store opened later on the same medium finds what an earlier one wrote. */
  readonly persistence?: string
  /** Two stores open at once on one medium see each other's changes. */
  readonly shared?: string
}

export interface StoreHarness {
  medium(): Medium | Promise<Medium>
  /** Length of every value, for a store of fixed length. Absent: lengths from 0 to 70,000 bytes are used. */
  readonly valueBytes?: number
  /** A value of the store's own kind (JSON, say); equal for equal `n`, different for different `n`. Wins over `valueBytes`. */
  value?(n: number): Uint8Array
  readonly skips?: Skips
  /** Runs of the model test; 40 unless told. */
  readonly runs?: number
}

const LENGTHS = [1, 0, 3, 16, 1000, 4096, 70_000]

export function storeContract(name: string, harness: StoreHarness): void {
  const skips = harness.skips ?? {}
  const undo: (() => unknown)[] = []

  const value = (n: number): Uint8Array =>
    harness.value?.(n) ?? bytesOf(n, harness.valueBytes ?? LENGTHS[n % LENGTHS.length]!)

  const newMedium = async (): Promise<Medium> => {
    const medium = await harness.medium()
    undo.push(() => medium.remove?.())
    return medium
  }
  const openOn = async (medium: Medium): Promise<Store> => {
    const store = await medium.open()
    undo.push(() => store.close())
    return store
  }
  const openNew = async (): Promise<Store> => openOn(await newMedium())
  const listed = async (store: Store): Promise<Map<Key, number>> => {
    const seen = new Map<Key, number>()
    for await (const { key, bytes } of store.list()) {
      expect(seen.has(key), 'a key listed twice').toBe(false)
      seen.set(key, bytes)
    }
    return seen
  }
  const get = async (store: Store, n: number): Promise<Uint8Array | undefined> => (await store.getMany([keyOf(n)]))[0]

  afterEach(async () => {
    while (undo.length > 0) await undo.pop()!()
  })

  describe(`store contract: ${name}`, () => {
    it('answers absent as undefined, and nothing with nothing', async () => {
      const store = await openNew()
      expect(await store.getMany([keyOf(1), keyOf(2)])).toEqual([undefined, undefined])
      expect(await store.getMany([])).toEqual([])
      await store.setMany([])
      expect(await store.deleteMany([])).toBe(0)
      expect(await store.deleteMany([keyOf(1)])).toBe(0)
      expect((await store.size()).entries).toBe(0)
      expect((await listed(store)).size).toBe(0)
      await store.clear()
    })

    it('answers the bytes that were set, one answer per key, in the order of the keys', async () => {
      const store = await openNew()
      await store.setMany([0, 1, 2, 3, 4, 5, 6].map(n => [keyOf(n), value(n)]))
      const order = [6, 2, 99, 2, 0, 5, 1, 98, 4, 3]
      const answers = await store.getMany(order.map(keyOf))
      expect(answers).toHaveLength(order.length)
      for (const [i, n] of order.entries()) {
        if (n > 6) expect(answers[i]).toBeUndefined()
        else expectBytes(answers[i], value(n))
      }
    })

    it('lets the later item with the same key win, in one call and over calls', async () => {
      const store = await openNew()
      await store.setMany([
        [keyOf(1), value(10)],
        [keyOf(2), value(20)],
        [keyOf(1), value(11)],
      ])
      expectBytes(await get(store, 1), value(11))
      await store.setMany([[keyOf(1), value(12)]])
      expectBytes(await get(store, 1), value(12))
      expectBytes(await get(store, 2), value(20))
      expect((await store.size()).entries).toBe(2)
    })

    it('copies the bytes in before setMany returns, from any offset of a larger buffer', async () => {
      const store = await openNew()
      const bytes = value(4)
      const large = new Uint8Array(bytes.length + 9).fill(0xee)
      large.set(bytes, 3)
      const done = store.setMany([[keyOf(1), large.subarray(3, 3 + bytes.length)]])
      large.fill(0xdd)
      await done
      expectBytes(await get(store, 1), value(4))
    })

    it('hands out bytes that are the caller’s own', async () => {
      const store = await openNew()
      await store.setMany([[keyOf(1), value(4)]])
      const [first, second] = await store.getMany([keyOf(1), keyOf(1)])
      first!.fill(0xaa)
      expectBytes(second, value(4))
      const again = await get(store, 1)
      again!.fill(0xbb)
      expectBytes(await get(store, 1), value(4))
    })

    it('answers through getSync as through getMany', async context => {
      if (skips.sync !== undefined) return context.skip(skips.sync)
      const store = await openNew()
      expect(store.getSync!(keyOf(1))).toBeUndefined()
      await store.setMany([[keyOf(1), value(1)]])
      expectBytes(store.getSync!(keyOf(1)), value(1))
      store.getSync!(keyOf(1))!.fill(0xcc)
      expectBytes(store.getSync!(keyOf(1)), value(1))
      await store.deleteMany([keyOf(1)])
      expect(store.getSync!(keyOf(1))).toBeUndefined()
    })

    it('deletes, counting each key once and only if it was there', async () => {
      const store = await openNew()
      await store.setMany([1, 2, 3].map(n => [keyOf(n), value(n)]))
      await store.setMany([[keyOf(1), value(4)]])
      expect(await store.deleteMany([keyOf(1), keyOf(9), keyOf(1), keyOf(3)])).toBe(2)
      expect(await store.getMany([1, 2, 3].map(keyOf))).toEqual([undefined, value(2), undefined])
      expect(await store.deleteMany([keyOf(1)])).toBe(0)
      await store.setMany([[keyOf(1), value(5)]])
      expectBytes(await get(store, 1), value(5))
    })

    it('lists every live key once with the length of its value, and counts them', async () => {
      const store = await openNew()
      const all = Array.from({ length: 30 }, (_, n) => n)
      await store.setMany(all.map(n => [keyOf(n), value(n)]))
      await store.setMany(all.slice(0, 5).map(n => [keyOf(n), value(n + 7 * LENGTHS.length)]))
      await store.deleteMany([keyOf(29)])
      const expected = new Map(
        all.slice(0, 29).map(n => [keyOf(n), value(n < 5 ? n + 7 * LENGTHS.length : n).length] as const),
      )
      expect(await listed(store)).toEqual(expected)
      const { entries, bytes } = await store.size()
      expect(entries).toBe(29)
      expect(bytes).toBeGreaterThanOrEqual([...expected.values()].reduce((a, b) => a + b, 0))
    })

    it('can be changed while it is listed', async () => {
      const store = await openNew()
      const all = Array.from({ length: 20 }, (_, n) => n)
      await store.setMany(all.map(n => [keyOf(n), value(n)]))
      const seen = new Set<Key>()
      for await (const { key } of store.list()) {
        if (seen.size === 0) {
          await store.deleteMany(all.slice(10).map(keyOf))
          await store.setMany([[keyOf(50), value(50)]])
        }
        expect(seen.has(key)).toBe(false)
        seen.add(key)
      }
      for (const n of all.slice(0, 10)) expect(seen).toContain(keyOf(n))
    })

    it('clears everything and goes on', async () => {
      const store = await openNew()
      await store.setMany([1, 2, 3].map(n => [keyOf(n), value(n)]))
      await store.clear()
      expect(await store.getMany([1, 2, 3].map(keyOf))).toEqual([undefined, undefined, undefined])
      expect((await store.size()).entries).toBe(0)
      expect((await listed(store)).size).toBe(0)
      await store.setMany([[keyOf(2), value(5)]])
      expectBytes(await get(store, 2), value(5))
      expect((await store.size()).entries).toBe(1)
    })

    it('keeps the order of calls that overlap', async () => {
      const store = await openNew()
      const calls: Promise<unknown>[] = []
      for (let n = 0; n < 40; n++) {
        calls.push(
          store.setMany([
            [keyOf(1), value(n)],
            [keyOf(100 + n), value(n)],
          ]),
        )
      }
      calls.push(store.deleteMany([keyOf(100)]))
      await Promise.all(calls)
      expectBytes(await get(store, 1), value(39))
      expect(await get(store, 100)).toBeUndefined()
      for (let n = 1; n < 40; n++) expectBytes(await get(store, 100 + n), value(n))
    })

    it('rejects a key that is none with INVALID_INPUT, before it changes anything', async () => {
      const store = await openNew()
      for (const bad of ['', '../escape', 'a/b', 'a\\b', 'a\0b', '.hidden', 'Ä', `${keyOf(1)}/..`, 'x'.repeat(101)]) {
        const key = bad as Key
        const items = [keyOf(2), key].map(k => [k, value(1)] as const)
        await expect(store.setMany(items)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
        await expect(store.getMany([key])).rejects.toMatchObject({ code: 'INVALID_INPUT' })
        await expect(store.deleteMany([keyOf(2), key])).rejects.toMatchObject({ code: 'INVALID_INPUT' })
      }
      expect((await store.size()).entries).toBe(0)
    })

    it('does nothing for a caller who has already gone', async () => {
      const store = await openNew()
      const signal = AbortSignal.abort(new Error('gone'))
      await expect(store.setMany([[keyOf(1), value(1)]], { signal })).rejects.toMatchObject({ code: 'ABORTED' })
      await expect(store.getMany([keyOf(1)], { signal })).rejects.toMatchObject({ code: 'ABORTED' })
      expect(await get(store, 1)).toBeUndefined()
    })

    it('closes twice, and says CLOSED to everything else afterwards', async () => {
      const store = await openNew()
      await store.setMany([[keyOf(1), value(1)]])
      await Promise.all([store.close(), store.close()])
      await store.close()
      const closed = { code: 'CLOSED' }
      await expect(store.getMany([keyOf(1)])).rejects.toMatchObject(closed)
      await expect(store.setMany([[keyOf(1), value(1)]])).rejects.toMatchObject(closed)
      await expect(store.deleteMany([keyOf(1)])).rejects.toMatchObject(closed)
      await expect(store.size()).rejects.toMatchObject(closed)
      await expect(store.clear()).rejects.toMatchObject(closed)
      await expect(listed(store)).rejects.toMatchObject(closed)
      if (store.getSync) expect(() => store.getSync!(keyOf(1))).toThrow(expect.objectContaining(closed))
    })

    it('finds after a reopening what was there, and not what was deleted', async context => {
      if (skips.persistence !== undefined) return context.skip(skips.persistence)
      const medium = await newMedium()
      const first = await openOn(medium)
      await first.setMany([1, 2, 3, 4].map(n => [keyOf(n), value(n)]))
      await first.setMany([[keyOf(3), value(33)]])
      await first.deleteMany([keyOf(2)])
      await first.close()
      const second = await openOn(medium)
      expect(await second.getMany([1, 2, 3, 4].map(keyOf))).toEqual([value(1), undefined, value(33), value(4)])
      expect((await second.size()).entries).toBe(3)
      await second.clear()
      await second.setMany([[keyOf(5), value(5)]])
      await second.close()
      const third = await openOn(medium)
      expect(await listed(third)).toEqual(new Map([[keyOf(5), value(5).length]]))
    })

    it('shows one store’s changes to another on the same medium', async context => {
      if (skips.shared !== undefined) return context.skip(skips.shared)
      const medium = await newMedium()
      const [one, two] = [await openOn(medium), await openOn(medium)]
      await one.setMany([1, 2].map(n => [keyOf(n), value(n)]))
      await two.setMany([3].map(n => [keyOf(n), value(n)]))
      await medium.settle!(one)
      await medium.settle!(two)
      expect(await two.getMany([1, 2].map(keyOf))).toEqual([value(1), value(2)])
      expectBytes(await get(one, 3), value(3))
      await two.deleteMany([keyOf(1)])
      await medium.settle!(two)
      expect(await get(one, 1)).toBeUndefined()
      await one.clear()
      await medium.settle!(one)
      expect(await two.getMany([1, 2, 3].map(keyOf))).toEqual([undefined, undefined, undefined])
      await two.setMany([[keyOf(4), value(4)]])
      await medium.settle!(two)
      expectBytes(await get(one, 4), value(4))
    })

    it('tells once of a clear by another store on the same medium, and never of its own', async context => {
      if (skips.shared !== undefined) return context.skip(skips.shared)
      const medium = await newMedium()
      const [one, two] = [await openOn(medium), await openOn(medium)]
      let told = 0
      two.onClearedElsewhere?.(() => told++)
      /** How often `two` has told so far; it looks at the medium first. */
      const clears = async () => {
        await two.getMany([keyOf(1)])
        if (two.clearedElsewhere?.()) told++
        return told
      }
      await one.setMany([[keyOf(1), value(1)]])
      await medium.settle!(one)
      expect(await clears()).toBe(0)
      await two.clear()
      expect(await clears()).toBe(0)
      await one.setMany([[keyOf(2), value(2)]])
      await one.clear()
      await medium.settle!(one)
      expect(await clears()).toBe(1)
      expect(await clears()).toBe(1)
    })

    it('behaves as a Map does, over any sequence of calls', async () => {
      const n = fc.nat(11)
      const operation = fc.oneof(
        {
          weight: 5,
          arbitrary: fc.record({ op: fc.constant('set'), keys: fc.array(n, { maxLength: 6 }), v: fc.nat(500) }),
        },
        {
          weight: 3,
          arbitrary: fc.record({ op: fc.constant('get'), keys: fc.array(n, { maxLength: 6 }), v: fc.constant(0) }),
        },
        {
          weight: 2,
          arbitrary: fc.record({ op: fc.constant('delete'), keys: fc.array(n, { maxLength: 4 }), v: fc.constant(0) }),
        },
        { weight: 1, arbitrary: fc.constantFrom('list', 'reopen', 'clear').map(op => ({ op, keys: [], v: 0 })) },
      )
      const runs = fc.asyncProperty(fc.array(operation, { maxLength: 25 }), async operations => {
        const medium = await harness.medium()
        let store = await medium.open()
        try {
          const model = new Map<Key, Uint8Array>()
          for (const { op, keys: ns, v } of operations) {
            const keys = ns.map(keyOf)
            if (op === 'set') {
              const items = keys.map((key, i) => [key, value(v + i)] as const)
              await store.setMany(items)
              for (const [key, bytes] of items) model.set(key, bytes)
            } else if (op === 'get') {
              expect(await store.getMany(keys)).toEqual(keys.map(key => model.get(key)))
            } else if (op === 'delete') {
              expect(await store.deleteMany(keys)).toBe(keys.filter(key => model.delete(key)).length)
            } else if (op === 'clear') {
              await store.clear()
              model.clear()
            } else if (op === 'reopen' && skips.persistence === undefined) {
              await store.close()
              store = await medium.open()
            }
            if (op !== 'get') {
              expect(await listed(store)).toEqual(new Map([...model].map(([key, bytes]) => [key, bytes.length])))
              expect((await store.size()).entries).toBe(model.size)
            }
          }
        } finally {
          await store.close()
          await medium.remove?.()
        }
      })
      await fc.assert(runs, { numRuns: harness.runs ?? 40 })
    })
  })
}

/** Equal bytes, told apart quickly: toEqual on 70,000 bytes is slow. */
export function expectBytes(actual: Uint8Array | undefined, expected: Uint8Array): void {
  if (actual !== undefined && Buffer.compare(actual, expected) === 0) return
  expect(actual).toEqual(expected)
}
