// The playground and its network: what it keeps and says so, what it would fetch, newer versions, threads that do not load.
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { useBrowser } from '../browser/harness.js'
import { embed, SITE, settled, useFaultySite, useProfile } from './site.js'

const test = useBrowser({ without: ['--enable-unsafe-webgpu'] })

const site = useFaultySite()
const profile = useProfile(test, site)
const open = () => profile.open({ known: 'nothing' })
/** As one who has embedded before: nothing has to be fetched any more. */
const openAgain = () => profile.open()

const net = (page: Page, text: string) => page.locator('.net', { hasText: text }).waitFor()

describe('a later visit', () => {
  it('says that it works offline when everything is kept, and that it fetches nothing', async () => {
    site.requests.length = 0
    const { page } = await openAgain()
    await net(page, 'works offline')
    expect(await page.getByRole('button', { name: /^Embed/ }).textContent()).toBe('Embed')
    expect(await page.locator('.compare').textContent()).not.toContain('Fetches')
    await page.getByRole('textbox', { name: 'Lines to embed' }).fill('a line of the second visit')
    expect(await embed(page)).toMatch(/^1 line, all computed; the look-ups took/)
    expect(site.requests.filter(path => path.endsWith('.wasm') || path.endsWith('.onnx'))).toEqual([])
  })
})

describe('a search that loads the model', () => {
  it('shows how far it is, and can be stopped', async () => {
    const { page, context } = await openAgain()
    await net(page, 'works offline')
    // Vectors are written in the background, and counted when a run is over.
    const stats = page.locator('.stats')
    await expect.poll(async () => (await embed(page)) && (await stats.textContent())).toContain('IndexedDB: 19 vectors')
    // Answered from IndexedDB: memory has vectors, and no model is loaded.
    const second = await test.openPage(site.url, { context })
    await embed(second.page)
    let release = () => {}
    site.fault('/op-dbus/ort/ort-wasm-simd-threaded.wasm', {
      after: new Promise<void>(resolve => {
        release = resolve
      }),
    })
    onTestFinished(() => release())
    await second.page.evaluate(() => caches.delete('op-dbus-files'))
    await second.page.getByRole('searchbox').fill('nothing that was asked before')
    await second.page.getByRole('button', { name: 'Search', exact: true }).click()
    await second.page.locator('.found', { hasText: /fetching model and runtime: .* of / }).waitFor()
    await second.page.locator('.search').getByRole('button', { name: 'Stop' }).click()
    await second.page.getByRole('button', { name: 'Search', exact: true }).waitFor()
    expect(await second.page.locator('.found li').count()).toBe(0)
    release()
    await settled(second.page)
  })
})

describe('without a network', () => {
  it('promises no more than the page before the model is kept, and says plainly what is missing', async () => {
    const { page, context } = await open()
    await net(page, 'page kept')
    // No WebGPU here: the model and the smaller runtime.
    await page
      .getByRole('button', { name: /^Embed/ })
      .filter({ hasText: 'fetches up to 22 MB once' })
      .waitFor()
    await page.locator('.compare', { hasText: 'Fetches up to 22 MB' }).waitFor()
    await context.setOffline(true)
    await page.reload()
    await net(page, 'offline')
    const said = page.getByRole('alert')
    await embed(page)
    expect(await said.textContent()).toMatch(/^Failed: You are offline, .* Connect, then press Embed/)
    expect(await said.textContent()).not.toMatch(/op-dbus|assets/)
    await context.setOffline(false)
    expect(await embed(page)).toMatch(/19 computed/)
    await net(page, 'works offline')
  })

  it('says so when the server is gone though the network is there', async () => {
    const server = await test.serve({ folders: { '/': SITE }, isolated: true })
    const { page } = await test.openPage(server.url)
    await net(page, 'page kept')
    await server.close()
    await embed(page)
    expect(await page.getByRole('alert').textContent()).toMatch(/^Failed: The server .* cannot be reached/)
    // What the library said is at hand for who wants to mend it.
    expect(await page.locator('.progress details').textContent()).toContain('/op-dbus/')
  })
})

describe('a newer version', () => {
  it('is offered when it is ready, and taken when it is wanted', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'op-dbus-site-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const small = (path: string) => !path.endsWith('.wasm') && !path.endsWith('.onnx')
    cpSync(SITE, folder, { recursive: true, filter: small })
    const server = await test.serve({ folders: { '/': folder }, isolated: true })
    const { page } = await test.openPage(`${server.url}/`)
    await net(page, 'page kept')
    server.fault('/sw.js', { body: `${readFileSync(join(folder, 'sw.js'), 'utf8')}\n// newer\n` })
    await page.evaluate(() => navigator.serviceWorker.ready.then(registration => registration.update()))
    await page.locator('.notices', { hasText: 'A newer version of this page is ready.' }).waitFor()
    const loaded = page.waitForEvent('load')
    await page.getByRole('button', { name: 'Use it' }).click()
    await loaded
    await net(page, 'page kept')
    expect(await page.getByRole('button', { name: 'Use it' }).count()).toBe(0)
  })
})

describe('the thread of search and map', () => {
  it('is said to be missing when it does not load, and is tried again by the next search', async () => {
    const { page } = await open()
    site.fault('/near-worker.js', { status: 404 })
    // Kept by the service worker, it would not be asked for.
    await page.evaluate(async () => {
      const [registration] = await navigator.serviceWorker.getRegistrations()
      await registration?.unregister()
      for (const name of await caches.keys()) await caches.delete(name)
    })
    await page.route('**/sw.js', route => route.abort())
    await page.reload()
    await embed(page)
    const panel = page.locator('.search')
    await panel.getByRole('alert').filter({ hasText: 'their thread could not be started' }).waitFor()
    site.fault('/near-worker.js', undefined)
    await page.getByRole('searchbox').fill('a container')
    await page.getByRole('button', { name: 'Search', exact: true }).click()
    await page.locator('.found li').first().waitFor()
    expect(await panel.getByRole('alert').count()).toBe(0)
  })
})

describe('stopping while the model is fetched', () => {
  it('ends the fetching too, and the next press begins anew', async () => {
    const { page } = await open()
    site.requests.length = 0
    const model = '/op-dbus/models/builtin/onnx/model_quantized.onnx'
    const never = new Promise<void>(() => {})
    site.fault(model, { after: never })
    await page.getByRole('button', { name: /^Embed/ }).click()
    await page.locator('.progress', { hasText: /^fetching model and runtime: .* of 22 MB$/ }).waitFor()
    await page.getByRole('button', { name: 'Stop' }).click()
    await page.locator('.progress', { hasText: /^Stopped after 0 of 20 lines/ }).waitFor()
    site.fault(model, undefined)
    expect(await embed(page)).toMatch(/19 computed/)
    expect(site.requests.filter(path => path === model)).toHaveLength(2)
  })
})
