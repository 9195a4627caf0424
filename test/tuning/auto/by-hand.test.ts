// What somebody sets by hand while the tuner runs: that is where it starts from then on, and what it had found of the rest stays.
import { expect, it } from 'vitest'
import type { CacheName } from '../../../src/ports.js'
import { Replay } from '../../../src/tuning/auto/replay.js'
import { POLICIES } from '../../../src/tuning/policies.js'
import { CACHE_ORDER } from '../../../src/tuning/requests.js'
import { BUDGET, START, Traffic } from './traffic.js'

const bytesOf = (all: Replay, name: CacheName) => all.memories[name]!.memoryInfo().capacityBytes
const boundOf = (all: Replay) => CACHE_ORDER.reduce((sum, name) => sum + bytesOf(all, name), 0)

/** A tuner that has given embeddings what others had, and how its requests go on. One policy, so that there are only moves. */
function tuned(policies: Partial<typeof POLICIES> = { lru: POLICIES.lru }) {
  const all = new Replay({ start: START, policies, readMicros: () => 10 })
  const traffic = new Traffic(5)
  let at = 0
  const ask = (requests: number) => {
    for (const until = at + requests; at < until; at++) {
      const { cache, key, bytes, cost } = traffic.next({ embeddings: 0.9, queries: 0.04, diffs: 0.03, blocks: 0.03 })
      all.request(2 * at, cache, key, bytes, cost)
    }
  }
  ask(14_000)
  expect(bytesOf(all, 'embeddings')).toBeGreaterThan(START.embeddings.bytes)
  return { all, ask }
}

it('another policy leaves all bytes where they are, and the budget as it was', () => {
  const { all, ask } = tuned({ lru: POLICIES.lru, sieve: POLICIES.sieve })
  const before = CACHE_ORDER.map(name => bytesOf(all, name))
  const giver = CACHE_ORDER.find(name => bytesOf(all, name) < START[name].bytes)!
  all.memories[giver]!.setPolicy(POLICIES.sieve)
  ask(1001)
  expect(CACHE_ORDER.map(name => bytesOf(all, name))).toEqual(before)
  expect(all.tuner!.budgetBytes).toBe(BUDGET)
  expect(all.tuner!.state().shares[giver]!.policy).toBe('sieve')
})

it('another size is the new start, and nothing that did not pay', () => {
  const { all, ask } = tuned()
  all.memories.embeddings!.resizeMemory(800, 2_000_000)
  ask(1001)
  expect(all.tuner!.budgetBytes).toBe(BUDGET + 400_000)
  expect(CACHE_ORDER.map(name => bytesOf(all, name))).toEqual([
    2_000_000,
    START.queries.bytes,
    START.diffs.bytes,
    START.blocks.bytes,
  ])
  const { changes } = all.tuner!.state()
  expect(changes[0]).toMatchObject({ why: 'a cache was given another size', undone: false })
})

it('another size of one that has neither lent nor borrowed leaves the others as they are', () => {
  const { all, ask } = tuned()
  const before = CACHE_ORDER.map(name => bytesOf(all, name))
  const alone = CACHE_ORDER.find(name => bytesOf(all, name) === START[name].bytes)!
  all.memories[alone]!.resizeMemory(START[alone].entries, START[alone].bytes + 1000)
  ask(1001)
  const grown = (name: CacheName, bytes: number) => (name === alone ? bytes + 1000 : bytes)
  expect(CACHE_ORDER.map(name => bytesOf(all, name))).toEqual(CACHE_ORDER.map((name, i) => grown(name, before[i]!)))
  expect(all.tuner!.budgetBytes).toBe(BUDGET + 1000)
})

it('one that is switched off stays off, and one that is switched on again is tuned again', () => {
  const { all, ask } = tuned()
  all.memories.embeddings!.resizeMemory(0, 0)
  ask(3000)
  expect(all.memories.embeddings!.memoryInfo()).toMatchObject({ capacity: 0, capacityBytes: 0, size: 0 })
  expect(all.tuner!.budgetBytes).toBe(BUDGET - START.embeddings.bytes)
  expect(all.tuner!.state().shares.embeddings).toBeUndefined()
  all.memories.embeddings!.resizeMemory(START.embeddings.entries, START.embeddings.bytes)
  ask(12_000)
  expect(boundOf(all)).toBe(BUDGET)
  expect(bytesOf(all, 'embeddings')).toBeGreaterThan(START.embeddings.bytes)
})
