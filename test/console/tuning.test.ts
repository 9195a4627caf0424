// The screen Tuning as an operator meets it, in Chromium on a real daemon: before anything is on, with what was recorded, and in full.
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import type { TuningReport } from '../../src/server/api.js'
import type { TuningChange } from '../../src/tuning/report.js'
import { useBrowser } from '../browser/harness.js'
import { ask } from '../server/daemon.js'
import { expectGoodLooks, openConsole, useDaemon, writeToken } from './site.js'
import { leaveTrace } from './traced.js'
import { tuningFixture } from './tuning-fixture.js'

const test = useBrowser()
const site = useDaemon()

const open = () => openConsole(test, site.daemon.url, 'tuning', { token: writeToken(site.daemon) })
const panel = (page: Page, title: string) => page.getByRole('region', { name: title })

describe('with nothing on', () => {
  it('says what to do, and records at a press', async () => {
    const { page, complaints } = await open()
    await panel(page, 'Advice').getByText('op-dbus cache trace on').waitFor()
    await panel(page, 'Memory').getByText('OPDBUS_AUTOTUNE=on').waitFor()
    const split = page.getByRole('list', { name: /^Memory of the caches, .* together/ })
    await split.getByText(/^queries 5.5 MB .*LRU/).waitFor()
    await panel(page, 'Fetched ahead').getByText('OPDBUS_PREDICT=conservative').waitFor()
    await panel(page, 'Warm start').getByText('OPDBUS_WARM_START=on').waitFor()
    const recording = panel(page, 'Recording')
    await recording.getByText('No text, no key and no answer.').waitFor()
    await recording.getByRole('button', { name: 'Record requests' }).press('Enter')
    await recording.getByText('every request').waitFor()
    await panel(page, 'Advice').getByText('it can be recorded below').waitFor({ state: 'detached' })
    await ask(site.daemon, '/api/lookup', { body: { text: 'recorded' } })
    await recording.getByRole('button', { name: 'Stop recording' }).press('Enter')
    await recording.getByRole('button', { name: 'Record requests' }).waitFor()
    expect(complaints).toEqual([])
  })
})

describe('with what was recorded', () => {
  it('shows curves and advice that were worked out from it, as the command line does', async () => {
    leaveTrace(site.daemon.dir)
    // The daemon keeps its advice for a minute, unless the recording is turned.
    await ask(site.daemon, '/api/tuning/trace', { body: { on: false }, headers: site.daemon.write })
    const { page, complaints } = await open()
    const advice = panel(page, 'Advice')
    const sentences = advice.getByRole('list', { name: 'Advice for embeddings' }).getByRole('listitem')
    await sentences.first().waitFor()
    const { json } = await ask(site.daemon, '/api/tuning')
    const report = json as TuningReport
    if (!report.advice.available) throw new Error(report.advice.reason)
    const [embeddings] = report.advice.caches
    expect(await sentences.allTextContents()).toEqual(embeddings!.advice)
    // And what the test before recorded.
    expect(embeddings!.requests).toBeGreaterThanOrEqual(20_000)
    expect(embeddings!.now).toMatchObject({ policy: 'lru', capacity: 300 })
    await advice.getByText(/^From 20.00\d requests to \d.\d+ different entries/).waitFor()
    await advice
      .getByRole('img', { name: /for LRU, .*S3-FIFO/ })
      .locator('canvas')
      .waitFor()
    await advice.getByText('The same as a table').click()
    // What the picture shows is what was worked out: more memory misses less, down to what was never asked for before.
    const table = advice.getByRole('table', { name: 'not answered from memory, by size and policy' })
    const cells = await table.locator('tbody td[data-label="LRU"]').allTextContents()
    const misses = cells.filter(cell => cell !== '').map(cell => Number.parseFloat(cell))
    expect(misses.length).toBeGreaterThan(3)
    expect(misses).toEqual([...misses].sort((a, b) => b - a))
    expect(misses[0]).toBeGreaterThan(misses.at(-1)!)
    expect(complaints).toEqual([])
  })
})

