// The web root in Chromium: the same vectors as on Node, and what a page does when something is missing or wrong.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { useBrowser } from './harness.js'
import { useWebAssets } from './web-assets.js'
import type { Told } from './web-entry.js'

const assets = useWebAssets({ web: 'test/browser/web-entry.ts' })
const browser = useBrowser()

describe('the web root', () => {
  it('embeds on WebAssembly', async () => {
    const server = await browser.serve({ folders: assets.folders() })
    const { call, complaints } = await browser.openPage(server.url)
    await call('/web.js', 'open', { device: 'wasm' })
    const start = performance.now()
    try {
      const told = await call<Told>('/web.js', 'embed', ['Created container 100'])
      console.log(told.sources, told.devices, told.vectors[0]!.slice(0, 4), performance.now() - start)
    } catch (e) {
      console.log(String(e))
    }
    console.log(complaints, server.requests, await call('/web.js', 'told'))
    console.log(JSON.stringify(await call('/web.js', 'stats')))
    await call('/web.js', 'close')
  })
})
void readFileSync
