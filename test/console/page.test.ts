// The console's shell and the screens Overview, Look-up, Models and Tuning as an operator meets them, in Chromium on a real daemon.
import { afterEach, describe, expect, it } from 'vitest'
import { useBrowser } from '../browser/harness.js'
import { ask } from '../server/daemon.js'
import { expectGoodLooks, goTo, openConsole, useDaemon } from './site.js'

const test = useBrowser()
const site = useDaemon()

/** A text that would be a script, where somebody took it for HTML. */
const HOSTILE = '<img src=x onerror="document.title=\'taken\'">\u202e'

const lookUp = (text: string) => ask(site.daemon, '/api/lookup', { body: { text } })

afterEach(async () => {
  expect(site.daemon.lines.filter(line => line.includes(HOSTILE))).toEqual([])
})

describe('the overview', () => {
  it('shows how the daemon does, live, and what happened', async () => {
    await lookUp('one')
    const { page, complaints } = await openConsole(test, site.daemon.url, 'overview')
    const tiers = page.getByRole('table', { name: /Where answers came from/ })
    await tiers.getByRole('row', { name: /^computed 100 % of 1/ }).waitFor()
    await page.locator('.plot canvas').nth(1).waitFor()
    await page.locator('.pulse', { hasText: 'connected, live' }).waitFor()
    await lookUp('one')
    await tiers.getByRole('row', { name: /^memory 50 % of 2/ }).waitFor()
    await page.getByRole('heading', { name: /Time by source 1 look-up/ }).waitFor()
    await page.getByRole('list', { name: 'At a glance' }).getByText('50 %', { exact: true }).waitFor()
    const worth = page.getByRole('table', { name: 'What each cache saved, and what it cost' })
    await worth.getByRole('row', { name: /^embeddings computing [\d.]+ (ns|µs|ms) / }).waitFor()
    await page
      .getByRole('definition')
      .filter({ hasText: /^none$/ })
      .waitFor()

    await site.daemon.context.chain!.addFootprint({ plugin_id: 'net', operation: 'apply', data: { name: 'eth0' } })
    await page.getByRole('list', { name: 'Last events' }).getByText('1 block appended').waitFor()
    await expectGoodLooks(page)
    expect(complaints).toEqual([])
  })
})

describe('a look-up', () => {
  it('shows its way: computed, then memory; its vector and its neighbours, which are text whatever they say', async () => {
    await lookUp(HOSTILE)
    const { page, complaints } = await openConsole(test, site.daemon.url, 'lookup')
    const asked: string[] = []
    page.on('request', request => asked.push(request.url()))
    const text = page.getByRole('textbox', { name: 'Text to look up' })
    await text.fill('a text that nobody asked for yet')
    await text.press('Control+Enter')
    const answered = page.locator('.station.answered .name')
    await expect.poll(() => answered.allTextContents()).toEqual(['computed'])
    await page.locator('canvas.strip').waitFor()
    await page.getByText(HOSTILE.replace('\u202e', '·'), { exact: true }).waitFor()
    expect(await page.title()).toBe('Look-up - op-dbus')
    await text.press('Control+Enter')
    await expect.poll(() => answered.allTextContents()).toEqual(['memory'])
    expect(await page.locator('p[role=status]').last().textContent()).toBe('Answered, source: memory.')

    await page.getByRole('checkbox', { name: 'compute it where no tier has it' }).uncheck()
    await text.fill('another one')
    await page.getByRole('button', { name: 'Look up' }).click()
    await page.getByText('No tier has it, and it was not to be computed.').waitFor()
    await expectGoodLooks(page)
    expect(complaints).toEqual([])
    // What was typed travels in bodies alone.
    expect(asked.filter(url => /nobody|another/.test(url))).toEqual([])
  })
})

describe('models and tuning', () => {
  it('say what is there', async () => {
    await lookUp('one')
    const { page, complaints } = await openConsole(test, site.daemon.url, 'models')
    await page.getByRole('definition').filter({ hasText: 'ready' }).waitFor()
    await page.getByRole('definition').filter({ hasText: "the program's own" }).first().waitFor()
    await expectGoodLooks(page)
    await goTo(page, 'Tuning')
    await page.getByText(/Advice is made from what is asked for/).waitFor()
    await expectGoodLooks(page)
    expect(complaints).toEqual([])
  })
})

describe('the shell', () => {
  it('is worked with keys alone, and says where one is', async () => {
    const { page } = await openConsole(test, site.daemon.url, 'overview')
    await page.keyboard.press('Tab')
    const focused = () => page.evaluate(() => document.activeElement?.textContent?.trim() ?? '')
    expect(await focused()).toBe('Skip to the screen')
    await page.keyboard.press('Enter')
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('main')
    const models = page.getByRole('link', { name: 'Models', exact: true })
    await models.focus()
    expect(await models.evaluate(element => getComputedStyle(element).outlineStyle)).toBe('solid')
    await page.keyboard.press('Enter')
    await page.waitForFunction(() => document.title === 'Models - op-dbus')
    expect(await models.getAttribute('aria-current')).toBe('page')
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('main')
    await page.goBack()
    await page.waitForFunction(() => document.title === 'Overview - op-dbus')
  })

  it('remembers how often it asks, how close it stands, and its colours', async () => {
    const { page } = await openConsole(test, site.daemon.url, 'overview')
    await page.getByRole('combobox', { name: 'Refresh' }).selectOption('by hand')
    await page.getByRole('checkbox', { name: 'Compact' }).check()
    await page.getByRole('combobox', { name: 'Theme' }).selectOption('dark')
    await page.reload()
    await page.locator('.pulse', { hasText: /^connected ?read/ }).waitFor()
    const looks = await page.evaluate(() => {
      const { density, theme } = document.documentElement.dataset
      return { density, theme, background: getComputedStyle(document.body).backgroundColor }
    })
    expect(looks).toEqual({ density: 'compact', theme: 'dark', background: 'rgb(20, 23, 26)' })
    await page.getByRole('list', { name: 'At a glance' }).waitFor()
    const before = await page.getByText(/^of .* texts?$/).textContent()
    await lookUp('by hand')
    const [request] = await Promise.all([
      page.waitForRequest(/api\/stats/),
      page.getByRole('button', { name: 'Refresh now' }).click(),
    ])
    expect(request.method()).toBe('GET')
    await expect.poll(() => page.getByText(/^of .* texts?$/).textContent()).not.toBe(before)
  })
})
