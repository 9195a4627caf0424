// The screens Entries, Queries and State as an operator meets them, in Chromium on a real daemon whose plugins apply in memory. What others
// wrote is hostile throughout.
import type { Locator, Page } from 'playwright-core'
import { afterEach, describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/json/json.js'
import { useBrowser } from '../browser/harness.js'
import { ask } from '../server/daemon.js'
import { desired, memoryPlugin } from '../state/managed.js'
import { AS_JSON, AS_TEXT, expectHarmless, HOSTILE, rowsOf } from './hostile.js'
import { expectGoodLooks, goTo, openConsole, useDaemon, writeToken } from './site.js'

const house = memoryPlugin('house')
const gone = memoryPlugin('gone', { unavailable: () => `there is no ${HOSTILE}` })
/** As many resources as somebody can have, one of them with a megabyte of text. */
const town = memoryPlugin('town')
town.system.items = Object.fromEntries(
  Array.from({ length: 10_000 }, (_, i): [string, JsonObject] => [`lamp${i}`, { lit: false }]),
)
town.system.items.lamp7 = { lit: false, note: 'x'.repeat(1_000_000) }

const test = useBrowser()
const site = useDaemon({ plugins: [house.plugin, gone.plugin, town.plugin] })
const open = (screen: Parameters<typeof openConsole>[2]) =>
  openConsole(test, site.daemon.url, screen, { token: writeToken(site.daemon) })

afterEach(() => {
  expect(site.daemon.lines.filter(line => line.includes('onerror'))).toEqual([])
})

describe('entries', () => {
  it('say what lies where, and clear after a look at what goes and a question, with the write token alone', async () => {
    const { page, complaints } = await openConsole(test, site.daemon.url, 'entries')
    await page.getByText('Nothing is on disk yet.').waitFor()
    for (const text of ['one', 'two', HOSTILE]) await ask(site.daemon, '/api/lookup', { body: { text } })
    const space = rowsOf(page, 'Spaces of vectors on disk').nth(1)
    // They are written behind the answer.
    const looked = async () => {
      await page.getByRole('button', { name: 'Refresh now' }).click()
      return (await space.isVisible()) ? space.textContent() : ''
    }
    await expect.poll(looked).toMatch(/8 dims.*3/)
    await expectGoodLooks(page)

    await space.getByRole('button', { name: /^Clear/ }).click()
    await page.getByRole('heading', { name: 'Write token needed' }).waitFor()
    await page.getByLabel('Token', { exact: true }).fill(writeToken(site.daemon))
    await page.getByRole('button', { name: 'Use it' }).click()
    const question = page.getByRole('dialog', { name: /^Clear the space/ })
    const yes = question.getByRole('button', { name: /^Clear 3 entries, \d/ })
    await yes.waitFor()
    await page.keyboard.press('Escape')
    await question.waitFor({ state: 'detached' })
    expect(await space.textContent()).toContain('3')
    await space.getByRole('button', { name: /^Clear/ }).click()
    await yes.click()
    await page
      .getByRole('status')
      .filter({ hasText: /^Cleared 3 entries/ })
      .waitFor()
    await expect.poll(() => space.isVisible()).toBe(false)

    await ask(site.daemon, '/api/query', { body: { plugins: ['house'] } })
    await rowsOf(page, 'The four caches').filter({ hasText: 'queries' }).getByRole('button').click()
    await page
      .getByRole('dialog', { name: 'Clear queries' })
      .getByRole('button', { name: /^Clear \d/ })
      .click()
    await page
      .getByRole('status')
      .filter({ hasText: /^Cleared/ })
      .waitFor()
    await expectHarmless(page, complaints)
  })
})

describe('queries', () => {
  it('tell each plugin, ask anew at a press, and show the state as a tree for mouse, keys and search', async () => {
    house.system.items.three = { [HOSTILE]: HOSTILE, deep: { deeper: { deepest: 'treasure' } } }
    const { page, complaints } = await open('queries')
    const plugin = (name: string) => page.getByRole('listitem', { name, exact: true })
    await plugin('gone').getByText('Not available: There is no <img').waitFor()
    expect(
      await plugin('gone')
        .getByRole('button', { name: /Fresh now/ })
        .isDisabled(),
    ).toBe(true)
    await plugin('house').getByRole('button', { name: /^Show/ }).click()
    const tree = page.getByRole('tree', { name: 'the state of house' })
    const { asked } = house.system
    await plugin('house')
      .getByText(/old, .*B$/)
      .waitFor()
    await plugin('house')
      .getByText(/good for \d+ s of/)
      .waitFor()
    await plugin('house')
      .getByRole('button', { name: /Fresh now/ })
      .click()
    await expect.poll(() => house.system.asked).toBe(asked + 1)
    await page.getByText('asked now').waitFor()

    const names = () => tree.getByRole('treeitem').allTextContents()
    await tree.focus()
    await page.keyboard.press('ArrowRight')
    await expect.poll(async () => (await names()).length).toBe(4)
    expect((await names())[0]).toContain('3 members')
    for (const key of ['ArrowDown', 'ArrowDown', 'Enter']) await page.keyboard.press(key)
    await expect.poll(async () => (await names())[3]).toBe(`${AS_TEXT}"${AS_JSON}"`)
    await page.keyboard.press('ArrowLeft')
    await expect.poll(async () => (await names()).length).toBe(4)
    await page.getByRole('searchbox', { name: 'Search in the state of house' }).fill('TREASURE')
    await expect.poll(names).toHaveLength(5)
    await page.getByText('1 place', { exact: true }).waitFor()
    await expectGoodLooks(page)

    await plugin('town').getByRole('button', { name: /^Show/ }).click()
    const large = page.getByRole('tree', { name: 'the state of town' })
    await large.getByRole('treeitem').first().click()
    await expect.poll(() => large.getByRole('treeitem').count()).toBe(102)
    await page.getByRole('searchbox').fill('xxxx')
    await expect.poll(() => large.getByRole('treeitem').count()).toBe(3)
    expect((await large.textContent())!.length).toBeLessThan(2000)
    await expectHarmless(page, complaints)
  })
})

describe('a change', () => {
  const text = (plugins: Record<string, JsonObject>) => JSON.stringify(desired(plugins))
  const wanted = (page: Page) => page.getByRole('textbox', { name: 'Desired state, as JSON' })
  const press = (page: Page | Locator, name: string | RegExp) => page.getByRole('button', { name, exact: true }).click()

  it('is compared, planned, asked for, done and told, and leads back', async () => {
    house.system.items = { one: { value: 1 }, two: { value: 2, note: HOSTILE } }
    const { page, complaints } = await open('state')
    await page.getByText('None yet.').waitFor()
    await press(page, 'Compare')
    await page.getByRole('alert').filter({ hasText: 'There is nothing in it.' }).waitFor()
    await wanted(page).fill('{ "version": 1,\n "plugins": { "house": 5 } }')
    await press(page, 'Compare')
    await page
      .getByRole('alert')
      .filter({ hasText: /desired:2/ })
      .waitFor()

    const goal = { one: { value: 10 }, two: { ensure: 'absent' }, three: { value: HOSTILE } }
    await wanted(page).fill(text({ house: { items: goal }, gone: { items: {} } }))
    await page.getByRole('checkbox', { name: 'compare with fresh state' }).check()
    await wanted(page).press('Control+Enter')
    await page.getByRole('heading', { name: /^What differs 1 to create, 1 to modify, 1 to delete/ }).waitFor()
    await page.getByText(/gone is not available here/).waitFor()
    const one = page.locator('.diff li', { hasText: 'items/one' })
    expect(await one.locator('del bdi').textContent()).toBe('1')
    expect(await one.locator('ins bdi').textContent()).toBe('10')
    expect(await page.locator('.diff li', { hasText: 'items/three' }).textContent()).toContain('\\u202eevil\\u0000')
    await expectGoodLooks(page)

    await press(page, 'Plan')
    await press(page, 'Apply …')
    const question = page.getByRole('dialog', { name: 'Apply the plan' })
    await question.getByText('This changes the machine that the daemon runs on').waitFor()
    await question.getByText('Nothing is done to gone').waitFor()
    await press(question, 'Cancel')
    expect(house.system.items.one).toEqual({ value: 1 })
    await press(page, 'Apply …')
    await question.getByRole('button', { name: 'Apply 3 changes' }).click()
    await page.getByText('3 of 3 done.').waitFor()
    expect(house.system.items).toEqual({ one: { value: 10 }, three: { value: HOSTILE } })

    // Another screen and back: what was written stays, and nowhere but in the page.
    await page.getByRole('link', { name: /^block \d/ }).click()
    await page.getByRole('heading', { name: /^Block \d/ }).waitFor()
    await goTo(page, 'State')
    expect(await wanted(page).inputValue()).toContain('"house"')
    expect(
      await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, location.href])),
    ).not.toContain('house')

    await press(page, /^Plan the way back/)
    await page.getByText('leads back to checkpoint').waitFor()
    await press(page, 'Apply …')
    await page.getByRole('dialog', { name: 'Roll back' }).getByRole('button', { name: 'Apply 3 changes' }).click()
    await page.getByText('3 of 3 done.').waitFor()
    expect(house.system.items).toEqual({ one: { value: 1 }, two: { value: 2, note: HOSTILE } })
    await expect.poll(() => rowsOf(page, /^Checkpoints/).count()).toBe(3)
    await expectHarmless(page, complaints)
  })

  it('is not made where the system has moved, and of 10,000 shows some', async () => {
    const { page, complaints } = await open('state')
    await wanted(page).fill(text({ house: { items: { one: { value: 99 } } } }))
    await press(page, 'Plan')
    await page.getByRole('heading', { name: /^Plan 0 to create, 1 to modify/ }).waitFor()
    house.system.items.one = { value: 55 }
    await press(page, 'Apply …')
    await page.getByRole('dialog').getByRole('button', { name: 'Apply 1 change' }).click()
    await page
      .getByRole('alert')
      .filter({ hasText: /Not applied as planned/ })
      .waitFor()
    expect(house.system.items.one).toEqual({ value: 55 })

    const lamps = Object.fromEntries(Object.keys(town.system.items).map(name => [name, { lit: true }]))
    await wanted(page).fill(text({ town: { items: lamps } }))
    await press(page, 'Compare')
    await page
      .getByRole('heading', { name: /^What differs 0 to create, 10 000 to modify/ })
      .waitFor({ timeout: 20_000 })
    expect(await page.locator('.diff li').count()).toBe(50)
    await page.getByRole('button', { name: /^Show 200 more of 9 950/ }).click()
    await expect.poll(() => page.locator('.diff li').count()).toBe(250)
    // A browser notes each conflict by itself.
    await expectHarmless(
      page,
      complaints.filter(one => !one.includes('409')),
    )
  })
})