describe('with everything on', () => {
  /** The daemon's answer is the fixture with these changes. */
  async function openFull(
    changes: readonly TuningChange[] = tuningFixture(Date.now()).state.auto.changes,
    failed?: string,
  ) {
    const report = (): TuningReport => {
      const { advice, state } = tuningFixture(Date.now())
      const auto = { ...state.auto, changes, ...(failed !== undefined && { on: false, failed }) }
      return { advice, state: { ...state, auto } }
    }
    const context = await test.newContext()
    await context.route('**/api/tuning', route => route.fulfill({ json: report() }))
    const opened = await test.openPage(`${site.daemon.url}/#/tuning`, { context })
    await opened.page.locator('.pulse', { hasText: 'connected, live' }).waitFor()
    return opened
  }

  it('shows advice with curves, sizes and what more would buy, for each cache', async () => {
    const { page, complaints } = await openFull()
    const advice = panel(page, 'Advice')
    await advice
      .getByRole('list', { name: 'Advice for embeddings' })
      .getByText(/cost-aware S3-FIFO would save/)
      .waitFor()
    const plot = (words: RegExp) => page.getByRole('img', { name: words })
    await plot(/^not answered from memory by size .* for LRU, SIEVE, .*GDSF/)
      .locator('canvas')
      .waitFor()
    await advice.getByRole('checkbox', { name: /SIEVE/ }).press('Space')
    await plot(/for LRU, S3-FIFO/)
      .locator('canvas')
      .waitFor()
    await advice.getByRole('radio', { name: 'reading of the disk saved a day' }).check()
    await plot(/^reading of the disk saved a day/)
      .locator('canvas')
      .waitFor()
    await advice.getByText('The same as a table').click()
    const rows = advice
      .getByRole('table', { name: 'reading of the disk saved a day, by size and policy' })
      .getByRole('row')
    expect(await rows.count()).toBe(13)
    await rows.nth(1).getByText(/ s$/).first().waitFor()
    const sizes = advice.getByRole('table', { name: 'The smallest size for a hit rate' })
    await sizes.getByRole('row', { name: /^80 % 18.000 37 MB/ }).waitFor()
    await sizes.getByRole('row', { name: /^95 % no size does/ }).waitFor()
    await advice.getByText('would save 7.0 min a day of reading of the disk', { exact: true }).waitFor()
    await advice.getByText(/^would save 96 s a day of computing: 1.200 computations/).waitFor()
    await expectGoodLooks(page)
    await advice.getByRole('radio', { name: 'queries' }).check()
    await advice.getByRole('list', { name: 'Advice for queries' }).waitFor()
    expect(complaints).toEqual([])
  })

  it('shows what the tuner did, what was fetched ahead, warm and recorded', async () => {
    const { page, complaints } = await openFull()
    const changes = page.getByRole('list', { name: 'Changes of the tuner, the newest first' })
    await changes.getByText('blocks: 2.0 MB → 4.0 MB more blocks are read again').waitFor()
    await changes.getByText('queries: SIEVE → LRU, taken back SIEVE answered').waitFor()
    const ahead = page.getByRole('table', { name: /^What fetches ahead/ })
    await ahead.getByRole('row', { name: /^answers about to run out queries on 96 % of 125 3 2 1 24 s/ }).waitFor()
    await ahead.getByText('paused, because less than half of what it fetched was of use: 12 of 40').waitFor()
    await panel(page, 'Warm start')
      .getByText(/9.800 entries, 19 MB, in 41 ms; 200 were there no more/)
      .waitFor()
    await panel(page, 'Recording')
      .getByText(/requests to 50 % of the entries; 1.200 were left out/)
      .waitFor()
    expect(complaints).toEqual([])
  })

  it('says that the tuner gave up, and still what it had changed', async () => {
    const { page } = await openFull(undefined, 'no policy is called mine')
    const memory = panel(page, 'Memory')
    await memory.getByText('the tuner gave up', { exact: true }).waitFor()
    await memory.getByText(/^The tuner gave up: no policy is called mine\./).waitFor()
    await memory.getByText(/taken back SIEVE answered/).waitFor()
  })

  it('grows its list of changes with each one, at once', async () => {
    const changes: TuningChange[] = []
    const { page } = await openFull(changes)
    await panel(page, 'Memory').getByText('has changed nothing yet').waitFor()
    const change = {
      cache: 'diffs',
      what: 'capacity',
      from: '1000000',
      to: '3000000',
      why: 'it pays',
      undone: false,
    } as const
    const list = page.getByRole('list', { name: 'Changes of the tuner, the newest first' }).getByRole('listitem')
    for (const number of [1, 2]) {
      changes.unshift({ ...change, at: Date.now() })
      site.daemon.context.caches.diagnostics.tuned.tell(change)
      await expect.poll(() => list.count()).toBe(number)
    }
    await page.getByRole('navigation').getByRole('link', { name: 'Overview' }).click()
    await page.getByRole('list', { name: 'Last events' }).getByText('diffs: 1.0 MB → 3.0 MB: it pays').first().waitFor()
  })
})
