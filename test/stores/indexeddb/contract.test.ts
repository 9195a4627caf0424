// The store contract in Chromium: the suite itself runs in a page, on the browser's own IndexedDB.
import { expect, it } from 'vitest'
import { ROOT, useBrowser, useBundle } from '../../browser/harness.js'

const bundle = useBundle(
  { contract: 'test/stores/indexeddb/contract-entry.ts' },
  { alias: { vitest: `${ROOT}test/browser/vitest-in-page.ts` } },
)
const browser = useBrowser()

it('keeps the store contract in Chromium', async () => {
  const server = await browser.serve({ folders: { '/': bundle.dir() } })
  const page = await browser.openPage(server.url)
  const results = await page.call<Record<string, string>>('/contract.js', 'runCollected')
  const bad = Object.entries(results).filter(([, result]) => result !== 'passed')
  expect(bad).toEqual([
    ['answers through getSync as through getMany (IndexedDB answers only later)', 'skipped: as its name says'],
    ['answers through getManySync as through getMany (IndexedDB answers only later)', 'skipped: as its name says'],
  ])
  expect(Object.keys(results).length).toBeGreaterThanOrEqual(19)
})
