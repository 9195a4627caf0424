// The IndexedDB store in Chromium when the browser, another tab or a crash is against it: nothing wrong is ever served,
// nothing hangs, and it goes on when it can.
import { describe, expect, it } from 'vitest'
import type { StorageProblemKind } from '../../../src/ports.js'
import { type OpenPageOptions, type TestServer, useBrowser, useBundle } from '../../browser/harness.js'
import { callsOf, range, type Tab } from './calls.js'

const bundle = useBundle({ store: 'test/stores/indexeddb/page.ts' })
const browser = useBrowser()

const serve = (): Promise<TestServer> => browser.serve({ folders: { '/': bundle.dir() } })
const open = async (server: TestServer, options?: OpenPageOptions): Promise<Tab> =>
  callsOf(await browser.openPage(server.url, options))

/** What visitors can be shown: one sentence, and none of a developer's words. */
const PLAIN = expect.stringMatching(/^(?!.*(IndexedDB|database|Error|quota))[A-Z][^.\n]+\.$/)

/** Longer than any pause before another try. */
const LONG = 20 * 60_000

describe('no IndexedDB', () => {
  const ways: [string, () => void, RegExp, StorageProblemKind][] = [
    [
      'is missing',
      () => Object.defineProperty(globalThis, 'indexedDB', { value: undefined }),
      /no IndexedDB/,
      'missing',
    ],
    [
      'is forbidden',
      () => {
        const get = () => {
          throw new DOMException('The user denied permission', 'SecurityError')
        }
        Object.defineProperty(globalThis, 'indexedDB', { get })
      },
      /denied permission/,
      'denied',
    ],
    [
      'throws on open',
      () => {
        IDBFactory.prototype.open = () => {
          throw new DOMException('no storage for this origin', 'SecurityError')
        }
      },
      /no storage for this origin/,
      'denied',
    ],
  ]
  it.each(ways)('says so when it %s, and settles every call', async (_way, before, why, kind) => {
    const { set, get, remove, size, clear, report, close } = await open(await serve(), { before })
    for (const call of [set('db', [1]), get('db', [1]), remove('db', [1]), size('db'), clear('db')]) {
      expect(await call).toMatch(/^STORE: test: IndexedDB database "db": /)
      expect(await call).toMatch(why)
    }
    expect((await report('db')).problem).toEqual({ kind, sentence: PLAIN })
    await close('db')
  })

  it('tries again later, not at every call, and goes on when it can', async () => {
    const one = await open(await serve())
    const { tab, set, get, advance, report } = one
    await tab.page.evaluate(() => {
      const { open } = IDBFactory.prototype
      const world = globalThis as unknown as { opens: number; broken: boolean }
      Object.assign(world, { opens: 0, broken: false })
      IDBFactory.prototype.open = function (name, version) {
        world.opens++
        return open.call(this, name, version ?? (world.broken ? 1 : undefined))
      }
    })
    const world = (name: string) => tab.page.evaluate(n => (globalThis as never)[n] as unknown, name)
    // Opening version 1 of a database that is at 2 is refused by the browser itself.
    await one.openForeign('db', 2, ['values', 'index'])
    await tab.page.evaluate(() => {
      Object.assign(globalThis, { opens: 0, broken: true })
    })
    await advance(0)
    for (const _ of range(20)) expect(await get('db', [1])).toMatch(/^STORE/)
    expect(await world('opens')).toBe(1)
    // Pauses grow: 1 s, 2 s, 4 s.
    for (const [ms, opens] of [
      [1_100, 2],
      [1_100, 2],
      [1_100, 3],
      [2_200, 3],
      [2_200, 4],
    ]) {
      await advance(ms!)
      expect(await set('db', [1])).toMatch(/^STORE/)
      expect(await world('opens')).toBe(opens)
    }
    await tab.page.evaluate(() => {
      ;(globalThis as unknown as { broken: boolean }).broken = false
    })
    await advance(LONG)
    expect(await set('db', [1])).toBeUndefined()
    expect(await get('db', [1])).toEqual([1])
    expect((await report('db')).problem).toBeUndefined()
  })

  /** Opens nothing and says nothing until the test calls `answers`; `opens` counts what was asked. */
  const silent = () => {
    const world = globalThis as unknown as { opens: number; answers(): void }
    const { open } = IDBFactory.prototype
    const waiting: (() => void)[] = []
    world.opens = 0
    IDBFactory.prototype.open = function (name) {
      world.opens++
      const late = {} as IDBOpenDBRequest
      waiting.push(() => {
        const request = open.call(this, name)
        Object.defineProperty(late, 'result', { get: () => request.result })
        request.onupgradeneeded = event => late.onupgradeneeded?.(event)
        request.onsuccess = event => late.onsuccess?.(event)
      })
      return late
    }
    world.answers = () => {
      IDBFactory.prototype.open = open
      for (const answer of waiting) answer()
    }
  }
  const world = <T>(one: Tab, name: 'opens' | 'answers') =>
    one.tab.page.evaluate(n => {
      const found = (globalThis as never)[n] as unknown
      return typeof found === 'function' ? found() : found
    }, name) as Promise<T>

  it('waits once for a browser that does not answer, not again at each call, and takes an answer that is late', async () => {
    const one = await open(await serve(), { before: silent })
    await one.tab.page.clock.install({ time: 0 })
    await one.tab.page.clock.pauseAt(1_000)
    let over = false
    const asked = one.get('db', [1]).finally(() => {
      over = true
    })
    while ((await world<number>(one, 'opens')) === 0);
    await one.tab.page.clock.runFor(4_900)
    await one.report('db')
    expect(over).toBe(false)
    await one.tab.page.clock.runFor(200)
    expect(await asked).toMatch(/^STORE: .*no answer within 5 s/)
    expect((await one.report('db')).problem).toEqual({ kind: 'silent', sentence: PLAIN })
    // Time stands still: what waited would never end. Later attempts are made without anybody who waits for them.
    await one.advance(0)
    for (const _ of range(3)) expect(await one.get('db', [1])).toMatch(/^STORE/)
    expect(await world(one, 'opens')).toBe(1)
    await one.advance(LONG)
    for (const _ of range(3)) expect(await one.set('db', [1])).toMatch(/^STORE/)
    expect(await world(one, 'opens')).toBe(2)
    await world(one, 'answers')
    await expect.poll(async () => (await one.report('db')).problem).toBeUndefined()
    expect(await one.set('db', [1])).toBeUndefined()
    expect(await one.get('db', [1])).toEqual([1])
    // The answer that was not needed was let go of.
    await one.close('db')
    await one.deleteDatabase('db')
  })

  it('says so when the browser closes it and does not open it again, and goes on when it does', async () => {
    const server = await serve()
    const one = await open(server)
    await one.set('db', [1])
    await one.tab.page.evaluate(() => {
      const { open } = IDBFactory.prototype
      Object.assign(globalThis, { mend: () => Object.assign(IDBFactory.prototype, { open }) })
      IDBFactory.prototype.open = () => {
        throw new DOMException('Internal error opening backing store', 'UnknownError')
      }
    })
    const cdp = await one.tab.context.newCDPSession(one.tab.page)
    await cdp.send('Storage.clearDataForOrigin', { origin: server.url, storageTypes: 'indexeddb' })
    await expect.poll(async () => (await one.report('db')).problem).toEqual({ kind: 'closed', sentence: PLAIN })
    // What was in memory went with it, at once.
    expect(await one.clearsOf('db')).toBe(1)
    expect(await one.get('db', [1])).toMatch(/^STORE: .*backing store/)
    expect((await one.report('db')).problem).toEqual({ kind: 'failed', sentence: PLAIN })
    await one.tab.page.evaluate(() => void (globalThis as unknown as { mend(): void }).mend())
    await one.advance(LONG)
    expect(await one.get('db', [1])).toEqual([0])
    expect((await one.report('db')).problem).toBeUndefined()
  })

  it('says so while its calls fail on a database that is open', async () => {
    const one = await open(await serve())
    await one.set('db', [1])
    await one.tab.page.evaluate(() => {
      const { transaction } = IDBDatabase.prototype
      Object.assign(globalThis, { mend: () => Object.assign(IDBDatabase.prototype, { transaction }) })
      IDBDatabase.prototype.transaction = () => {
        throw new DOMException('Internal error', 'UnknownError')
      }
    })
    expect(await one.set('db', [2])).toMatch(/^STORE/)
    expect((await one.report('db')).problem).toEqual({ kind: 'failed', sentence: PLAIN })
    await one.tab.page.evaluate(() => void (globalThis as unknown as { mend(): void }).mend())
    expect(await one.get('db', [1, 2])).toEqual([1, 0])
    expect((await one.report('db')).problem).toBeUndefined()
  })
})

