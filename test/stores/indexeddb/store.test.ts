// The IndexedDB store in Chromium: what outlives a page, what tabs see of each other, the budget, damage.
import { describe, expect, it } from 'vitest'
import { useBrowser, useBundle } from '../../browser/harness.js'
import { callsOf, range, type Tab } from './calls.js'

const bundle = useBundle({ store: 'test/stores/indexeddb/page.ts' })
const browser = useBrowser()

/** So many tabs of one site. */
async function tabs(count: number): Promise<Tab[]> {
  const server = await browser.serve({ folders: { '/': bundle.dir() } })
  const context = await browser.newContext()
  // Time stands still unless a test moves it on.
  await context.clock.install({ time: 0 })
  await context.clock.pauseAt(1_000)
  const pages = await Promise.all(range(count).map(() => browser.openPage(server.url, { context })))
  return pages.map(callsOf)
}

/** Time goes on, in all tabs, until the index is folded. */
async function fold(one: Tab, database = 'db'): Promise<void> {
  await one.tab.context.clock.runFor(60_000)
  await expect.poll(async () => (await one.inside(database)).index).toEqual(['head', 'snapshot'])
}

describe('one tab', () => {
  it('finds after a reload what it stored, with its size and the order of its use', async () => {
    const [one] = await tabs(1)
    const { tab, set, get, size, openAs, inside, report } = one!
    await set('db', range(30))
    expect(await get('db', [0, 1, 99])).toEqual([1, 1, 0])
    const before = await size('db')
    // With the batches folded into a snapshot, and then with one that a visit left unfolded.
    await fold(one!)
    await tab.page.reload()
    expect(await get('db', [29, 0, 1])).toEqual([1, 1, 1])
    expect(await size('db')).toEqual(before)
    await set('db', [30])
    expect(await inside('db')).toEqual({ values: 31, index: ['2', 'head', 'snapshot'] })
    await tab.page.reload()
    expect(await size('db')).toMatchObject({ entries: 31 })
    // Room for nine: 0 and 1, which were read before the snapshot, and those written last.
    await openAs('db', { budgetBytes: 20_000 })
    await set('db', [31])
    expect(await get('db', range(32))).toEqual(range(32).map(n => (n < 2 || n > 24 ? 1 : 0)))
    expect(await report('db')).toMatchObject({ problem: undefined, damaged: 0, warnings: [] })
  })

  it('keeps its budget by last use, and in the same transaction as the write', async () => {
    const [one] = await tabs(1)
    const { set, get, size, openAs, inside, report, remove } = one!
    await openAs('db', { budgetBytes: 100_000 })
    for (const n of range(100)) {
      await set('db', [n])
      // Used at every step, so it never goes.
      expect(await get('db', [0])).toEqual([1])
      if (n % 20 === 0) expect(((await size('db')) as { bytes: number }).bytes).toBeLessThanOrEqual(100_000)
    }
    const { entries } = (await size('db')) as { entries: number }
    expect(entries).toBeGreaterThan(40)
    expect((await inside('db')).values).toBe(entries)
    expect(await report('db')).toMatchObject({ evicted: 100 - entries })
    const found = (await get('db', range(100))) as number[]
    expect(found.indexOf(1, 1)).toBe(101 - entries)
    expect(found.slice(101 - entries)).toEqual(range(entries - 1).map(() => 1))
    // A batch that is over the budget by itself: its end stays.
    await set('db', range(100))
    expect(await get('db', [0, 99])).toEqual([0, 1])
    expect(await remove('db', [99, 0])).toBe(1)
    expect(await set('db', [500], 100_000)).toMatch(/^INVALID_INPUT: .*more than the budget/)
    expect(await get('db', [98])).toEqual([1])
  })

  it('writes nothing for a read; times of use go out together, after half a second and then every 5 s', async () => {
    const [one] = await tabs(1)
    const { tab, set, get, openAs, close } = one!
    await set('db', range(10))
    await close('db')
    await tab.page.evaluate(() => {
      const put = IDBObjectStore.prototype.put
      Object.assign(globalThis, { puts: [] })
      IDBObjectStore.prototype.put = function (...args: Parameters<typeof put>) {
        ;(globalThis as unknown as { puts: unknown[] }).puts.push(args[1])
        return put.apply(this, args)
      }
    })
    const puts = () => tab.page.evaluate(() => (globalThis as unknown as { puts: unknown[] }).puts)
    await openAs('db')
    for (const n of range(10)) expect(await get('db', [n])).toEqual([1])
    const { clock } = tab.context
    expect(await puts()).toEqual([])
    await clock.runFor(500)
    await expect.poll(puts).toEqual(['snapshot', 'head'])
    expect(await get('db', [3, 4])).toEqual([1, 1])
    await clock.runFor(4_900)
    expect(await get('db', [5])).toEqual([1])
    expect(await puts()).toHaveLength(2)
    await clock.runFor(200)
    await expect.poll(puts).toHaveLength(4)
    await clock.runFor(60_000)
    expect(await get('db', [99])).toEqual([0])
    expect(await puts()).toHaveLength(4)
  })

  it('asks for storage that persists only when told to, and estimates', async () => {
    const [one] = await tabs(1)
    const { tab, set, openAs, estimate } = one!
    await tab.page.evaluate(() => {
      Object.assign(globalThis, { asked: 0 })
      StorageManager.prototype.persist = async () => ++(globalThis as unknown as { asked: number }).asked > 0
    })
    const asked = () => tab.page.evaluate(() => (globalThis as unknown as { asked: number }).asked)
    await set('a', [1])
    expect(await asked()).toBe(0)
    await openAs('b', { persist: true })
    await set('b', [1])
    await set('b', [2])
    expect(await asked()).toBe(1)
    const { usageBytes, quotaBytes, persisted } = await estimate('b')
    expect(usageBytes).toBeGreaterThan(0)
    expect(quotaBytes).toBeGreaterThan(usageBytes!)
    expect(persisted).toBe(false)
  })
})

