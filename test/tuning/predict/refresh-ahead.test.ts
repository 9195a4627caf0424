// Refresh-ahead in simulated time: who waits, what is asked in vain, and that it never costs more than it may.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { randomNumbers } from './counter-log.js'
import { type Ask, play, type Simulated } from './simulated.js'

const every = (ms: number, count: number, id = 'net', jitter: (i: number) => number = () => 0): Ask[] =>
  Array.from({ length: count }, (_, i) => ({ at: i * ms + jitter(i), id }))
const together = (...asks: Ask[][]) => asks.flat().sort((one, other) => one.at - other.at)
/** `OP_DBUS_TUNING=full` tries many more workloads. */
const FULL = process.env.OP_DBUS_TUNING === 'full'
const slow = { ttlMs: 5000, costMs: () => 200 }
const ended = (events: Simulated['events'], outcome: string) => events.filter(event => event.outcome === outcome).length

describe('a plugin that takes 200 ms, at a TTL of 5 s', () => {
  it('asked every 3 s: after the first nobody waits, and hardly more is asked of it than without', async () => {
    const asks = every(3000, 400)
    const plain = await play(asks, { ...slow, mode: 'off' })
    expect(plain.waits.filter(ms => ms > 5)).toHaveLength(200)
    const { waits, computations, events } = await play(asks, { ...slow, mode: 'conservative' })
    expect(waits[0]).toBe(200)
    expect(Math.max(...waits.slice(1))).toBeLessThanOrEqual(5)
    expect(computations).toBeLessThanOrEqual(1.05 * plain.computations)
    expect(ended(events, 'useful')).toBeGreaterThan(190)
  })

  it('asked every 3.4 s: one interval is enough to tell', async () => {
    const { waits } = await play(every(3400, 100), { ...slow, mode: 'conservative' })
    expect(waits.slice(1, 4).filter(ms => ms > 5)).toEqual([])
  })

  it('asked once an hour: nothing is fetched', async () => {
    const { events, computations, waits } = await play(every(3_600_000, 50), { ...slow, mode: 'eager' })
    expect(events).toEqual([])
    expect(computations).toBe(50)
    expect(waits.every(ms => ms === 200)).toBe(true)
  })

  it('asked in bursts, hours apart: nothing is fetched either', async () => {
    const asks = together(...Array.from({ length: 8 }, (_, i) => every(3_600_000, 40, 'net', () => 100 * i)))
    const { events } = await play(asks, { ...slow, mode: 'conservative' })
    expect(events).toEqual([])
  })

  it('asked ten times a second, with another beside it: none waits after the first answer', async () => {
    const asks = together(every(100, 1200, 'net'), every(1300, 92, 'systemd'))
    const { waits } = await play(asks, { ...slow, mode: 'conservative' })
    expect(asks.filter((ask, i) => waits[i]! > 5 && ask.at > 300)).toEqual([])
  })

  it('asked about every second: as many wait less as 5 % more computing allow', async () => {
    const asks = every(1000, 600, 'lxc', i => (i * 7919) % 300)
    const plain = await play(asks, { ...slow, mode: 'off' })
    const { waits, computations } = await play(asks, { ...slow, mode: 'conservative' })
    const late = (all: readonly number[]) => all.filter(ms => ms > 5).length
    expect(late(waits)).toBeLessThan(0.8 * late(plain.waits))
    expect(computations).toBeLessThanOrEqual(1.05 * plain.computations + 8)
  })

  it('asked every 3 s beside hundreds that are asked once is not forgotten for them', async () => {
    const others = Array.from({ length: 6000 }, (_, i) => ({ at: 200 * i, id: `once ${i}` }))
    const asks = together(every(3000, 400), others)
    const { waits } = await play(asks, { ...slow, mode: 'conservative' })
    expect(asks.filter((ask, i) => ask.id === 'net' && waits[i]! > 5)).toHaveLength(1)
  })

  it('and once far longer: who asks next does not wait either', async () => {
    const costMs = (_id: string, n: number) => (n === 40 ? 900 : 200)
    const { waits } = await play(every(3000, 400), { ttlMs: 5000, costMs, mode: 'conservative' })
    expect(waits.filter(ms => ms > 5).length).toBeLessThanOrEqual(2)
  })

  it('that is not asked for any more is fetched once more at most', async () => {
    const { events } = await play([...every(500, 40), { at: 500_000, id: 'net' }], { ...slow, mode: 'conservative' })
    expect(ended(events, 'useless')).toBeLessThanOrEqual(1)
  })
})