describe('other tabs', () => {
  it('lets a database go that another tab deletes, at once, and begins anew', async () => {
    const server = await serve()
    const context = await browser.newContext()
    const [one, two] = [await open(server, { context }), await open(server, { context })]
    await one.set('db', range(5))
    await two.deleteDatabase('db')
    expect(await one.get('db', range(5))).toEqual([0, 0, 0, 0, 0])
    expect(await one.clearsOf('db')).toBe(1)
    expect(await one.set('db', [7])).toBeUndefined()
    expect(await one.size('db')).toMatchObject({ entries: 1 })
    expect(await two.get('db', [7])).toEqual([1])
  })

  it('survives a database deleted again and again in the middle of its work', async () => {
    const server = await serve()
    const context = await browser.newContext()
    const [one, two] = [await open(server, { context }), await open(server, { context })]
    for (const round of range(5)) {
      const work = range(10).flatMap(n => [one.set('db', [n, 10 * round + n]), one.get('db', [n])])
      await two.deleteDatabase('db')
      for (const answer of await Promise.all(work)) {
        expect([undefined, '0', '1']).toContain(answer === undefined ? undefined : String(answer))
      }
    }
    expect(await one.set('db', range(3))).toBeUndefined()
    expect(await one.get('db', range(3))).toEqual([1, 1, 1])
    const { entries } = (await one.size('db')) as { entries: number }
    expect((await two.inside('db')).values).toBe(entries)
  })

  it('makes room for another tab that upgrades the database, and works on with what it finds', async () => {
    const server = await serve()
    const context = await browser.newContext()
    const [one, two] = [await open(server, { context }), await open(server, { context })]
    await one.set('db', [1])
    await two.openForeign('db', 5)
    expect(await one.get('db', [1])).toEqual([1])
    await two.openForeign('db', 6, ['more'])
    expect(await one.set('db', [2])).toBeUndefined()
    expect(await one.get('db', [1, 2])).toEqual([1, 1])
    expect(await one.clearsOf('db')).toBe(0)
  })

  it('survives the user’s “clear site data” while it is open', async () => {
    const server = await serve()
    const one = await open(server)
    await one.set('db', range(5))
    const cdp = await one.tab.context.newCDPSession(one.tab.page)
    await cdp.send('Storage.clearDataForOrigin', { origin: server.url, storageTypes: 'indexeddb' })
    await expect.poll(() => one.get('db', [1])).toEqual([0])
    expect(await one.set('db', [1])).toBeUndefined()
    expect(await one.get('db', [1, 2])).toEqual([1, 0])
    expect(await one.clearsOf('db')).toBe(1)
  })
})

