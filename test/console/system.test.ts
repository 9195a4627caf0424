// The screens Entries, Queries, State, Blocks and Search as an operator meets them, in Chromium on a real daemon: its plugins apply in memory,
// its chain is a real one. What others wrote is hostile throughout.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Locator, Page } from 'playwright-core'
import { afterEach, describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/json/json.js'
import { useBrowser } from '../browser/harness.js'
import { ask } from '../server/daemon.js'
import { desired, memoryPlugin } from '../state/managed.js'
import { expectGoodLooks, goTo, openConsole, useDaemon, writeToken } from './site.js'

/** A text that would be a script where somebody took it for HTML, and would turn the line where somebody printed it. */
const HOSTILE = '<img src=x onerror="document.title=\'taken\'">\u202eevil\u0000\u001b[2J'
const AS_TEXT = '<img src=x onerror="document.title=\'taken\'">·evil··[2J'

/** As a value of JSON. */
const HOSTILE_JSON = JSON.stringify(HOSTILE).slice(1, -1).replace('\u202e', '\\u202e')

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
const chain = () => site.daemon.context.chain!
const rowsOf = (page: Page, name: string | RegExp) => page.getByRole('table', { name }).getByRole('row')

afterEach(() => {
  expect(site.daemon.lines.filter(line => line.includes('onerror'))).toEqual([])
})

/** Nothing that was shown was run. */
async function expectHarmless(page: Page, complaints: readonly string[]): Promise<void> {
  expect(await page.title()).not.toContain('taken')
  expect(await page.locator('main img').count()).toBe(0)
  // A browser notes each answer that is an error by itself.
  expect(complaints.filter(one => !/status of 4\d\d/.test(one))).toEqual([])
}

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
    await expect.poll(async () => (await names())[3]).toBe(`${AS_TEXT}"${HOSTILE_JSON}"`)
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

describe('blocks', () => {
  it('come as they are appended, are filtered, shown whole, and proved', async () => {
    const { page, complaints } = await open('blocks')
    const rows = rowsOf(page, /^Blocks/)
    const before = await chain().size()
    await expect.poll(() => rows.count()).toBe(before + 1)
    await chain().addBatch([
      {
        plugin_id: 'harbour',
        operation: HOSTILE,
        data: { ship: HOSTILE },
        metadata: { by: HOSTILE },
        text: `${HOSTILE}\na ship came in`,
      },
      { plugin_id: 'harbour', operation: 'leave', data: 'no object', text: 'y'.repeat(500_000) },
    ])
    await expect.poll(() => rows.count(), { timeout: 8000 }).toBe(before + 3)
    await rows.nth(2).getByText(`${AS_TEXT}, a ship came in`).waitFor()
    await page.getByLabel('plugin', { exact: true }).fill('harbour')
    await page.keyboard.press('Tab')
    await expect.poll(() => rows.count()).toBe(3)
    await expectGoodLooks(page)
    await page.getByLabel('operation', { exact: true }).fill('nothing')
    await page.keyboard.press('Enter')
    await page.getByText('No block fits this filter.').waitFor()
    await page.getByRole('button', { name: 'No filter' }).click()

    await page.getByLabel('Number or hash of a block').fill('zz')
    await page.keyboard.press('Enter')
    await page.getByText('at least 4 digits').waitFor()
    const ship = (await chain().getBlock(before))!
    await page.getByLabel('Number or hash of a block').fill(ship.hash.slice(0, 16))
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: `Block ${before}` }).waitFor()
    await page.getByText(ship.hash, { exact: true }).waitFor()
    expect(await page.getByRole('region', { name: 'Text of the block' }).textContent()).toBe(
      `${AS_TEXT}\na ship came in`,
    )
    await page.getByRole('tree', { name: 'the data' }).getByText('\\u202eevil').waitFor()
    await expectGoodLooks(page)

    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Proof as a file' }).click(),
    ])
    expect(download.suggestedFilename()).toBe(`block-${before}.tlog-proof`)
    expect(await readFile(await download.path(), 'utf8')).toBe((await chain().proof(before)).text)
    await page.getByRole('link', { name: `${before + 1} →` }).click()
    await page.getByText('480 000 more characters are not shown.').waitFor()
    await page.getByRole('link', { name: `← ${before}` }).waitFor()
    await page.getByRole('link', { name: 'All blocks' }).click()
    await expect.poll(() => rows.count()).toBe(before + 3)
    await expectHarmless(page, complaints)
  })

  it('are searched by text and by meaning, with what could not be', async () => {
    const { page, complaints } = await open('search')
    await page.getByRole('searchbox').fill('ship CAME')
    await page.getByRole('radio', { name: 'text' }).check()
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Search', exact: true }).click()
    await expect.poll(() => rowsOf(page, /^Blocks found/).count()).toBe(2)
    for (const way of ['meaning', 'hybrid']) {
      await page.getByRole('radio', { name: way }).check()
      await page.getByRole('button', { name: 'Search', exact: true }).click()
      await rowsOf(page, /^Blocks found/)
        .nth(1)
        .getByText(/^-?\d\.\d{3}/)
        .waitFor()
    }
    await page.getByLabel('plugin', { exact: true }).fill('nobody')
    await page.keyboard.press('Tab')
    await page.getByText('Nothing was found.').waitFor()
    await expectGoodLooks(page)
    await expectHarmless(page, complaints)
  })

  it('are verified: sound, and damaged where somebody changed one', async () => {
    const { page, complaints } = await open('blocks')
    await page.getByRole('checkbox', { name: 'bodies and index as well' }).check()
    await page.getByRole('button', { name: 'Verify' }).click()
    await page.getByText(/^Sound: \d+ blocks/).waitFor()
    const folder = join(site.daemon.dataDir, 'blockchain')
    const file = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .map(name => join(folder, name))
      .find(path => path.endsWith('.jsonl') || readIfFile(path).includes('a ship came in'))!
    writeFileSync(file, readFileSync(file, 'latin1').replace('a ship came in', 'a ship came up'), 'latin1')
    await page.getByRole('button', { name: 'Verify' }).click()
    await page.getByText(/^Damaged: \d+ faults?/).waitFor()
    await page
      .locator('.faults')
      .getByRole('link', { name: /^block \d/ })
      .first()
      .waitFor()
    await expectHarmless(page, complaints)
  })
})

function readIfFile(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}
