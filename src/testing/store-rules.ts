// Every rule of the store contract. Each opens what it needs and is independent of the others.
import type { Key, Store } from '../ports.js'
import { fails, same, sameAnswers, sameBytes, sameMap } from './checks.js'
import { keyOf } from './entries.js'
import { Bench, LENGTHS, listed, type StoreHarness } from './harness.js'
import { behavesAsMap } from './model-rule.js'

/** One thing that a store promises. */
export interface StoreRule {
  readonly name: string
  /** Why it does not apply to this store; then `run` is not to be called. */
  readonly skip?: string | undefined
  /** Rejects with what was broken. */
  run(): Promise<void>
}

const get = async (store: Store, n: number): Promise<Uint8Array | undefined> => (await store.getMany([keyOf(n)]))[0]

const entries = async (store: Store): Promise<number> => (await store.size()).entries

/** Every rule of the contract, for who runs them without a test runner. */
export function storeRules(harness: StoreHarness): StoreRule[] {
  const { sync, persistence, shared } = harness.skips ?? {}
  const rule = (name: string, body: (bench: Bench) => Promise<void>, skip?: string): StoreRule => ({
    name,
    skip,
    async run() {
      const bench = new Bench(harness)
      try {
        await body(bench)
      } finally {
        await bench.end()
      }
    },
  })

  return [
    rule('answers absent as undefined, and nothing with nothing', async bench => {
      const store = await bench.open()
      sameAnswers(await store.getMany([keyOf(1), keyOf(2)]), [undefined, undefined], 'getMany of an empty store')
      sameAnswers(await store.getMany([]), [], 'getMany of no keys')
      await store.setMany([])
      same(await store.deleteMany([]), 0, 'deleteMany of no keys')
      same(await store.deleteMany([keyOf(1)]), 0, 'deleteMany of a key that is not there')
      same(await entries(store), 0, 'entries')
      same((await listed(store)).size, 0, 'keys listed')
      await store.clear()
    }),

    rule('answers the bytes that were set, one answer per key, in the order of the keys', async bench => {
      const store = await bench.open()
      await store.setMany(bench.items(0, 1, 2, 3, 4, 5, 6))
      const order = [6, 2, 99, 2, 0, 5, 1, 98, 4, 3]
      const expected = order.map(n => (n > 6 ? undefined : bench.value(n)))
      sameAnswers(await store.getMany(order.map(keyOf)), expected, 'getMany')
    }),

    rule('has a name, for messages', async bench => {
      const { name } = await bench.open()
      if (typeof name !== 'string' || name === '') throw new Error(`the name is ${JSON.stringify(name)}`)
    }),

    rule('takes hundreds of keys in one call', async bench => {
      const store = await bench.open()
      const all = Array.from({ length: Math.min(300, harness.capacity ?? 300) }, (_, n) => n)
      await store.setMany(bench.items(...all))
      const order = [...all.map(n => 2 * n + 1), ...all]
      const expected = order.map(n => (n < all.length ? bench.value(n) : undefined))
      sameAnswers(await store.getMany(order.map(keyOf)), expected, 'getMany')
      same((await listed(store)).size, all.length, 'keys listed')
      same(await entries(store), all.length, 'entries')
      same(await store.deleteMany(order.map(keyOf)), all.length, 'how many were deleted')
    }),

    rule('leaves the lists that it is given as they are', async bench => {
      const store = await bench.open()
      const items = bench.items(1, 2, 3)
      const keys = items.map(([key]) => key)
      await store.setMany(items)
      await store.getMany(keys)
      await store.deleteMany(keys)
      same(items.map(([key]) => key).join(), [1, 2, 3].map(keyOf).join(), 'the items of setMany')
      same(keys.join(), [1, 2, 3].map(keyOf).join(), 'the keys of getMany and deleteMany')
    }),

    rule('lets the later item with the same key win, in one call and over calls', async bench => {
      const store = await bench.open()
      await store.setMany([
        [keyOf(1), bench.value(10)],
        [keyOf(2), bench.value(20)],
        [keyOf(1), bench.value(11)],
      ])
      sameBytes(await get(store, 1), bench.value(11), 'the later of one call')
      await store.setMany([[keyOf(1), bench.value(12)]])
      sameBytes(await get(store, 1), bench.value(12), 'the later call')
      sameBytes(await get(store, 2), bench.value(20), 'the other key')
      same(await entries(store), 2, 'entries')
    }),

    rule('copies the bytes in before setMany returns, from any offset of a larger buffer', async bench => {
      const store = await bench.open()
      const bytes = bench.value(4)
      const large = new Uint8Array(bytes.length + 9).fill(0xee)
      large.set(bytes, 3)
      const done = store.setMany([[keyOf(1), large.subarray(3, 3 + bytes.length)]])
      large.fill(0xdd)
      await done
      sameBytes(await get(store, 1), bench.value(4), 'what was set, after its buffer was overwritten')
    }),

    rule('hands out bytes that are the caller’s own', async bench => {
      const store = await bench.open()
      await store.setMany([[keyOf(1), bench.value(4)]])
      const [first, second] = await store.getMany([keyOf(1), keyOf(1)])
      first!.fill(0xaa)
      sameBytes(second, bench.value(4), 'the second answer, after the first was overwritten')
      const again = await get(store, 1)
      again!.fill(0xbb)
      sameBytes(await get(store, 1), bench.value(4), 'a later answer, after an earlier one was overwritten')
    }),

    rule(
      'answers through getSync as through getMany',
      async bench => {
        const store = await bench.open()
        // A store need not have it.
        if (store.getSync === undefined) return
        same(store.getSync(keyOf(1)), undefined, 'getSync of an empty store')
        await store.setMany([[keyOf(1), bench.value(1)]])
        sameBytes(store.getSync!(keyOf(1)), bench.value(1), 'getSync')
        store.getSync!(keyOf(1))!.fill(0xcc)
        sameBytes(store.getSync!(keyOf(1)), bench.value(1), 'getSync, after an earlier answer was overwritten')
        await store.deleteMany([keyOf(1)])
        same(store.getSync!(keyOf(1)), undefined, 'getSync of what was deleted')
      },
      sync,
    ),

    rule(
      'answers through getManySync as through getMany',
      async bench => {
        const store = await bench.open()
        // A store need not have it.
        if (store.getManySync === undefined) return
        await store.setMany(bench.items(1, 2, 3, 4))
        const keys = [3, 9, 1, 1, 2, 4].map(keyOf)
        const expected = [3, 9, 1, 1, 2, 4].map(n => (n === 9 ? undefined : bench.value(n)))
        const first = store.getManySync(keys)
        sameAnswers(first, expected, 'getManySync')
        first[2]!.fill(0xaa)
        sameBytes(first[3], bench.value(1), 'the second answer for a key, after the first was overwritten')
        sameBytes(first[4], bench.value(2), 'another answer, after one was overwritten')
        sameAnswers(store.getManySync(keys), expected, 'getManySync, after an earlier answer was overwritten')
        await fails(
          async () => store.getManySync!([keyOf(1), '../x' as Key]),
          'INVALID_INPUT',
          'getManySync with no key',
        )
      },
      sync,
    ),

    rule('deletes, counting each key once and only if it was there', async bench => {
      const store = await bench.open()
      await store.setMany(bench.items(1, 2, 3))
      await store.setMany([[keyOf(1), bench.value(4)]])
      same(await store.deleteMany([keyOf(1), keyOf(9), keyOf(1), keyOf(3)]), 2, 'how many were deleted')
      sameAnswers(await store.getMany([1, 2, 3].map(keyOf)), [undefined, bench.value(2), undefined], 'after deleting')
      same(await store.deleteMany([keyOf(1)]), 0, 'how many were deleted a second time')
      await store.setMany([[keyOf(1), bench.value(5)]])
      sameBytes(await get(store, 1), bench.value(5), 'what was set after deleting')
    }),

    rule('lists every live key once with the length of its value, and counts them', async bench => {
      const store = await bench.open()
      const all = Array.from({ length: 30 }, (_, n) => n)
      const later = (n: number) => bench.value(n + 7 * LENGTHS.length)
      await store.setMany(bench.items(...all))
      await store.setMany(all.slice(0, 5).map(n => [keyOf(n), later(n)] as const))
      await store.deleteMany([keyOf(29)])
      const expected = new Map(
        all.slice(0, 29).map(n => [keyOf(n), (n < 5 ? later(n) : bench.value(n)).length] as const),
      )
      sameMap(await listed(store), expected, 'list')
      const size = await store.size()
      same(size.entries, 29, 'entries')
      const total = [...expected.values()].reduce((a, b) => a + b, 0)
      if (!(size.bytes >= total)) throw new Error(`size says ${size.bytes} bytes, and the values alone have ${total}`)
    }),

    rule('can be changed while it is listed', async bench => {
      const store = await bench.open()
      const all = Array.from({ length: 20 }, (_, n) => n)
      await store.setMany(bench.items(...all))
      const seen = new Set<Key>()
      for await (const { key } of store.list()) {
        if (seen.size === 0) {
          await store.deleteMany(all.slice(10).map(keyOf))
          await store.setMany(bench.items(50))
        }
        if (seen.has(key)) throw new Error(`list told ${key} twice`)
        seen.add(key)
      }
      for (const n of all.slice(0, 10)) same(seen.has(keyOf(n)), true, `that ${keyOf(n)} was listed`)
    }),

    rule('clears everything and goes on', async bench => {
      const store = await bench.open()
      await store.setMany(bench.items(1, 2, 3))
      await store.clear()
      sameAnswers(await store.getMany([1, 2, 3].map(keyOf)), [undefined, undefined, undefined], 'after clear')
      same(await entries(store), 0, 'entries after clear')
      same((await listed(store)).size, 0, 'keys listed after clear')
      await store.setMany([[keyOf(2), bench.value(5)]])
      sameBytes(await get(store, 2), bench.value(5), 'what was set after clear')
      same(await entries(store), 1, 'entries')
    }),

    rule('keeps the order of calls that overlap', async bench => {
      const store = await bench.open()
      const calls: Promise<unknown>[] = []
      for (let n = 0; n < 40; n++) {
        const value = bench.value(n)
        calls.push(store.setMany([keyOf(1), keyOf(100 + n)].map(key => [key, value] as const)))
      }
      calls.push(store.deleteMany([keyOf(100)]))
      await Promise.all(calls)
      sameBytes(await get(store, 1), bench.value(39), 'the last of overlapping writes')
      same(await get(store, 100), undefined, 'what was deleted last')
      for (let n = 1; n < 40; n++) sameBytes(await get(store, 100 + n), bench.value(n), `write ${n}`)
    }),

    rule('rejects a key that is none with INVALID_INPUT, before it changes anything', async bench => {
      const store = await bench.open()
      for (const bad of ['', '../escape', 'a/b', 'a\\b', 'a\0b', '.hidden', 'Ä', `${keyOf(1)}/..`, 'x'.repeat(101)]) {
        const key = bad as Key
        const what = `the key ${JSON.stringify(bad)}`
        const items = [keyOf(2), key].map(k => [k, bench.value(1)] as const)
        await fails(() => store.setMany(items), 'INVALID_INPUT', `setMany with ${what}`)
        await fails(() => store.getMany([key]), 'INVALID_INPUT', `getMany with ${what}`)
        await fails(() => store.deleteMany([keyOf(2), key]), 'INVALID_INPUT', `deleteMany with ${what}`)
      }
      same(await entries(store), 0, 'entries')
    }),

    rule('does nothing for a caller who has already gone', async bench => {
      const store = await bench.open()
      const signal = AbortSignal.abort(new Error('gone'))
      await fails(() => store.setMany(bench.items(1), { signal }), 'ABORTED', 'setMany')
      await fails(() => store.getMany([keyOf(1)], { signal }), 'ABORTED', 'getMany')
      same(await get(store, 1), undefined, 'what was set for a caller who had gone')
    }),

    rule('closes twice, and says CLOSED to everything else afterwards', async bench => {
      const store = await bench.open()
      await store.setMany(bench.items(1))
      await Promise.all([store.close(), store.close()])
      await store.close()
      await fails(() => store.getMany([keyOf(1)]), 'CLOSED', 'getMany')
      await fails(() => store.setMany(bench.items(1)), 'CLOSED', 'setMany')
      await fails(() => store.deleteMany([keyOf(1)]), 'CLOSED', 'deleteMany')
      await fails(() => store.size(), 'CLOSED', 'size')
      await fails(() => store.clear(), 'CLOSED', 'clear')
      await fails(() => listed(store), 'CLOSED', 'list')
      if (store.getSync) await fails(() => store.getSync!(keyOf(1)), 'CLOSED', 'getSync')
      if (store.getManySync) await fails(() => store.getManySync!([keyOf(1)]), 'CLOSED', 'getManySync')
    }),

    rule(
      'finds after a reopening what was there, and not what was deleted',
      async bench => {
        const medium = await bench.medium()
        const first = await bench.open(medium)
        await first.setMany(bench.items(1, 2, 3, 4))
        await first.setMany([[keyOf(3), bench.value(33)]])
        await first.deleteMany([keyOf(2)])
        await first.close()
        const second = await bench.open(medium)
        const expected = [bench.value(1), undefined, bench.value(33), bench.value(4)]
        sameAnswers(await second.getMany([1, 2, 3, 4].map(keyOf)), expected, 'after a reopening')
        same(await entries(second), 3, 'entries after a reopening')
        await second.clear()
        await second.setMany(bench.items(5))
        await second.close()
        const third = await bench.open(medium)
        sameMap(await listed(third), new Map([[keyOf(5), bench.value(5).length]]), 'list after a clear and a reopening')
      },
      persistence,
    ),

    rule(
      'shows one store’s changes to another on the same medium',
      async bench => {
        const medium = await bench.medium()
        const [one, two] = [await bench.open(medium), await bench.open(medium)]
        await one.setMany(bench.items(1, 2))
        await two.setMany(bench.items(3))
        await medium.settle?.(one)
        await medium.settle?.(two)
        sameAnswers(await two.getMany([1, 2].map(keyOf)), [bench.value(1), bench.value(2)], 'what the other set')
        sameBytes(await get(one, 3), bench.value(3), 'what the other set')
        await two.deleteMany([keyOf(1)])
        await medium.settle?.(two)
        same(await get(one, 1), undefined, 'what the other deleted')
        await one.clear()
        await medium.settle?.(one)
        sameAnswers(
          await two.getMany([1, 2, 3].map(keyOf)),
          [undefined, undefined, undefined],
          'after the other cleared',
        )
        await two.setMany(bench.items(4))
        await medium.settle?.(two)
        sameBytes(await get(one, 4), bench.value(4), 'what the other set after a clear')
      },
      shared,
    ),

    rule(
      'tells once of a clear by another store on the same medium, and never of its own',
      async bench => {
        const medium = await bench.medium()
        const [one, two] = [await bench.open(medium), await bench.open(medium)]
        let told = 0
        two.onClearedElsewhere?.(() => told++)
        /** How often `two` has told so far; it looks at the medium first. */
        const clears = async () => {
          await two.getMany([keyOf(1)])
          if (two.clearedElsewhere?.()) told++
          return told
        }
        await one.setMany(bench.items(1))
        await medium.settle?.(one)
        same(await clears(), 0, 'clears told before any')
        await two.clear()
        same(await clears(), 0, 'clears told after its own')
        await one.setMany(bench.items(2))
        await one.clear()
        await medium.settle?.(one)
        const once = two.clearedElsewhere || two.onClearedElsewhere ? 1 : 0
        same(await clears(), once, 'clears told after one by the other')
        same(await clears(), once, 'clears told after one by the other, asked again')
      },
      shared,
    ),

    rule('behaves as a Map does, over any sequence of calls', () => behavesAsMap(harness)),
  ]
}