describe('quota', () => {
  /** Some 2 kB each, as vectors of 512 numbers, 500 a go. */
  const VECTOR = 2_056
  const batch = (first: number): number[] => range(500).map(n => first + n)

  it('keeps to what the browser gives when that is less than its budget: little goes at a time, and it says so once', async () => {
    const one = await open(await serve())
    await one.limitRoom(5_000_000, 'freed at once')
    let before = 0
    for (let n = 0; n < 5_000; n += 500) {
      expect(await one.set('db', batch(n), VECTOR)).toBeUndefined()
      const { entries } = (await one.size('db')) as { entries: number }
      expect(entries).toBeGreaterThanOrEqual(0.9 * before)
      before = entries
    }
    expect(await one.get('db', [0, 4_500, 4_999])).toEqual([0, 1, 1])
    expect(before).toBeGreaterThan(1_500)
    expect((await one.inside('db')).values).toBe(before)
    const { warnings, problem, evicted } = await one.report('db')
    expect(evicted).toBe(5_000 - before)
    expect(warnings).toEqual([expect.stringMatching(/^test: the browser gives this site less storage .* about \d MB$/)])
    expect(problem).toBeUndefined()
  })

  it('loses nothing to a browser that refuses a write at its request and finds no room in what is deleted', async () => {
    const one = await open(await serve())
    await one.limitRoom(5_000_000, 'not freed')
    for (const n of [0, 500, 1_000, 1_500]) expect(await one.set('db', batch(n), VECTOR)).toBeUndefined()
    const whole = await one.size('db')
    for (let round = 0; round < 3; round++) {
      expect(await one.set('db', batch(2_000), VECTOR)).toMatch(
        /^STORE: .*no more storage\nnew values stay in memory only$/,
      )
      expect((await one.report('db')).problem).toEqual({ kind: 'full', sentence: PLAIN })
      await one.advance(LONG)
    }
    expect(await one.size('db')).toEqual(whole)
    expect(await one.get('db', range(2_000))).toEqual(range(2_000).map(() => 1))
    expect(await one.report('db')).toMatchObject({ evicted: 0, warnings: [] })
  })

  it.each([1, 200_000])('is called full where there is no room for the database itself (%d bytes)', async quotaSize => {
    const server = await serve()
    const one = await open(server)
    const cdp = await one.tab.context.newCDPSession(one.tab.page)
    await cdp.send('Storage.overrideQuotaForOrigin', { origin: server.url, quotaSize })
    for (let n = 0; n < 1_000 && (await one.report('db')).problem === undefined; n += 50)
      await one.set(
        'db',
        range(50).map(i => n + i),
      )
    expect((await one.report('db')).problem).toEqual({ kind: 'full', sentence: PLAIN })
    await cdp.send('Storage.overrideQuotaForOrigin', { origin: server.url, quotaSize: 2 ** 28 })
    await one.advance(LONG)
    expect(await one.set('db', [1])).toBeUndefined()
    expect((await one.report('db')).problem).toBeUndefined()
  })

  it('keeps serving what is there when the browser gives no more, pauses writes, and goes on when there is room', async () => {
    const server = await serve()
    const one = await open(server)
    const cdp = await one.tab.context.newCDPSession(one.tab.page)
    await cdp.send('Storage.overrideQuotaForOrigin', { origin: server.url, quotaSize: 2 ** 20 })
    let stored = 0
    let refused: unknown
    while (refused === undefined && stored < 10_000) {
      refused = await one.set(
        'db',
        range(50).map(n => stored + n),
      )
      if (refused === undefined) stored += 50
    }
    expect(refused).toMatch(
      /^STORE: test: .*the browser gives this site no more storage\nnew values stay in memory only$/,
    )
    expect(stored).toBeGreaterThan(0)
    expect((await one.report('db')).problem).toEqual({ kind: 'full', sentence: PLAIN })
    // Nothing of the refused batch is there, nothing is wrong.
    expect(await one.get('db', [stored, stored + 49])).toEqual([0, 0])
    expect(await one.get('db', range(stored))).not.toContain(-1)
    expect((await one.inside('db')).values).toBe(((await one.size('db')) as { entries: number }).entries)
    // While it pauses the browser is not asked again.
    await one.tab.page.evaluate(() => {
      const put = IDBObjectStore.prototype.put
      Object.assign(globalThis, { puts: 0 })
      IDBObjectStore.prototype.put = function (...args: Parameters<typeof put>) {
        ;(globalThis as unknown as { puts: number }).puts += args[1] === 'head' || args[1] === 'snapshot' ? 0 : 1
        return put.apply(this, args)
      }
    })
    expect(await one.set('db', [50_000])).toBe(refused)
    expect(await one.tab.page.evaluate(() => (globalThis as unknown as { puts: number }).puts)).toBe(0)
    await cdp.send('Storage.overrideQuotaForOrigin', { origin: server.url, quotaSize: 2 ** 28 })
    await one.advance(LONG)
    expect(await one.set('db', [50_000])).toBeUndefined()
    expect(await one.get('db', [50_000])).toEqual([1])
    expect((await one.report('db')).problem).toBeUndefined()
  })

  it('tries again after a clear, which makes room', async () => {
    const server = await serve()
    const one = await open(server)
    const cdp = await one.tab.context.newCDPSession(one.tab.page)
    await cdp.send('Storage.overrideQuotaForOrigin', { origin: server.url, quotaSize: 2 ** 20 })
    let [first, refused] = [0, false]
    for (; !refused; first += 50)
      refused =
        (await one.set(
          'db',
          range(50).map(n => first + n),
        )) !== undefined
    expect((await one.report('db')).problem?.kind).toBe('full')
    expect(await one.clear('db')).toBeUndefined()
    expect((await one.report('db')).problem).toBeUndefined()
  })
})

