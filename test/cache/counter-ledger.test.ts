import { describe, expect, it } from 'vitest'
import { CounterLedger, type LedgerStore, type Tally } from '../../src/cache/counter-ledger.js'
import type { Key } from '../../src/ports.js'
import { openFileStore } from '../../src/stores/files.js'
import { crc32, hash, TestClock, temporaryFolder } from '../support.js'

function setUp() {
  const clock = new TestClock()
  const dir = temporaryFolder()
  const alive = new Set<number>()
  const writer = (pid: number, place = 'here') => {
    const store: LedgerStore = openFileStore({ name: 'counters', dir, maxEntries: 1000, clock, hash, crc32 })
    const counts: Record<string, number> = { hits: 0 }
    alive.add(pid)
    const process = {
      pid,
      place,
      livenessOf: (other: { pid: number; place: string }) =>
        other.place !== place ? ('unknown' as const) : alive.has(other.pid) ? ('alive' as const) : ('dead' as const),
    }
    const key = `w${pid}` as Key
    const ledger = new CounterLedger({ store, clock, key, process, read: (): Tally => ({ ...counts }) })
    return { ledger, counts, store }
  }
  return { clock, alive, writer, dir }
}

describe('CounterLedger', () => {
  it('sums what several processes counted', async () => {
    const { writer } = setUp()
    const [one, two] = [writer(1), writer(2)]
    one.counts.hits = 3
    two.counts.hits = 4
    await one.ledger.flush()
    await two.ledger.flush()
    one.counts.hits = 5
    expect(await one.ledger.totals()).toEqual({ hits: 9 })
    expect(await two.ledger.totals()).toEqual({ hits: 7 })
  })

  it('writes nothing while there is nothing to tell', async () => {
    const { writer } = setUp()
    const { ledger, store } = writer(1)
    await ledger.flush()
    expect((await store.size()).entries).toBe(0)
  })

  it('folds the pages of a thousand that have gone into one, losing nothing', async () => {
    const { writer, alive } = setUp()
    let last = writer(0)
    for (let pid = 1; pid <= 300; pid++) {
      last = writer(pid)
      last.counts.hits = 1
      await last.ledger.flush()
      alive.delete(pid)
    }
    expect(await last.ledger.totals()).toEqual({ hits: 300 })
    expect((await last.store.size()).entries).toBe(1)
  })

  it('does not count twice when one is thought gone that still lives', async () => {
    const { writer, alive } = setUp()
    const [one, two] = [writer(1), writer(2)]
    one.counts.hits = 10
    await one.ledger.flush()
    alive.delete(1)
    two.counts.hits = 1
    await two.ledger.flush()
    expect(await two.ledger.totals()).toEqual({ hits: 11 })
    one.counts.hits = 12
    await one.ledger.flush()
    expect(await two.ledger.totals()).toEqual({ hits: 13 })
    one.counts.hits = 15
    await one.ledger.flush()
    expect(await one.ledger.totals()).toEqual({ hits: 16 })
  })

  it('waits ten minutes for a writer whom it cannot look up: another host, another container, version 0.1', async () => {
    const { writer, clock } = setUp()
    const [far, near] = [writer(1, 'elsewhere'), writer(2)]
    far.counts.hits = 1
    await far.ledger.flush()
    near.counts.hits = 1
    await near.ledger.flush()
    expect((await near.store.size()).entries).toBe(2)
    clock.advance(10 * 60_000 + 1)
    near.counts.hits = 2
    await near.ledger.flush()
    expect((await near.store.size()).entries).toBe(1)
    expect(await near.ledger.totals()).toEqual({ hits: 3 })
  })
})
