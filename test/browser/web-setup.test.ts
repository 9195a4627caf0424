// What a page meets on servers and in browsers that are set up in other ways: headers, policies, lengths, several at once.
import { describe, expect, it, vi } from 'vitest'
import type { Stats } from '../../src/web.js'
import { type ServeOptions, type TestPage, useBrowser } from './harness.js'
import { useWebAssets } from './web-assets.js'
import type { Failure, Told } from './web-entry.js'

const MODULE = '/web.js'
// Each test opens a model of its own, which takes a busy machine a while.
vi.setConfig({ testTimeout: 180_000 })

const MODEL = '/op-dbus/models/builtin/onnx/model_quantized.onnx'
const WASM = '/op-dbus/ort/ort-wasm-simd-threaded.wasm'
const GLUE = '/op-dbus/ort/ort-wasm-simd-threaded.mjs'

/** Until a model is being fetched, on a busy machine. */
const PATIENT = { timeout: 60_000 }

const assets = useWebAssets({ web: 'test/browser/web-entry.ts' })
const cacheless = useWebAssets({ web: 'test/browser/web-entry.ts' }, 'test/browser/cacheless-worker.ts')
const browser = useBrowser()

const embed = async (page: TestPage, text: string) => page.call<Told>(MODULE, 'embed', [text])
const failureOf = async (page: TestPage, text = 'some text') => page.call<Failure>(MODULE, 'failure', text)
const told = async (page: TestPage) =>
  page.call<{ warnings: string[]; downloads: { file: string; done: number; total: number }[] }>(MODULE, 'told')

async function serve(options: ServeOptions = {}) {
  const server = await browser.serve({ folders: assets.folders(), ...options })
  const page = await browser.openPage(server.url)
  await page.call(MODULE, 'open', { device: 'wasm' })
  return { server, page }
}

it('two tabs at once fetch model and runtime once, and progress knows their sizes unsaid', async () => {
  const server = await browser.serve({ folders: assets.folders(), lengths: false })
  const context = await browser.newContext()
  const pages = [await browser.openPage(server.url, { context }), await browser.openPage(server.url, { context })]
  for (const page of pages) await page.call(MODULE, 'open', { device: 'wasm' })
  const [one, two] = await Promise.all(pages.map((page, i) => embed(page, `text ${i}`)))
  expect([one!.sources, two!.sources]).toEqual([['computed'], ['computed']])
  for (const path of [MODEL, WASM]) expect(server.requests.filter(asked => asked === path)).toHaveLength(1)
  const { downloads } = (await Promise.all(pages.map(told))).find(({ downloads: some }) => some.length > 0)!
  const first = downloads[0]!
  expect(first.total).toBeGreaterThan(first.done)
  expect(downloads.at(-1)!.done).toBe(downloads.at(-1)!.total)
})

it('a download that is cut goes on where it was', async () => {
  const { server, page } = await serve()
  let cut = () => {}
  const until = new Promise<void>(resolve => {
    cut = resolve
  })
  server.fault(MODEL, { cutAt: 1_000_000, times: 1, until })
  const embedded = embed(page, 'some text')
  await expect
    .poll(async () => (await told(page)).downloads.some(one => one.file.endsWith('.onnx') && one.done > 0), PATIENT)
    .toBe(true)
  cut()
  expect((await embedded).sources).toEqual(['computed'])
  expect(server.parts).toEqual([expect.stringMatching(/model_quantized\.onnx bytes=\d+-$/)])
})

it('needs the headers of isolation on its HTML alone: the worker has those of the page', async () => {
  const { page } = await serve({ isolated: 'html' })
  expect(await page.page.evaluate(() => crossOriginIsolated)).toBe(true)
  expect((await embed(page, 'some text')).sources).toEqual(['computed'])
  const { running } = (await page.call<Stats>(MODULE, 'stats')).embeddings
  expect(running?.threads).toBeGreaterThanOrEqual(1)
})

describe('under a policy without blob:', () => {
  const STRICT = { 'Content-Security-Policy': "script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'" }

  it('starts the worker from its address, checked before, and says so once', async () => {
    const { server, page } = await serve({ headers: STRICT })
    expect((await embed(page, 'some text')).sources).toEqual(['computed'])
    expect(page.page.workers().map(worker => worker.url())).toEqual([
      expect.stringMatching(`^${server.url}/op-dbus/worker.js\\?[0-9a-f]{16}$`),
    ])
    await page.call(MODULE, 'close')
    await page.call(MODULE, 'open', { device: 'wasm' })
    expect((await embed(page, 'another text')).sources).toEqual(['computed'])
    const { warnings } = await told(page)
    expect(warnings).toEqual([expect.stringMatching(/^worker\.js is started from .*worker-src blob:/)])
  })

  it('refuses worker and glue where they were altered', async () => {
    const { server, page } = await serve({ headers: STRICT })
    // What was kept of an earlier visit says nothing of what the browser is given now.
    expect((await embed(page, 'some text')).sources).toEqual(['computed'])
    for (const path of ['/op-dbus/worker.js', GLUE]) {
      await page.call(MODULE, 'close')
      server.fault(path, { body: 'export default 1' })
      await page.page.reload()
      await page.call(MODULE, 'open', { device: 'wasm' })
      expect((await failureOf(page, 'another text')).message).toContain(`${server.url}${path}?`)
      server.fault(path, undefined)
    }
    expect((await embed(page, 'another text')).sources).toEqual(['computed'])
  })

  it('with the headers of isolation on its HTML alone, names the one that the worker lacks', async () => {
    const { server, page } = await serve({ isolated: 'html', headers: STRICT })
    const failed = await failureOf(page)
    expect(failed.code).toBe('WORKER_LOST')
    expect(failed.message).toContain(`${server.url}/op-dbus/worker.js`)
    expect(failed.message).toContain('without the header Cross-Origin-Embedder-Policy')
  })
})

it('under a policy that forbids WebAssembly fetches nothing large, and says what to allow', async () => {
  const { server, page } = await serve({ headers: { 'Content-Security-Policy': "script-src 'self'" } })
  const failed = await failureOf(page)
  expect(failed.code).toBe('DEVICE_UNAVAILABLE')
  expect(failed.message).toMatch(/put 'wasm-unsafe-eval' into script-src/)
  expect(server.requests.filter(path => [MODEL, WASM].includes(path))).toEqual([])
})

it('a runtime that is not whole is told with what to run', async () => {
  const { server, page } = await serve()
  server.fault(WASM, { body: 'half' })
  const failed = await failureOf(page)
  expect(failed.message).toContain(server.url + WASM)
  expect(failed.message).toContain('it has 4 bytes of')
  expect(failed.message).toContain('run op-dbus assets DIR again')
})

it('says once that nothing is kept, however many workers find it out', async () => {
  const server = await browser.serve({ folders: cacheless.folders() })
  const page = await browser.openPage(server.url)
  await page.call(MODULE, 'open', { device: 'wasm', idleUnloadMs: 1 })
  const fetches = () => server.requests.filter(path => path === MODEL).length
  await embed(page, 'a')
  await expect.poll(async () => page.page.workers().length).toBe(0)
  await embed(page, 'b')
  expect(fetches()).toBe(2)
  expect((await told(page)).warnings).toEqual([expect.stringContaining('fetched again at each visit')])
})
