// What the caches of a page say of their disk while the browser refuses to store more.
import { expect, it } from 'vitest'
import { useBrowser, useBundle } from '../../browser/harness.js'
import type { Seen } from './caches-page.js'

const bundle = useBundle({ caches: 'test/stores/indexeddb/caches-page.ts' })
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
