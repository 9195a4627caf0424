// A process with a segment store, driven by its parent over IPC. Bundled by processes.ts; never imported.
import { createHash, randomBytes } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { crc32 } from 'node:zlib'
import type { Space } from '../../../src/ports.js'
import { openSegmentStore } from '../../../src/stores/segments.js'
import { keyOf } from '../../../src/testing/entries.js'
import { isSelfMade, selfMade } from './self-made.js'

const { dir, space, valueBytes, budgetBytes } = JSON.parse(process.argv[2]!) as {
  dir: string
  space: string
  valueBytes: number
  budgetBytes: number
}
const open = () =>
  openSegmentStore({
    dir,
    space: space as Space,
    description: {},
    dims: 0,
    valueBytes,
    budgetBytes,
    hash: {
      sha256: text => createHash('sha256').update(text).digest('hex'),
      random: bytes => randomBytes(bytes).toString('hex'),
    },
    crc32: (bytes, seed = 0) => crc32(bytes, seed),
    clock: { now: () => Date.now(), monotonic: () => performance.now() },
    warn: () => {},
  })
const store = open()
process.on('exit', () => store.flushSync())

/** 'hit' where the value is one that some process made for this key, 'wrong' where it is not. */
type Answer = 'hit' | 'miss' | 'wrong'
const judge = (value: Uint8Array | undefined, n: number): Answer =>
  value === undefined ? 'miss' : isSelfMade(value, n) ? 'hit' : 'wrong'
const get = (n: number): Answer => judge(store.getSync(keyOf(n)), n)
const set = (ns: number[]) =>
  store.setMany(ns.map(n => [keyOf(n), selfMade(n, randomBytes(4).readUInt32LE(), valueBytes)] as const))

const calls: Record<string, (...args: never[]) => unknown> = {
  get: (ns: number[]) => ns.map(get),
  set,
  /** `rounds` times all of `keys` keys at once; how many answers of each kind. */
  async readRuns(rounds: number, keys: number) {
    const seen = { hit: 0, miss: 0, wrong: 0 }
    const ns = Array.from({ length: keys }, (_, n) => n)
    for (let round = 0; round < rounds; round++) {
      for (const [n, value] of store.getManySync(ns.map(keyOf)).entries()) seen[judge(value, n)]++
      await setImmediate()
    }
    return seen
  },
  /** As many processes would that live for one write each: their segments are small and are merged, until this one is killed. */
  async compact(keys: number) {
    for (let from = 0; ; from = (from + 20) % keys) {
      const one = open()
      const ns = Array.from({ length: 20 }, (_, i) => (from + i) % keys)
      await one.setMany(ns.map(n => [keyOf(n), selfMade(n, from, valueBytes)] as const))
      await one.close()
      await setImmediate()
    }
  },
  delete: (ns: number[]) => store.deleteMany(ns.map(keyOf)),
  clear: () => store.clear(),
  flush: () => store.flushSync(),
  size: () => store.size(),
  verify: () => store.verify(),
  counters: () => store.counters,
  close: () => store.close(),
  /** `count` look-ups among `keys` keys; what is missing is set. */
  async fill(count: number, keys: number) {
    const seen = { hit: 0, miss: 0, wrong: 0 }
    for (let i = 0; i < count; i++) {
      const n = randomBytes(4).readUInt32LE() % keys
      const answer = get(n)
      seen[answer]++
      if (answer === 'miss') await set([n])
      if (i % 50 === 0) await setImmediate()
    }
    return seen
  },
  /** Sets, deletes and reads at random until it is killed, or reads something wrong. */
  async churn(keys: number) {
    for (;;) {
      const ns = Array.from(randomBytes(20), byte => (byte * 7 + randomBytes(1)[0]!) % keys)
      await set(ns)
      if (ns.map(get).includes('wrong')) return 'wrong'
      if (ns[0]! % 5 === 0) await store.deleteMany(ns.slice(0, 3).map(keyOf))
      if (ns[0]! % 3 === 0) store.flushSync()
      await setImmediate()
    }
  },
}

process.on('message', async ({ id, name, args }: { id: number; name: string; args: never[] }) => {
  try {
    process.send!({ id, value: await calls[name]!(...args) })
  } catch (error) {
    process.send!({ id, error: { code: (error as { code?: string }).code, message: String(error) } })
  }
})
process.send!({ id: 0 })
