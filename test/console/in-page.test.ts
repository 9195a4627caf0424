// The console computes beside the server, with the model that the server has: the same space, and the same vector but for rounding.
import { expect, it } from 'vitest'
import { useBrowser } from '../browser/harness.js'
import { BUILTIN, openConsole, useDaemon } from './site.js'

const test = useBrowser()
const site = useDaemon(BUILTIN)

it('computes a text in the page and in the server, and compares', async () => {
  const { page, complaints } = await openConsole(test, site.daemon.url, 'lookup')
  await page.getByRole('textbox', { name: 'Text to look up' }).fill('Created container 100')
  await page.getByRole('radio', { name: 'both, compared' }).check()
  await page.getByRole('combobox', { name: "Page's device" }).selectOption('WASM')
  await page.getByRole('button', { name: 'Look up' }).click()
  await page.getByText('The same vector but for rounding').waitFor({ timeout: 90_000 })
  expect(await page.locator('canvas.strip').count()).toBe(2)
  expect(
    await page
      .getByRole('definition')
      .filter({ hasText: /^the same$/ })
      .count(),
  ).toBe(1)
  expect(complaints).toEqual([])
  // It leaves nothing in the browser.
  expect(await page.evaluate(() => indexedDB.databases())).toEqual([])
})
