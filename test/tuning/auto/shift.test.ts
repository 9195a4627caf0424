// The tuner against the best that could have been set by hand, on traffic that moves from one cache to another. OP_DBUS_TUNING=full: long phases.
import { expect, it } from 'vitest'
import type { CacheName } from '../../../src/ports.js'
import { Replay } from '../../../src/tuning/auto/replay.js'
import { POLICIES } from '../../../src/tuning/policies.js'
import { CACHE_ORDER } from '../../../src/tuning/requests.js'
import { BUDGET, type Request, START, Traffic } from './traffic.js'

const FULL = process.env.OP_DBUS_TUNING === 'full'
const PHASE = FULL ? 100_000 : 25_000
/** Of the budget, parts that a split by hand is made of. */
const PARTS = FULL ? 20 : 10

function shifting(seed: number): Request[] {
  const traffic = new Traffic(seed)
  const others = { embeddings: 0.1, queries: 0.1, diffs: 0.1, blocks: 0.1 }
  return (['embeddings', 'queries', 'blocks', 'diffs'] as const).flatMap(hot =>
    Array.from({ length: PHASE }, () => traffic.next({ ...others, [hot]: 0.7 })),
  )
}

/** Microseconds saved by the best split that stays, of all in whole parts of the budget, under the policies of the start. */
function bestSplit(requests: readonly Request[]): number {
  const saved = CACHE_ORDER.map(name => {
    const own = requests.filter(({ cache }) => cache === name)
    return Array.from({ length: PARTS }, (_, parts) => {
      if (parts === 0) return 0
      const { bytes, entries, policy } = START[name]
      const size = (BUDGET * parts) / PARTS
      const start = { [name]: { bytes: size, entries: (entries * size) / bytes, policy } }
      return run(own, new Replay({ start, policies: POLICIES, readMicros: () => 10, tuned: false })).saved
    })
  })
  const most = (cache: number, left: number): number =>
    cache === saved.length - 1
      ? saved[cache]![left]!
      : Math.max(
          ...Array.from({ length: left - (saved.length - 1 - cache) }, (_, i) => {
            return saved[cache]![i + 1]! + most(cache + 1, left - i - 1)
          }),
        )
  return most(0, PARTS)
}

function run(requests: readonly Request[], replay: Replay) {
  for (const [i, { cache, key, bytes, cost }] of requests.entries()) replay.request(i, cache, key, bytes, cost)
  return replay.result()
}

it('saves more than the best split that stays, less one point, whether or not it may change policies', () => {
  const requests = shifting(7)
  const all = { start: START, policies: POLICIES, readMicros: () => 10 }
  const start = run(requests, new Replay({ ...all, tuned: false }))
  const moved = run(requests, new Replay({ ...all, policies: { lru: POLICIES.lru } }))
  const tuned = run(requests, new Replay(all))
  const points = (saved: number) => (100 * saved) / start.total
  const figures = [start.saved, bestSplit(requests), moved.saved, tuned.saved].map(points)
  const [asItWas, best, byMoves, byAll] = figures as [number, number, number, number]
  if (FULL)
    console.log(`saved %: start ${asItWas}, best split ${best}, moving ${byMoves}, moving and policies ${byAll}`)
  expect(best).toBeGreaterThan(asItWas)
  expect(byMoves, figures.join(' ')).toBeGreaterThan(best - 1)
  expect(byAll, figures.join(' ')).toBeGreaterThan(best - 1)
  for (const { auto } of [moved, tuned]) {
    expect(auto.budgetBytes).toBe(BUDGET)
    // Memory followed the traffic: at the end where it went last.
    const shares = Object.entries(auto.shares) as [CacheName, { bytes: number }][]
    expect(shares.sort(([, one], [, other]) => other.bytes - one.bytes)[0]![0]).toBe('diffs')
  }
}, 300_000)

it('does the same with the same requests', () => {
  const requests = shifting(8).slice(0, PHASE)
  const all = { start: START, policies: POLICIES, readMicros: () => 10 }
  const one = run(requests, new Replay(all))
  expect(one.auto.changes.length).toBeGreaterThan(0)
  expect(run(requests, new Replay(all))).toEqual(one)
})