describe('two tabs', () => {
  it('know exactly what is there, whoever wrote, folded or not', async () => {
    const [one, two] = await tabs(2)
    await one!.set('db', range(10))
    await two!.set('db', range(5), 3000)
    expect(await one!.size('db')).toEqual(await two!.size('db'))
    await fold(one!)
    await two!.set('db', [20])
    await two!.remove('db', [9, 8])
    expect(await one!.size('db')).toEqual(await two!.size('db'))
    expect(await one!.size('db')).toMatchObject({ entries: 9 })
    expect(await one!.get('db', [0, 7, 8, 20])).toEqual([1, 1, 0, 1])
    // Two more folds while the other does not look: it must catch up from the snapshot.
    for (const n of [30, 31]) {
      await one!.set('db', [n])
      await fold(one!)
    }
    expect(await two!.size('db')).toEqual(await one!.size('db'))
    expect(await two!.size('db')).toMatchObject({ entries: 11 })
  })

  it('keep one budget together', async () => {
    const both = await tabs(2)
    for (const { openAs } of both) await openAs('db', { budgetBytes: 100_000 })
    await Promise.all(
      both.map(async ({ set }, t) => {
        for (const n of range(40))
          await set(
            'db',
            range(3).map(i => 1000 * t + 3 * n + i),
          )
      }),
    )
    const [a, b] = await Promise.all(both.map(({ size }) => size('db') as Promise<{ entries: number; bytes: number }>))
    expect(a).toEqual(b)
    expect(a!.bytes).toBeLessThanOrEqual(100_000)
    expect((await both[0]!.inside('db')).values).toBe(a!.entries)
    const all = [...range(120), ...range(120).map(n => 1000 + n)]
    const found = (await both[1]!.get('db', all)) as number[]
    expect(found.filter(answer => answer === 1)).toHaveLength(a!.entries)
    expect(found).not.toContain(-1)
  })

  it('spare what the other one uses', async () => {
    const [one, two] = await tabs(2)
    for (const { openAs } of [one!, two!]) await openAs('db', { budgetBytes: 100_000 })
    await one!.set('db', range(50))
    await one!.tab.context.clock.runFor(10)
    expect(await two!.get('db', [0])).toEqual([1])
    await fold(two!)
    await one!.get('db', [49])
    await one!.close('db')
    await one!.openAs('db', { budgetBytes: 100_000 })
    await one!.set(
      'db',
      range(10).map(n => 100 + n),
    )
    expect(await one!.get('db', [0, 1, 2])).toEqual([1, 0, 0])
  })

  it.each([true, false])('hear of a clear, once (BroadcastChannel: %s)', async channel => {
    const [one, two] = await tabs(2)
    if (!channel)
      for (const { tab } of [one!, two!])
        await tab.page.evaluate(() => void Reflect.deleteProperty(globalThis, 'BroadcastChannel'))
    await one!.set('db', [1, 2])
    expect(await two!.get('db', [1])).toEqual([1])
    expect(await two!.clearsOf('db')).toBe(0)
    await one!.clear('db')
    if (channel) await expect.poll(() => two!.clearsOf('db')).toBe(1)
    else expect(await two!.clearsOf('db')).toBe(0)
    expect(await two!.get('db', [1])).toEqual([0])
    expect(await two!.clearsOf('db')).toBe(1)
    expect(await two!.size('db')).toEqual({ entries: 0, bytes: 0 })
    await two!.set('db', [3])
    expect(await two!.clearsOf('db')).toBe(1)
    expect(await one!.get('db', [1, 3])).toEqual([0, 1])
    expect(await one!.clearsOf('db')).toBe(0)
  })

  it('look again when they come back from the back/forward cache, where they heard nothing', async () => {
    const [one, two] = await tabs(2)
    await two!.tab.page.evaluate(() => void Reflect.deleteProperty(globalThis, 'BroadcastChannel'))
    await one!.set('db', [1])
    expect(await two!.get('db', [1])).toEqual([1])
    await one!.clear('db')
    const show = (persisted: boolean) =>
      two!.tab.page.evaluate(
        shown => void dispatchEvent(new PageTransitionEvent('pageshow', { persisted: shown })),
        persisted,
      )
    await show(false)
    expect(await two!.clearsOf('db')).toBe(0)
    await show(true)
    await expect.poll(() => two!.clearsOf('db')).toBe(1)
  })

  it('clear only what is theirs', async () => {
    const [one] = await tabs(1)
    await one!.set('db', [1])
    await one!.set('other', [1])
    await one!.openForeign('foreign', 1, ['things'])
    await one!.clear('db')
    expect(await one!.get('other', [1])).toEqual([1])
    const databases = await one!.tab.page.evaluate(async () =>
      (await indexedDB.databases()).map(({ name }) => name).sort(),
    )
    expect(databases).toEqual(['db', 'foreign', 'other'])
  })
})