describe('a crash', () => {
  const rounds = Number(process.env.OP_DBUS_TEST_KILLS ?? 8)

  it(`in the middle of writing leaves a database without a wrong value (${rounds} renderers killed)`, async () => {
    const server = await serve()
    const context = await browser.newContext()
    const told = new Set<number>()
    for (const round of range(rounds)) {
      const one = await open(server, { context })
      // What the page was told is stored reaches us over the console, until it dies.
      one.tab.page.on('console', message => {
        if (message.text().startsWith('stored ')) told.add(Number(message.text().slice(7)))
      })
      await one.writeForEver('db', 1000 * round)
      await expect.poll(() => told.size, { interval: 5 }).toBeGreaterThan(5 * (round + 1))
      const cdp = await context.newCDPSession(one.tab.page)
      const crashed = one.tab.page.waitForEvent('crash')
      cdp.send('Page.crash').catch(() => undefined)
      await crashed
      await one.tab.page.close()
    }
    const one = await open(server, { context })
    const all = range(rounds).flatMap(round => range(1000).map(n => 1000 * round + n))
    const found = (await one.get('db', all)) as number[]
    expect(found).not.toContain(-1)
    // A crash of the page is none of the browser: what was told stays.
    for (const n of told) expect(found[all.indexOf(n)], `${n}`).toBe(1)
    // A batch is there as a whole or not at all.
    for (let n = 0; n < all.length; n += 5) expect(new Set(found.slice(n, n + 5)).size, `batch at ${all[n]}`).toBe(1)
    expect(await one.size('db')).toMatchObject({ entries: found.filter(answer => answer === 1).length })
    expect(await one.report('db')).toMatchObject({ damaged: 0, warnings: [] })
  })
})
