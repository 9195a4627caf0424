// The contract itself: a good store passes, and for each rule there is a store that breaks it and is caught by that very rule.
import { describe, expect, it } from 'vitest'
import type { Key, Store } from '../../src/ports.js'
import { type MapStore, openMapStore, storeRules } from '../../src/testing.js'
import { runNode } from '../processes.js'

type Made = MapStore & Pick<Store, 'clearedElsewhere'>

/** A Map that outlives its stores, which tell one another of a clear. */
function medium(change: (good: Made, closed: () => boolean) => Store) {
  let inner = openMapStore()
  let open: { missed: boolean }[] = []
  return {
    open(): Store {
      let closed = false
      const me = { missed: false }
      open.push(me)
      const good: Made = {
        ...inner,
        async clear() {
          await inner.clear()
          for (const other of open) other.missed = other !== me
        },
        clearedElsewhere() {
          const { missed } = me
          me.missed = false
          return missed
        },
        async close() {
          closed = true
          open = open.filter(other => other !== me)
        },
      }
      // After its close a store says what a closed Map store says.
      const gone = openMapStore()
      void gone.close()
      const guarded = Object.fromEntries(
        Object.entries(good).map(([name, member]) => [
          name,
          typeof member !== 'function' || name === 'close'
            ? member
            : (...args: never[]) =>
                ((closed ? (gone as never)[name] : member) as (...args: never[]) => unknown)(...args),
        ]),
      ) as unknown as Made
      return change(guarded, () => closed)
    },
    remove() {
      inner = openMapStore()
    },
  }
}

const broken = async (change: (good: Made, closed: () => boolean) => Store): Promise<string[]> => {
  const names: string[] = []
  for (const rule of storeRules({ medium: () => medium(change), runs: 10 })) {
    await rule.run().catch(() => names.push(rule.name))
  }
  return names
}

const BAD: readonly (readonly [rule: string, change: (good: Made, closed: () => boolean) => Store])[] = [
  [
    'answers absent as undefined, and nothing with nothing',
    good => ({ ...good, getMany: async keys => (await good.getMany(keys)).map(one => one ?? (null as never)) }),
  ],
  [
    'answers the bytes that were set, one answer per key, in the order of the keys',
    good => ({ ...good, getMany: async (keys, call) => good.getMany([...keys].sort(), call) }),
  ],
  ['has a name, for messages', good => ({ ...good, name: '' })],
  [
    'takes hundreds of keys in one call',
    good => ({
      ...good,
      getMany: async (keys, call) => (await good.getMany(keys, call)).map((one, i) => (i < 100 ? one : undefined)),
    }),
  ],
  [
    'leaves the lists that it is given as they are',
    good => ({
      ...good,
      async getMany(keys, call) {
        const found = await good.getMany(keys, call)
        ;(keys as Key[]).length = 0
        return found
      },
    }),
  ],
  [
    'lets the later item with the same key win, in one call and over calls',
    good => ({ ...good, setMany: (items, call) => good.setMany([...items].reverse(), call) }),
  ],
  [
    'copies the bytes in before setMany returns, from any offset of a larger buffer',
    good => ({
      ...good,
      async setMany(items, call) {
        await Promise.resolve()
        await good.setMany(items, call)
      },
    }),
  ],
  [
    'hands out bytes that are the caller’s own',
    good => {
      const handed = new Map<Key, Uint8Array | undefined>()
      return {
        ...good,
        async getMany(keys, call) {
          const found = await good.getMany(keys, call)
          keys.forEach((key, i) => {
            if (found[i] && handed.get(key)?.length !== found[i].length) handed.set(key, found[i])
          })
          return keys.map((key, i) => (found[i] ? handed.get(key) : undefined))
        },
      }
    },
  ],
  ['answers through getSync as through getMany', good => ({ ...good, getSync: () => undefined })],
  [
    'answers through getManySync as through getMany',
    good => ({ ...good, getManySync: keys => good.getManySync([...keys].sort()) }),
  ],
  [
    'deletes, counting each key once and only if it was there',
    good => ({ ...good, deleteMany: keys => good.deleteMany(keys).then(() => keys.length) }),
  ],
  [
    'lists every live key once with the length of its value, and counts them',
    good => ({ ...good, size: async () => ({ ...(await good.size()), bytes: 0 }) }),
  ],
  [
    'can be changed while it is listed',
    good => ({
      ...good,
      async *list() {
        const before = (await good.size()).entries
        for await (const one of good.list()) {
          yield one
          if ((await good.size()).entries !== before) return
        }
      },
    }),
  ],
  ['clears everything and goes on', good => ({ ...good, clear: async () => undefined })],
  [
    'keeps the order of calls that overlap',
    good => {
      let calls = 0
      return {
        ...good,
        async setMany(items, call) {
          const copy = items.map(([key, bytes]) => [key, bytes.slice()] as const)
          for (let turns = calls++ % 2 === 0 ? 20 : 0; turns > 0; turns--) await Promise.resolve()
          await good.setMany(copy, call)
        },
      }
    },
  ],
  [
    'rejects a key that is none with INVALID_INPUT, before it changes anything',
    good => ({
      ...good,
      async setMany(items, call) {
        for (const item of items) await good.setMany([item], call)
      },
    }),
  ],
  [
    'does nothing for a caller who has already gone',
    good => ({ ...good, setMany: items => good.setMany(items), getMany: keys => good.getMany(keys) }),
  ],
  [
    'closes twice, and says CLOSED to everything else afterwards',
    (good, closed) => ({ ...good, size: async () => (closed() ? { entries: 0, bytes: 0 } : good.size()) }),
  ],
  [
    'finds after a reopening what was there, and not what was deleted',
    good => ({
      ...good,
      async close() {
        await good.clear().catch(() => {})
        await good.close()
      },
    }),
  ],
  ['shows one store’s changes to another on the same medium', () => openMapStore()],
  [
    'tells once of a clear by another store on the same medium, and never of its own',
    good => ({ ...good, clearedElsewhere: () => false }),
  ],
  [
    'behaves as a Map does, over any sequence of calls',
    good => ({ ...good, deleteMany: async keys => (keys.length > 3 ? 0 : good.deleteMany(keys)) }),
  ],
]

describe('the store contract', () => {
  it('is kept by a good store', async () => {
    expect(await broken(good => good)).toEqual([])
  })

  it.each(BAD)('sees a store that does not keep: %s', async (rule, change) => {
    expect(await broken(change)).toContain(rule)
  })

  it('has a bad store for each rule', () => {
    const rules = storeRules({ medium: () => medium(good => good) }).map(({ name }) => name)
    expect(BAD.map(([rule]) => rule)).toEqual(rules)
  })

  it('runs under node:test, over the built package', async () => {
    const script = (open: string) => `
      import { describe, it } from 'node:test'
      import { openMapStore, storeContract } from 'op-dbus/testing'
      const why = 'lives and dies with its process'
      const open = ${open}
      storeContract('mine', { medium: () => ({ open }), skips: { persistence: why, shared: why } }, { describe, it })`
    const run = (open: string) => runNode(['--test-reporter=tap', '--input-type=module', '-e', script(open)])
    const good = await run('openMapStore')
    expect(good.code, good.stdout + good.stderr).toBe(0)
    expect(good.stdout).toMatch(/# pass 19\n.*# fail 0\n.*# cancelled 0\n.*# skipped 3\n/s)
    const bad = await run('() => ({ ...openMapStore(), deleteMany: async () => 0 })')
    expect(bad.code).toBe(1)
    expect(bad.stdout).toContain('how many were deleted: expected 2, got 0')
  })
})
