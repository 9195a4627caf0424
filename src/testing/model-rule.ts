// The rule that needs a model: over random sequences of calls a store answers as a Map does. The sequences are the same in each
// run, so that a failure can be seen again.
import type { Key, Store } from '../ports.js'
import { same, sameAnswers, sameMap } from './checks.js'
import { keyOf } from './entries.js'
import { Bench, listed, type StoreHarness } from './harness.js'

const RUNS = 40
const MOST_CALLS = 25
const KEYS = 12

type Operation =
  | { readonly op: 'set' | 'get' | 'delete'; readonly ns: readonly number[]; readonly value: number }
  | { readonly op: 'list' | 'reopen' | 'clear' }

export async function behavesAsMap(harness: StoreHarness): Promise<void> {
  for (let run = 0; run < (harness.runs ?? RUNS); run++) {
    const operations = sequence(randomNumbers(run + 1))
    const done: Operation[] = []
    const bench = new Bench(harness)
    try {
      const medium = await bench.medium()
      const model = new Map<Key, Uint8Array>()
      let store = await bench.open(medium)
      for (const operation of operations) {
        done.push(operation)
        if (operation.op !== 'reopen') await apply(operation, store, model, bench)
        else if (harness.skips?.persistence === undefined) {
          await store.close()
          store = await bench.open(medium)
        }
        if (operation.op !== 'get') await compare(store, model)
      }
    } catch (error) {
      const calls = done.map(one => ('ns' in one ? `${one.op} ${one.ns.join(' ')}` : one.op)).join(', ')
      throw new Error(`${(error as Error).message} (after: ${calls})`, { cause: error })
    } finally {
      await bench.end()
    }
  }
}

async function apply(operation: Operation, store: Store, model: Map<Key, Uint8Array>, bench: Bench): Promise<void> {
  if (operation.op === 'clear') {
    await store.clear()
    model.clear()
  }
  if (!('ns' in operation)) return
  const keys = operation.ns.map(keyOf)
  if (operation.op === 'set') {
    const items = keys.map((key, i) => [key, bench.value(operation.value + i)] as const)
    await store.setMany(items)
    for (const [key, bytes] of items) model.set(key, bytes)
  } else if (operation.op === 'get') {
    const expected = keys.map(key => model.get(key))
    sameAnswers(await store.getMany(keys), expected, 'getMany')
  } else {
    const expected = keys.filter(key => model.delete(key)).length
    same(await store.deleteMany(keys), expected, 'deleteMany')
  }
}

async function compare(store: Store, model: ReadonlyMap<Key, Uint8Array>): Promise<void> {
  sameMap(await listed(store), new Map([...model].map(([key, bytes]) => [key, bytes.length])), 'list')
  same((await store.size()).entries, model.size, 'entries')
}

function sequence(below: (n: number) => number): Operation[] {
  return Array.from({ length: 1 + below(MOST_CALLS) }, (): Operation => {
    const kind = below(11)
    const ns = (most: number) => Array.from({ length: below(most + 1) }, () => below(KEYS))
    if (kind < 5) return { op: 'set', ns: ns(6), value: below(500) }
    if (kind < 8) return { op: 'get', ns: ns(6), value: 0 }
    if (kind < 10) return { op: 'delete', ns: ns(4), value: 0 }
    return { op: (['list', 'reopen', 'clear'] as const)[below(3)]! }
  })
}

/** Whole numbers below `n`, by mulberry32. */
function randomNumbers(seed: number): (n: number) => number {
  let state = Math.imul(seed, 0x9e3779b1)
  return n => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % n
  }
}
