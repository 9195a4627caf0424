import { describe, expect, it } from 'vitest'
import { type CounterStore, LifetimeCounters, type Tally } from '../../src/cache/lifetime-counters.js'
import type { Key } from '../../src/ports.js'
import { openFileStore } from '../../src/stores/files.js'
import { crc32, hash, TestClock, temporaryFolder } from '../support.js'

function setUp() {
  const clock = new TestClock()
  const dir = temporaryFolder()
  const alive = new Set<number>()
  const writer = (pid: number, place = 'here') => {
    const store: CounterStore = openFileStore({ name: 'counters', dir, maxEntries: 1000, clock, hash, crc32 })
    const counts: Record<string, number> = { hits: 0 }
    alive.add(pid)
    const process = {
      pid,
      place,
      livenessOf: (other: { pid: number; place: string }) =>
        other.place !== place ? ('unknown' as const) : alive.has(other.pid) ? ('alive' as const) : ('dead' as const),
    }
    const key = `w${pid}` as Key
    const counters = new LifetimeCounters({ store, clock, key, process, read: (): Tally => ({ ...counts }) })
    return { counters, counts, store }
  }
  return { clock, alive, writer, dir }
}

describe('LifetimeCounters', () => {
  it('sums what several processes counted', async () => {
    const { writer } = setUp()
    const [one, two] = [writer(1), writer(2)]
    one.counts.hits = 3
    two.counts.hits = 4
    await one.counters.flush()
    await two.counters.flush()
    one.counts.hits = 5
    expect(await one.counters.totals()).toEqual({ hits: 9 })
    expect(await two.counters.totals()).toEqual({ hits: 7 })
  })

  it('writes nothing while there is nothing to tell', async () => {
    const { writer } = setUp()
    const { counters, store } = writer(1)
    await counters.flush()
    expect((await store.size()).entries).toBe(0)
  })

  it('folds the pages of a thousand that have gone into one, losing nothing', async () => {
    const { writer, alive } = setUp()
    let last = writer(0)
    for (let pid = 1; pid <= 300; pid++) {
      last = writer(pid)
      last.counts.hits = 1
      await last.counters.flush()
      alive.delete(pid)
    }
    expect(await last.counters.totals()).toEqual({ hits: 300 })
    expect((await last.store.size()).entries).toBe(1)
  })

  it('does not count twice when one is thought gone that still lives', async () => {
    const { writer, alive } = setUp()
    const [one, two] = [writer(1), writer(2)]
    one.counts.hits = 10
    await one.counters.flush()
    alive.delete(1)
    two.counts.hits = 1
    await two.counters.flush()
    expect(await two.counters.totals()).toEqual({ hits: 11 })
    one.counts.hits = 12
    await one.counters.flush()
    expect(await two.counters.totals()).toEqual({ hits: 13 })
    one.counts.hits = 15
    await one.counters.flush()
    expect(await one.counters.totals()).toEqual({ hits: 16 })
  })

  it('waits ten minutes for a writer whom it cannot look up: another host, another container, version 0.1', async () => {
    const { writer, clock } = setUp()
    const [far, near] = [writer(1, 'elsewhere'), writer(2)]
    far.counts.hits = 1
    await far.counters.flush()
    near.counts.hits = 1
    await near.counters.flush()
    expect((await near.store.size()).entries).toBe(2)
    clock.advance(10 * 60_000 + 1)
    near.counts.hits = 2
    await near.counters.flush()
    expect((await near.store.size()).entries).toBe(1)
    expect(await near.counters.totals()).toEqual({ hits: 3 })
  })

  it('counts nothing twice when a process that was taken for dead ends', async () => {
    const { writer, clock } = setUp()
    const [one, two] = [writer(1, 'a container'), writer(2, 'another')]
    one.counts.hits = 5
    await one.counters.flush()
    clock.advance(11 * 60_000)
    two.counts.hits = 1
    await two.counters.flush()
    one.counts.hits = 6
    one.counters.flushSync()
    expect(await two.counters.totals()).toEqual({ hits: 7 })
  })
})