describe('what is invalidated', () => {
  it('while it is fetched is cancelled, and asked anew by who asks next', async () => {
    const asks = [...every(3000, 4), { at: 11_600, id: 'net', invalidates: true }, { at: 12_000, id: 'net' }]
    const { events, waits } = await play(asks, { ...slow, mode: 'conservative' })
    expect(ended(events, 'cancelled')).toBeLessThanOrEqual(1)
    expect(waits[4]).toBe(200)
  })

  it('again and again is soon left alone', async () => {
    const asks = Array.from({ length: 600 }, (_, i) => ({ at: 3000 * i, id: 'net', invalidates: i % 2 === 0 }))
    const plain = await play(asks, { ...slow, mode: 'off' })
    const { computations } = await play(asks, { ...slow, mode: 'conservative' })
    expect(computations).toBeLessThanOrEqual(1.05 * plain.computations)
  })
})

it('where nearly nothing that was fetched is asked for it pauses, says so once a pause, and tries again', async () => {
  // Asked for until just before it ends, and then not.
  const asks: Ask[] = []
  for (let i = 0; i < 3000; i++) for (let j = 0; j < 6; j++) asks.push({ at: 60_000 * i + 900 * j, id: `p${i % 50}` })
  const { states, warnings } = await play(asks, {
    ttlMs: 5000,
    costMs: (_id, n) => (n < 3000 ? 10 : 1),
    mode: 'conservative',
  })
  const { useless, useful, state } = states[0]!
  expect(useless).toBeGreaterThan(useful)
  expect(state).toBe('off')
  expect(new Set(warnings).size).toBe(warnings.length)
})

it('a follower is fetched when its leader is asked for', async () => {
  const asks = together(
    every(20_000, 60, 'net'),
    every(20_000, 60, 'lxc', () => 700),
  )
  const { waits, events } = await play(asks, { ...slow, mode: 'eager' })
  const followers = waits.filter((_, i) => asks[i]!.id === 'lxc')
  expect(followers.slice(10).every(ms => ms === 0)).toBe(true)
  expect(ended(events, 'useful')).toBeGreaterThan(40)
  expect(ended(events, 'useless')).toBe(0)
})

it('plugins that are asked together are not fetched by one another', async () => {
  const asks = together(every(20_000, 60, 'net'), every(20_000, 60, 'lxc'))
  expect((await play(asks, { ...slow, mode: 'eager' })).events).toEqual([])
})

describe('whatever is asked, 5 % more is computed at most, beyond a start of eight', () => {
  it.each([1, 2, 5, 20])('who asks for a key %i times in its rhythm, and never again, for 500 keys', async times => {
    const asks = Array.from({ length: 500 }, (_, i) =>
      every(3000, times + 1, `p${i}`, () => 3000 * (times + 8) * i),
    ).flat()
    const plain = await play(asks, { ...slow, mode: 'off' })
    const { computations } = await play(asks, { ...slow, mode: 'conservative' })
    expect(computations).toBeLessThanOrEqual(1.05 * plain.computations + 9)
  })

  it('over thousands of computations the eight are next to nothing', async () => {
    // Asks of twenty keys at random intervals: the worst that there is for who wants to foresee them.
    const random = randomNumbers(16)
    const asks: Ask[] = []
    for (let at = 0; asks.length < 12_000; at += 600 * random()) asks.push({ at, id: `p${Math.floor(20 * random())}` })
    const plain = await play(asks, { ...slow, mode: 'off' })
    const { computedMs, waits } = await play(asks, { ...slow, mode: 'eager' })
    const late = (all: readonly number[]) => all.filter(ms => ms > 5).length
    expect(plain.computations).toBeGreaterThan(4000)
    expect(computedMs).toBeLessThanOrEqual(1.052 * plain.computedMs)
    expect(late(waits)).toBeLessThan(late(plain.waits))
  })

  const gap = fc.oneof(
    fc.integer({ min: 0, max: 50 }),
    fc.integer({ min: 500, max: 6000 }),
    fc.integer({ min: 4000, max: 20_000 }),
  )
  const ask = fc.record({
    gap,
    id: fc.integer({ min: 0, max: 5 }),
    invalidates: fc.integer({ min: 0, max: 9 }).map(n => n === 0),
  })
  const costs = fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 6, maxLength: 6 })

  it.each(['conservative', 'eager'] as const)('%s', async mode => {
    await fc.assert(
      fc.asyncProperty(fc.array(ask, { minLength: 20, maxLength: 400 }), costs, async (steps, cost) => {
        let at = 0
        const asks = steps.map(({ gap, id, invalidates }) => {
          at += gap
          return { at, id: String(id), invalidates }
        })
        const call = { ttlMs: 5000, costMs: (id: string) => cost[Number(id)]! }
        const plain = await play(asks, { ...call, mode: 'off' })
        const { computedMs } = await play(asks, { ...call, mode })
        const mean = plain.computedMs / plain.computations
        expect(computedMs - plain.computedMs).toBeLessThanOrEqual(
          0.05 * plain.computedMs + 8 * Math.max(...cost) + mean,
        )
      }),
      { numRuns: FULL ? 2000 : 40, seed: 16 },
    )
  })
})
