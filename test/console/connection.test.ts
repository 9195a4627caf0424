// What keeps a page from its server, told apart: nobody there, a token wanted, one that may only read.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { useBrowser } from '../browser/harness.js'
import { startDaemon } from '../server/daemon.js'
import { expectGoodLooks, goTo, openConsole, useDaemon } from './site.js'

const READ = 'r'.repeat(40)
const WRITE = 'w'.repeat(40)
const folder = mkdtempSync(join(tmpdir(), 'op-dbus-tokens-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const fileOf = (name: string, token: string) => {
  const path = join(folder, name)
  writeFileSync(path, `${token}\n`, { mode: 0o600 })
  return path
}

const test = useBrowser()
const site = useDaemon({ tokenFile: fileOf('write', WRITE), readTokenFile: fileOf('read', READ) })

it('asks for a token where reading takes one, says when it is wrong, and keeps it in this tab alone', async () => {
  const { page, context, complaints } = await openConsole(test, site.daemon.url, 'overview', { anyway: true })
  const urls: string[] = []
  page.on('request', request => urls.push(request.url()))
  await page.getByRole('heading', { name: 'Token needed' }).waitFor()
  await page.locator('.pulse', { hasText: 'token needed' }).waitFor()
  await expectGoodLooks(page)
  const field = page.getByLabel('Token', { exact: true })
  await field.fill('x'.repeat(40))
  await field.press('Enter')
  await page.getByRole('alert').filter({ hasText: 'does not know' }).waitFor()
  await field.fill(READ)
  await page.getByRole('button', { name: 'Use it' }).click()
  await page.locator('.pulse', { hasText: 'read only' }).waitFor()
  await page.getByRole('list', { name: 'At a glance' }).waitFor()
  await page.locator('.pulse', { hasText: 'live' }).waitFor()
  await page.reload()
  await page.getByRole('list', { name: 'At a glance' }).waitFor()

  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, location.href, document.cookie]))
  expect(kept).not.toContain(READ)
  expect(urls.filter(url => url.includes(READ))).toEqual([])
  const other = await context.newPage()
  await other.goto(site.daemon.url)
  await other.getByRole('heading', { name: 'Token needed' }).waitFor()

  await page.getByRole('button', { name: 'Forget token' }).click()
  await page.getByRole('heading', { name: 'Token needed' }).waitFor()
  expect(await page.evaluate(() => sessionStorage.length)).toBe(0)
  // A browser notes each 401 by itself.
  expect(complaints.filter(text => !text.includes('401'))).toEqual([])
  expect(site.daemon.lines.filter(line => line.includes(READ))).toEqual([])
})

it('shows every screen to who may only read', async () => {
  const { page, complaints } = await openConsole(test, site.daemon.url, 'overview', { token: READ })
  for (const title of ['Look-up', 'Entries', 'Queries', 'State', 'Blocks', 'Search', 'Models', 'Tuning', 'Overview']) {
    await goTo(page, title)
    await page.waitForFunction(() => document.querySelector('main .loading') === null)
  }
  expect(complaints).toEqual([])
})

it('says that the server is gone, keeps what it showed, and goes on when it is back', async () => {
  const first = await startDaemon()
  const { page } = await openConsole(test, first.url, 'overview')
  await page.getByRole('list', { name: 'At a glance' }).waitFor()
  await first.stop()
  await page.getByRole('alert').filter({ hasText: 'Server unreachable since' }).waitFor()
  await page.locator('.pulse', { hasText: 'server unreachable' }).waitFor()
  expect(await page.getByRole('list', { name: 'At a glance' }).isVisible()).toBe(true)
  expect(await page.getByRole('heading', { name: 'Token needed' }).count()).toBe(0)
  const second = await startDaemon({ port: Number(new URL(first.url).port) })
  await page.locator('.pulse', { hasText: 'connected, live' }).waitFor()
  await page.getByRole('alert').filter({ hasText: 'Server unreachable' }).waitFor({ state: 'detached' })
  await second.stop()
})

it('says so at once where there was never an answer, and looks unlike a page that wants a token', async () => {
  const context = await test.newContext()
  await context.route(/\/(api|events)/, route => route.abort('connectionrefused'))
  const { page } = await test.openPage(site.daemon.url, { context })
  await page.getByRole('heading', { name: 'Server unreachable' }).waitFor()
  await expectGoodLooks(page)
  const json = { error: { code: 'FORBIDDEN', message: 'this server is not called so' } }
  await context.route(/\/api\/daemon/, route => route.fulfill({ status: 403, json }))
  // It tries again by itself, so the button may be gone before it is pressed.
  await page.getByRole('heading', { name: 'Refused' }).waitFor()
  await page.getByText('this server is not called so').waitFor()
  await context.unrouteAll()
  await page.getByRole('button', { name: 'Try now' }).click()
  await page.getByRole('heading', { name: 'Token needed' }).waitFor()
})
