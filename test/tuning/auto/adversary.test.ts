// Traffic that is against the tuner: it may win little then, and must not lose. OP_DBUS_TUNING=full: longer, and with other seeds.
import { describe, expect, it } from 'vitest'
import type { CacheName } from '../../../src/ports.js'
import { seeded } from '../../../src/sample-lines.js'
import { Replay } from '../../../src/tuning/auto/replay.js'
import { POLICIES } from '../../../src/tuning/policies.js'
import type { AutoState } from '../../../src/tuning/report.js'
import { CACHE_ORDER } from '../../../src/tuning/requests.js'
import { type Request, START, Traffic } from './traffic.js'

const FULL = process.env.OP_DBUS_TUNING === 'full'
const REQUESTS = FULL ? 200_000 : 24_000
const SEEDS = FULL ? [11, 3, 5] : [11]
/** From here on no moment is to be worse than the start: before it, one bad period is much of all. */
const BEGINNING = FULL ? 20_000 : 12_000

/** Called before each request; what is asked for next, given what the tuner has just done. */
type Adversary = (i: number, state: () => AutoState, changed: boolean, traffic: Traffic) => Request & { told?: number }

const even = { embeddings: 0.1, queries: 0.1, diffs: 0.1, blocks: 0.1 }

/** Adversaries with a memory of their own, made anew for each run. */
const ADVERSARIES: Readonly<Record<string, (seed: number) => Adversary>> = {
  'asks for what has just been made smaller': () => {
    let hot: CacheName = 'embeddings'
    return (_i, state, changed, traffic) => {
      const smaller =
        changed && state().changes.find(one => one.what === 'capacity' && Number(one.to) < Number(one.from))
      if (smaller) hot = smaller.cache
      return traffic.next({ ...even, [hot]: 0.7 })
    }
  },
  'asks for the cache that has lost most': () => {
    let hot: CacheName = 'embeddings'
    return (i, state, _changed, traffic) => {
      if (i % 500 === 0) {
        const { shares } = state()
        const left = (name: CacheName) => shares[name]!.bytes / START[name].bytes
        hot = [...CACHE_ORDER].sort((one, other) => left(one) - left(other))[0]!
      }
      return traffic.next({ ...even, [hot]: 0.7 })
    }
  },
  'makes other keys popular after each change': () => (_i, _state, changed, traffic) => {
    if (changed) for (const name of CACHE_ORDER) traffic.turn[name] += 37
    return traffic.next({ ...even, embeddings: 0.7 })
  },
  'scans now and then': () => (i, _state, _changed, traffic) =>
    i % 20_000 > 15_000 ? traffic.entry('embeddings', 100_000 + i) : traffic.next({ ...even, embeddings: 0.7 }),
  'floods one cache with what never comes again': () => (i, _state, _changed, traffic) =>
    i % 3 > 0 ? traffic.entry('blocks', 100_000 + i) : traffic.next({ ...even, embeddings: 0.7 }),
  'measures wildly: a hundredth to a hundred times of what it takes': seed => {
    const random = seeded(seed)
    return (_i, _state, _changed, traffic) => {
      const one = traffic.next({ ...even, embeddings: 0.7 })
      return { ...one, told: one.cost * 10 ** (4 * random() - 2) }
    }
  },
  'has computations of one cache that were held up for a minute': seed => {
    const random = seeded(seed)
    return (_i, _state, _changed, traffic) => {
      const one = traffic.next({ ...even, embeddings: 0.7 })
      return one.cache === 'diffs' && random() < 0.005 ? { ...one, told: 60e6 } : one
    }
  },
}

describe('the tuner, against who', () => {
  it.each(Object.entries(ADVERSARIES))(
    '%s, is never 2 points worse than the start',
    (name, adversary) => {
      for (const seed of SEEDS) {
        const policies = name.includes('lost most') || FULL ? { lru: POLICIES.lru } : POLICIES
        const [figures, state] = play(seed, adversary(seed), policies)
        if (FULL) console.log(name, seed, figures, state.changes.filter(one => one.undone).length)
        expect(figures.worst, JSON.stringify(figures)).toBeGreaterThan(-2)
        expect(figures.tuned, JSON.stringify(figures)).toBeGreaterThan(figures.start - 2)
      }
    },
    300_000,
  )

  it('takes everything back where it has lost, and leaves it for a while', () => {
    const [, { changes, shares }] = play(11, ADVERSARIES['asks for the cache that has lost most']!(11), {
      lru: POLICIES.lru,
    })
    expect(changes.some(({ undone }) => undone)).toBe(true)
    expect(changes.find(({ undone }) => undone)!.why).toContain('less than')
    for (const name of CACHE_ORDER) expect(shares[name]!.bytes).toBe(START[name].bytes)
  })
})

function play(seed: number, next: Adversary, policies: Partial<typeof POLICIES>) {
  const all = { start: START, policies, readMicros: () => 10 }
  const [tuned, fixed] = [new Replay(all), new Replay({ ...all, tuned: false })]
  const traffic = new Traffic(seed)
  let [seen, worst] = [0, 0]
  const points = (of: Replay) => {
    const { saved, total } = of.result()
    return (100 * saved) / total
  }
  for (let i = 0; i < REQUESTS; i++) {
    const { changeCount } = tuned.tuner!
    const { cache, key, bytes, cost, told } = next(i, () => tuned.tuner!.state(), changeCount !== seen, traffic)
    seen = changeCount
    tuned.request(i, cache, key, bytes, cost, told)
    fixed.request(i, cache, key, bytes, cost, told)
    if (i >= BEGINNING && i % 1000 === 0) worst = Math.min(worst, points(tuned) - points(fixed))
  }
  return [{ tuned: points(tuned), start: points(fixed), worst, changes: seen }, tuned.tuner!.state()] as const
}
