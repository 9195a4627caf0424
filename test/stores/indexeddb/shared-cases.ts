// Two stores on one database, as two tabs have them, against a model. Runs in a page, beside the contract suite.
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Key, Store } from '../../../src/ports.js'
import { bytesOf, keyOf } from '../../../src/testing/entries.js'
import { deleteDatabase, open } from './page.js'

let databases = 0

async function listed(store: Store): Promise<Map<Key, number>> {
  const seen = new Map<Key, number>()
  for await (const { key, bytes } of store.list()) seen.set(key, bytes)
  return seen
}

/** `tab` does `op` with some of twelve keys; lengths differ, so that a size remembered wrongly shows. A reopening folds the index. */
const step = fc.record({
  tab: fc.nat(1),
  op: fc.oneof(
    { weight: 5, arbitrary: fc.constant('set' as const) },
    { weight: 2, arbitrary: fc.constantFrom('get' as const, 'delete' as const) },
    { weight: 2, arbitrary: fc.constant('reopen' as const) },
    { weight: 1, arbitrary: fc.constant('clear' as const) },
  ),
  keys: fc.uniqueArray(fc.nat(11), { minLength: 1, maxLength: 5 }),
  length: fc.nat(300),
})

type Step = typeof step extends fc.Arbitrary<infer S> ? S : never
type Work = (steps: readonly Step[], stores: Store[], reopen: (tab: number) => Promise<void>) => Promise<void>

/** Runs `work` with two stores on one new database, for any sequence of steps. */
async function forAnySteps(work: Work): Promise<void> {
  const runs = fc.asyncProperty(fc.array(step, { maxLength: 25 }), async steps => {
    const database = `shared-${databases++}`
    const stores = [open({ database }), open({ database })]
    const reopen = async (tab: number) => {
      const old = stores[tab]!
      stores[tab] = open({ database })
      await old.close()
    }
    try {
      await work(steps, stores, reopen)
    } finally {
      await Promise.all(stores.map(store => store.close()))
      await deleteDatabase(database)
    }
  })
  await fc.assert(runs, { numRuns: 40 })
}

export function sharedCases(): void {
  it('two stores on one database behave as one Map', () =>
    forAnySteps(async (steps, stores, reopen) => {
      const model = new Map<Key, Uint8Array>()
      for (const { tab, op, keys: ns, length } of steps) {
        const [store, keys] = [stores[tab]!, ns.map(keyOf)]
        if (op === 'set') {
          const items = keys.map((key, i) => [key, bytesOf(i, length + i)] as const)
          await store.setMany(items)
          for (const [key, value] of items) model.set(key, value)
        }
        if (op === 'get') expect(await store.getMany(keys)).toEqual(keys.map(key => model.get(key)))
        if (op === 'delete') expect(await store.deleteMany(keys)).toBe(keys.filter(key => model.delete(key)).length)
        if (op === 'reopen') await reopen(tab)
        if (op === 'clear') {
          await store.clear()
          model.clear()
        }
        const other = stores[1 - tab]!
        expect(await listed(other)).toEqual(new Map([...model].map(([key, value]) => [key, value.length])))
        expect(await other.size()).toEqual(await stores[tab]!.size())
      }
    }))

  it('two stores on one database, both at work at once, agree on what is there', () =>
    forAnySteps(async (steps, stores, reopen) => {
      const work = steps.map(({ tab, op, keys: ns, length }): Promise<unknown> => {
        const [store, keys] = [stores[tab]!, ns.map(keyOf)]
        if (op === 'set') return store.setMany(keys.map((key, i) => [key, bytesOf(i, length + i)]))
        if (op === 'get') return store.getMany(keys)
        if (op === 'delete') return store.deleteMany(keys)
        return op === 'clear' ? store.clear() : reopen(tab)
      })
      await Promise.all(work)
      const [one, two] = await Promise.all(stores.map(listed))
      expect(one).toEqual(two)
      const keys = Array.from({ length: 12 }, (_, n) => keyOf(n))
      const found = await stores[0]!.getMany(keys)
      const there = keys.flatMap((key, i): [Key, number][] => (found[i] ? [[key, found[i].length]] : []))
      expect(one).toEqual(new Map(there))
    }))
}
