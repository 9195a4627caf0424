// The IndexedDB store on a browser profile whose files are damaged while the browser is away.
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { chromium } from 'playwright-core'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { ENSURE_MS, launchOptions, useBundle, watchPage } from '../../browser/harness.js'
import { startServer, type TestServer } from '../../browser/static-server.js'
import { callsOf, range, type Tab } from './calls.js'

const bundle = useBundle({ store: 'test/stores/indexeddb/page.ts' })
/** Larger than what Chromium keeps inside its own database: these values lie in files of their own. */
const LARGE = 200_000
const LARGE_ONES = [100, 101, 102]
/** Longer than any pause before another try, in ms. */
const LONG = 20 * 60_000

const profile = mkdtempSync(join(tmpdir(), 'op-dbus-profile-'))
const folder = join(profile, 'Default', 'IndexedDB')
const undamaged = join(profile, 'undamaged')
let server: TestServer

/** A browser on the profile, for as long as `work` takes. */
async function visit<T>(work: (one: Tab) => Promise<T>): Promise<T> {
  const context = await chromium.launchPersistentContext(profile, await launchOptions())
  try {
    const tab = watchPage(await context.newPage())
    await tab.page.goto(server.url)
    const result = await work(callsOf(tab))
    expect(tab.uncaught).toEqual([])
    return result
  } finally {
    await context.close()
  }
}

const files = (): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))

beforeAll(async () => {
  server = await startServer({ folders: { '/': bundle.dir() } })
  await visit(async one => {
    for (const n of range(20))
      await one.set(
        'db',
        range(5).map(i => 5 * n + i),
      )
    await one.set('db', LARGE_ONES, LARGE)
    await one.close('db')
  })
  cpSync(folder, undamaged, { recursive: true })
}, ENSURE_MS)

afterAll(async () => {
  await server.close()
  rmSync(profile, { recursive: true, force: true })
})

/** From now on the site of `one` may store so many bytes. */
async function limit(one: Tab, quotaSize: number): Promise<void> {
  const cdp = await one.tab.context.newCDPSession(one.tab.page)
  await cdp.send('Storage.overrideQuotaForOrigin', { origin: server.url, quotaSize })
}

/** Those of the large values; no checksum of the browser's own covers them. */
function largeFiles(): string[] {
  rmSync(folder, { recursive: true })
  cpSync(undamaged, folder, { recursive: true })
  const large = files().filter(path => path.includes('.blob'))
  expect(large.length).toBe(LARGE_ONES.length)
  return large
}

it.each([
  ['gone', (path: string) => rmSync(path)],
  ['changed in one byte', (path: string) => writeFileSync(path, readFileSync(path).fill(0, LARGE / 2, LARGE / 2 + 1))],
  ['cut short', (path: string) => truncateSync(path, LARGE / 2)],
])('takes a value whose file is %s for a miss, and not the others of its batch', async (_how, damage) => {
  for (const path of largeFiles()) damage(path)
  await visit(async one => {
    expect(await one.get('db', [1, ...LARGE_ONES, 2])).toEqual([1, 0, 0, 0, 1])
    expect(await one.report('db')).toMatchObject({ damaged: 3, problem: undefined })
    expect(await one.set('db', [100], LARGE)).toBeUndefined()
    expect(await one.get('db', [100, 101])).toEqual([1, 0])
  })
})

it('serves nothing wrong from files with flipped bytes, cut short or emptied, and can store again', async () => {
  const damages: [string, (path: string, bytes: Buffer) => void][] = [
    [
      'flipped',
      (path, bytes) =>
        writeFileSync(
          path,
          bytes.map((byte, i) => (i % 997 === 400 ? byte ^ 0x10 : byte)),
        ),
    ],
    ['cut short', (path, bytes) => truncateSync(path, Math.floor(bytes.length / 2))],
  ]
  for (const [how, damage] of damages) {
    largeFiles()
    const damaged = files().filter(path => /\.(log|ldb)$|blob/.test(path))
    expect(damaged.length).toBeGreaterThan(0)
    for (const path of damaged) damage(path, readFileSync(path))
    await visit(async one => {
      const all = [...range(100), ...LARGE_ONES]
      const found = await one.get('db', all)
      expect(found, `${how}: ${damaged.map(path => basename(path))}`).toHaveLength(all.length)
      expect(found).not.toContain(-1)
      expect(await one.set('db', [1, 2, 3])).toBeUndefined()
      expect(await one.get('db', [1, 2, 3])).toEqual([1, 1, 1])
      const { entries } = (await one.size('db')) as { entries: number }
      expect((await one.inside('db')).values).toBe(entries)
    })
  }
})

it('loses nothing when the browser is full, over a restart too, and has room again after a clear', {
  timeout: 120_000,
}, async () => {
  const batch = (first: number): number[] => range(500).map(n => first + n)
  const QUOTA = 12_000_000
  let stored = 0
  const all = () => range(stored).map(() => 1)
  await visit(async one => {
    await limit(one, QUOTA)
    while (stored < 20_000 && (await one.set('full', batch(stored), 2_056)) === undefined) stored += 500
    expect(stored).toBeGreaterThan(2_000)
    for (const _ of range(2)) {
      expect((await one.report('full')).problem?.kind).toBe('full')
      expect(await one.size('full')).toMatchObject({ entries: stored })
      expect(await one.get('full', range(stored))).toEqual(all())
      await one.advance(LONG)
      expect(await one.set('full', batch(stored), 2_056)).toMatch(/^STORE: .*no more storage/)
    }
    expect(await one.report('full')).toMatchObject({ evicted: 0, warnings: [] })
    await one.close('full')
  })
  await visit(async one => {
    await limit(one, QUOTA)
    expect(await one.get('full', range(stored))).toEqual(all())
    expect(await one.set('full', batch(stored), 2_056)).toMatch(/^STORE: .*no more storage/)
    expect(await one.clear('full')).toBeUndefined()
    expect(await one.clearsOf('full')).toBe(0)
  })
  // When Chromium gives back what was deleted is its own affair; at the latest once nothing of the site is open any more, and after a
  // while with a busy disk. So the browser is opened again, as a user would, until there is room.
  let refused: string | undefined
  for (let visits = 0; visits === 0 || (refused !== undefined && visits < 10); visits++) {
    await visit(async one => {
      await limit(one, QUOTA)
      const again = async () => {
        await one.advance(LONG)
        refused = await one.set('full', batch(0), 2_056)
        return refused
      }
      await vi
        .waitUntil(async () => (await again()) === undefined, { timeout: 4_000, interval: 250 })
        .catch(() => undefined)
      if (refused !== undefined) return
      expect(await one.get('full', [0, 499, 500])).toEqual([1, 1, 0])
      expect(await one.size('full')).toMatchObject({ entries: 500 })
      expect(await one.report('full')).toMatchObject({ problem: undefined })
      expect(await one.clearsOf('full')).toBe(0)
    })
  }
  expect(refused).toBeUndefined()
})

it.each([1, 200_000])('calls it full where there is no room for the database itself (%d bytes)', async quotaSize => {
  await visit(async one => {
    await limit(one, quotaSize)
    const database = `new-${quotaSize}`
    for (let n = 0; n < 1_000 && (await one.report(database)).problem === undefined; n += 50)
      await one.set(
        database,
        range(50).map(i => n + i),
      )
    expect((await one.report(database)).problem?.kind).toBe('full')
  })
})
