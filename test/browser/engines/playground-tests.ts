// The playground in an engine other than Chromium: it opens, embeds its example, shows what came of it, keeps it, finds and
// forgets, without a word on the console; and says in one sentence that a browser stores nothing.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { SITE, useSite } from '../../playground/site.js'
import type { Tab } from './engine.js'
import { hasButton, press as pressNow, texts, type } from './in-page.js'
import type { Denied } from './suite.js'
import type { EngineTest } from './use-engine.js'
import { complaintsOf, watchedPage } from './watched.js'

/** What `npm start` sends beside what isolates the page. */
const HEADERS = ['Content-Security-Policy', 'Referrer-Policy', 'X-Content-Type-Options']
/** Opening the model takes a busy machine a while. */
const PATIENCE = { timeout: 90_000 }

const NOTICES: Readonly<Record<Denied['kind'], RegExp>> = {
  denied: /^The browser's settings forbid this page to store anything/,
  missing: /^This browser offers this page no storage/,
}

export interface Playground {
  /** Opens it from an origin of its own, in a page that is watched. */
  open(test: EngineTest, before?: () => void): Promise<Tab>
}

/** Asks `npm start` once for a test file what it sends beside the files. */
export function usePlayground(): Playground {
  const site = useSite()
  let headers: Readonly<Record<string, string>> = {}
  beforeAll(async () => {
    const sent = (await fetch(site.url)).headers
    headers = Object.fromEntries(HEADERS.map(name => [name, sent.get(name)!]))
  })
  return {
    async open(test, before) {
      const files = watchedPage(readFileSync(join(SITE, 'index.html'), 'utf8'), before)
      const server = await test.serve({ folders: { '/': SITE }, files, headers, isolated: true })
      return test.openTab(`${server.url}/`)
    },
  }
}

export function playgroundTests(test: EngineTest, playground: Playground): void {
  it('runs the playground: embeds, draws, has it after a reload, finds by meaning and forgets', async () => {
    const tab = await playground.open(test)
    expect(await embed(tab)).toMatch(/^20 lines: 19 computed, 1 from the cache/)
    expect(await letters(tab)).toMatch(/^C+$/)
    await expect.poll(() => texts(tab, '.map h2'), PATIENCE).toEqual([expect.stringContaining('19 texts, PCA')])
    await expect.poll(() => tab.evaluate(coloursOnMap), PATIENCE).toBeGreaterThan(1)
    await expect.poll(() => texts(tab, '.net'), PATIENCE).toEqual([expect.stringContaining('works offline')])

    const before = await complaintsOf(tab)
    await tab.reload()
    expect(await embed(tab)).toMatch(/^20 lines from the cache/)
    expect(await letters(tab)).toMatch(/^D+$/)
    expect(await texts(tab, '.station.answered .name')).toEqual(['IndexedDB'])

    await type(tab, 'input[type=search]', 'a container was started')
    await press(tab, 'Search')
    await expect.poll(() => texts(tab, '.found li .mono'), PATIENCE).not.toEqual([])
    expect((await texts(tab, '.found li .mono'))[0]).toMatch(/container/i)

    await press(tab, 'Forget all')
    await expect
      .poll(() => texts(tab, '.stats p'), PATIENCE)
      .toEqual([expect.stringMatching(/^In IndexedDB: 0 vectors/)])
    expect([...before, ...(await complaintsOf(tab))]).toEqual([])
    expect(test.engine.complaints).toEqual([])
  })
}

export function deniedPlaygroundTest(test: EngineTest, playground: Playground, denied: Denied): void {
  it('runs the playground, which says so once', async () => {
    const tab = await playground.open(test, denied.before)
    expect(await embed(tab)).toMatch(/^20 lines: 19 computed/)
    const [ofStorage, ...others] = await texts(tab, '.notices li')
    expect(ofStorage).toMatch(NOTICES[denied.kind])
    expect(others).toEqual(denied.keepsNoFiles ? [expect.stringContaining('fetched again')] : [])
    expect(await embed(tab)).toMatch(/^20 lines from the cache/)
    expect(await letters(tab)).toMatch(/^M+$/)
    expect(await complaintsOf(tab)).toEqual([])
  })
}

/** Presses Embed and waits until it is done. What the page says of the run. */
async function embed(tab: Tab): Promise<string> {
  await press(tab, 'Embed')
  // While it runs the same button says Stop.
  await expect.poll(() => hasButton(tab, 'Embed'), PATIENCE).toBe(true)
  return (await texts(tab, '.progress')).join('')
}

/** Presses it once it is there. */
async function press(tab: Tab, name: string): Promise<void> {
  await expect.poll(() => pressNow(tab, name), PATIENCE).toBe(true)
}

/** The letters of the rows in sight, as one word. */
const letters = async (tab: Tab) => (await texts(tab, '.line .from .chip')).join('')

// What follows runs in the page.

/** How many colours the map's canvas has: one while nothing is drawn. */
function coloursOnMap(): number {
  const canvas = document.querySelector<HTMLCanvasElement>('.map canvas')!
  const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height)
  return new Set(new Uint32Array(data.buffer)).size
}