describe('damage', () => {
  it.each(['bit', 'end', 'type'] as const)(
    'never serves a value with a damaged %s: a miss, counted, written again',
    async how => {
      const [one] = await tabs(1)
      const { set, get, report, damageValue } = one!
      await set('db', [1, 2, 3])
      await damageValue('db', 2, how)
      expect(await get('db', [1, 2, 3])).toEqual([1, 0, 1])
      expect(await report('db')).toMatchObject({ damaged: 1 })
      await set('db', [2])
      expect(await get('db', [1, 2, 3])).toEqual([1, 1, 1])
      expect(await report('db')).toMatchObject({ damaged: 1, problem: undefined })
    },
  )

  it('never serves a value under another key', async () => {
    const [one] = await tabs(1)
    await one!.set('db', [1, 2])
    await one!.damageValue('db', 1, 'swap', 2)
    expect(await one!.get('db', [1, 2])).toEqual([1, 0])
  })

  it.each([
    ['head', 'remove'],
    ['head', 'garbage'],
    ['snapshot', 'remove'],
    ['snapshot', 'garbage'],
    ['snapshot', 'flip'],
    [2, 'remove'],
    [2, 'garbage'],
  ] as const)('makes the index anew when its %s is damaged (%s)', async (record, how) => {
    const [one] = await tabs(1)
    const { tab, set, get, size, remove, report, damageIndex, damageValue, inside } = one!
    await set('db', range(450))
    await fold(one!)
    const whole = (await size('db')) as { bytes: number }
    await set('db', [600])
    await remove('db', [600])
    expect((await inside('db')).index).toEqual(['2', '3', 'head', 'snapshot'])
    await damageIndex('db', record, how)
    await damageValue('db', 7, 'bit')
    await tab.page.reload()
    // Reads need no index.
    expect(await get('db', [1, 449])).toEqual([1, 1])
    expect(await size('db')).toEqual({ entries: 449, bytes: (whole.bytes / 450) * 449 })
    expect(await report('db')).toMatchObject({
      warnings: ['test: the index was damaged and has been made anew from 449 values'],
    })
    await set('db', [7])
    expect(await remove('db', [1, 7, 1000])).toBe(2)
    await tab.page.reload()
    expect(await size('db')).toMatchObject({ entries: 448 })
    expect(await report('db')).toMatchObject({ warnings: [] })
  })

  it('leaves alone what a newer version, or somebody else, has made', async () => {
    const [one] = await tabs(1)
    const { tab, set, get, clear, size, damageIndex, openForeign, inside } = one!
    await set('db', [1])
    await damageIndex('db', 'head', 'newer')
    await tab.page.reload()
    for (const refused of [await get('db', [1]), await set('db', [2]), await size('db'), await clear('db')]) {
      expect(refused).toMatch(/^STORE: .*newer op-dbus.*\nreload this page$/)
    }
    expect(await inside('db')).toMatchObject({ values: 1 })
    await openForeign('foreign', 3, ['things'])
    expect(await set('foreign', [1])).toBe(
      'STORE: test: IndexedDB database "foreign": it belongs to something else; choose another name',
    )
    expect(await clear('foreign')).toMatch(/^STORE/)
    await openForeign('foreign', 3)
  })
})
