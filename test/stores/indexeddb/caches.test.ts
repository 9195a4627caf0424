// What the caches of a page say of their disk while the browser refuses to store more.
import { expect, it } from 'vitest'
import { useBrowser, useBundle } from '../../browser/harness.js'
import { useWebAssets } from '../../browser/web-assets.js'
import type { Seen } from './caches-page.js'

const bundle = useBundle({ caches: 'test/stores/indexeddb/caches-page.ts' })
const assets = useWebAssets({ web: 'test/browser/web-entry.ts' })
const browser = useBrowser()

it.each(['QuotaExceededError', 'UnknownError'])('tell its real size while writes fail with %s', async refusal => {
  const server = await browser.serve({ folders: { '/': bundle.dir() } })
  const page = await browser.openPage(server.url)
  const { stats, warnings } = await page.call<Seen>('/caches.js', 'refused', refusal)
  expect(stats.embeddings.onDisk).toMatchObject({ entries: 1, bytes: expect.any(Number) })
  expect(stats.embeddings.onDisk!.bytes).toBeGreaterThan(0)
  if (refusal === 'QuotaExceededError') expect(stats.storage?.problemKind).toBe('full')
  expect(warnings.filter(message => message.includes('look at'))).toEqual([])
})

it('ask for storage that persists once, for the vectors, though devices are remembered too', async () => {
  const server = await browser.serve({ folders: assets.folders() })
  const before = () => {
    StorageManager.prototype.persist = () => Promise.reject(new Error('not here'))
  }
  const page = await browser.openPage(server.url, { before })
  await page.call('/web.js', 'open', { device: 'wasm', persist: true })
  await page.call('/web.js', 'embed', ['some text'])
  const names = await page.page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name).sort())
  expect(names).toEqual(['op-dbus', 'op-dbus-devices'])
  const { warnings } = await page.call<{ warnings: string[] }>('/web.js', 'told')
  expect(warnings).toEqual(['embedding: cannot ask for storage that persists: not here'])
}, 120_000)
