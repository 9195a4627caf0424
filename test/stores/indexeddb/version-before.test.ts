// A database as version 0.1 left it, a snapshot of its index with later batches beside it, is read by this version.
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { useBrowser, useBundle } from '../../browser/harness.js'
import type { ask, Found } from './version-before-page.js'

const fixture = (name: string) =>
  JSON.parse(readFileSync(new URL(`../../fixtures/version-0.1/${name}.json`, import.meta.url), 'utf8'))
const bundle = useBundle({ page: 'test/stores/indexeddb/version-before-page.ts' })
const browser = useBrowser()

it('every text comes from it with the vector it had; what was deleted stays so', async () => {
  const server = await browser.serve({ folders: { '/': bundle.dir() } })
  const { page, context, call } = await browser.openPage(server.url)
  const vectors: Record<string, number[]> = fixture('expected').page.vectors
  await call('/page.js', 'restore', fixture('indexeddb'))
  const there = Object.values(vectors).map((vector): Found => ({ vector, source: 'disk' }))
  const texts = [...Object.keys(vectors), 'gone']
  const asked = () => call<Awaited<ReturnType<typeof ask>>>('/page.js', 'ask', texts)
  expect(await asked()).toEqual({ found: [...there, undefined], entries: there.length, warnings: [] })
  // Closing has folded the index anew, in this version's way.
  await page.reload()
  expect(await asked()).toEqual({ found: [...there, undefined], entries: there.length, warnings: [] })
  await context.close()
})
