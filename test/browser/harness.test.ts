// The browser harness itself: what other tests rest on.
import { describe, expect, it } from 'vitest'
import { findChromium } from './chromium.js'
import { useBrowser, useBundle } from './harness.js'

const bundle = useBundle({ echo: 'test/browser/echo-entry.ts' })
const browser = useBrowser()

describe('browser harness', () => {
  it('calls functions of a bundled module in a page, bytes both ways', async () => {
    const server = await browser.serve({ folders: { '/': bundle.dir() } })
    const page = await browser.openPage(server.url)
    expect(await page.call('/echo.js', 'describeBytes', Uint8Array.of(1, 2, 255))).toBe('Uint8Array 1 2 255')
    expect(await page.call('/echo.js', 'bytesBack', 3)).toEqual(Uint8Array.of(0, 1, 2))
    expect(server.requests).toEqual(['/', '/echo.js'])
  })

  it('isolates pages only on demand', async () => {
    for (const isolated of [false, true]) {
      const server = await browser.serve({ folders: { '/': bundle.dir() }, isolated })
      const page = await browser.openPage(server.url)
      expect(await page.call('/echo.js', 'isolated')).toBe(isolated)
    }
  })

  it('serves types that browsers insist on, and faults as told', async () => {
    const files = { '/a.wasm': Uint8Array.of(0x61), '/b.txt': 'whole' }
    const server = await browser.serve({ folders: { '/': bundle.dir() }, files })
    const { call } = await browser.openPage(server.url)
    const fetchText = (path: string) => call('/echo.js', 'fetchText', path)
    expect(await fetchText('/a.wasm')).toBe('200 application/wasm a')
    expect(await fetchText('/none')).toMatch(/^404 /)
    expect(await fetchText('/..%2f..%2fpackage.json')).toMatch(/^404 /)
    server.fault('/b.txt', { status: 503 })
    expect(await fetchText('/b.txt')).toMatch(/^503 /)
    server.fault('/b.txt', { cutAt: 2 })
    expect(await fetchText('/b.txt')).toMatch(/^failed: /)
    server.fault('/b.txt', { body: 'other' })
    expect(await fetchText('/b.txt')).toMatch(/^200 .* other$/)
    let release = () => {}
    server.fault('/b.txt', { after: new Promise<void>(resolve => (release = resolve)) })
    let answered = false
    const slow = fetchText('/b.txt').finally(() => (answered = true))
    expect(await fetchText('/a.wasm')).toMatch(/^200/)
    expect(answered).toBe(false)
    release()
    expect(await slow).toMatch(/ whole$/)
  })

  it('shares storage between pages of one context only', async () => {
    const server = await browser.serve()
    const context = await browser.newContext()
    const [one, two, other] = [
      await browser.openPage(server.url, { context }),
      await browser.openPage(server.url, { context }),
      await browser.openPage(server.url),
    ]
    await one.page.evaluate(() => localStorage.setItem('x', '1'))
    expect(await two.page.evaluate(() => localStorage.getItem('x'))).toBe('1')
    expect(await other.page.evaluate(() => localStorage.getItem('x'))).toBeNull()
  })

  it('collects complaints and uncaught exceptions', async () => {
    const server = await browser.serve({ folders: { '/': bundle.dir() } })
    const page = await browser.openPage(server.url, { mayThrow: true })
    await page.page.evaluate(() => console.error('no good'))
    const thrown = page.page.waitForEvent('pageerror')
    await page.call('/echo.js', 'throwLater')
    await thrown
    expect(page.complaints).toEqual(['error: no good'])
    expect(page.uncaught).toEqual(['Error: nobody catches this'])
  })

  it('has WebGPU through SwiftShader', async () => {
    const server = await browser.serve()
    const { page } = await browser.openPage(server.url)
    const adapter = await page.evaluate(async () => {
      const { gpu } = navigator as unknown as { gpu?: { requestAdapter(): Promise<object | null> } }
      return (await gpu?.requestAdapter()) != null
    })
    expect(adapter).toBe(true)
  })

  it('says so when the Chromium it was told to use is not there', () => {
    const before = process.env.OP_DBUS_CHROMIUM
    process.env.OP_DBUS_CHROMIUM = '/nowhere/chromium'
    try {
      expect(() => findChromium()).toThrow('OP_DBUS_CHROMIUM: there is no /nowhere/chromium')
    } finally {
      if (before === undefined) delete process.env.OP_DBUS_CHROMIUM
      else process.env.OP_DBUS_CHROMIUM = before
    }
  })
})
