// The screens Blocks and Search as an operator meets them, in Chromium on a real daemon and a real chain. What others wrote is hostile throughout.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { useBrowser } from '../browser/harness.js'
import { AS_TEXT, expectHarmless, HOSTILE, rowsOf } from './hostile.js'
import { expectGoodLooks, openConsole, useDaemon } from './site.js'

const test = useBrowser()
const site = useDaemon()
const open = (screen: Parameters<typeof openConsole>[2]) => openConsole(test, site.daemon.url, screen)
const chain = () => site.daemon.context.chain!

afterEach(() => {
  expect(site.daemon.lines.filter(line => line.includes('onerror'))).toEqual([])
})

describe('blocks', () => {
  it('come as they are appended, are filtered, shown whole, and proved', async () => {
    const { page, complaints } = await open('blocks')
    const rows = rowsOf(page, /^Blocks/)
    await chain().addFootprint({ plugin_id: 'house', operation: 'apply', text: 'a lamp was lit' })
    const before = chain().size()
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
    await chain().addFootprint({ plugin_id: 'harbour', operation: 'apply', text: 'another ship CAME' })
    const { page, complaints } = await open('search')
    await page.getByRole('searchbox').fill('ship CAME')
    await page.getByRole('radio', { name: 'text' }).check()
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Search', exact: true }).click()
    await expect.poll(() => rowsOf(page, /^Blocks found/).count()).toBeGreaterThan(1)
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

  it('are told to be none where the daemon keeps no chain, and what fails has a way to try again', async () => {
    const context = await test.newContext()
    const message = 'this daemon keeps no chain: it has no folder for one; set OPDBUS_DATA_DIR or --data-dir'
    let error = { status: 422, code: 'DISABLED', message }
    const chainCalls = /\/api\/(blocks|head)/
    await context.route(chainCalls, route =>
      route.fulfill({ status: error.status, json: { error: { code: error.code, message: error.message } } }),
    )
    const { page } = await test.openPage(`${site.daemon.url}/#/blocks`, { context })
    await page.getByText('This daemon keeps no chain').waitFor()
    expect(await page.getByText('keeps no chain').count()).toBe(1)
    expect(await page.getByRole('button', { name: 'Verify' }).count()).toBe(0)
    error = { status: 500, code: 'CHAIN_DAMAGED', message: `block 3 is not what was written ${HOSTILE}` }
    await page.reload()
    await page.getByText('Verify says what is wrong, and where.').waitFor()
    await page.getByRole('alert').filter({ hasText: 'The blocks: block 3 is not' }).waitFor()
    await context.unroute(chainCalls)
    await page.getByRole('alert').filter({ hasText: 'The blocks:' }).getByRole('button', { name: 'Try again' }).click()
    await expect.poll(() => rowsOf(page, /^Blocks/).count()).toBeGreaterThan(1)
    await expectHarmless(page, [])
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
