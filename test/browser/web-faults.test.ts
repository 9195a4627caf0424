// What a page does when files are missing or wrong, IndexedDB is blocked, the GPU lies or dies, the caller gives up.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import type { Stats } from '../../src/web.js'
import { ROOT, type TestPage, type TestServer, useBrowser } from './harness.js'
import { useWebAssets } from './web-assets.js'
import type { Failure, Told } from './web-entry.js'

const MODULE = '/web.js'
// Each test opens a model of its own, which takes a busy machine a while.
vi.setConfig({ testTimeout: 180_000 })

const MODEL = '/op-dbus/models/builtin/onnx/model_quantized.onnx'
const WASM = '/op-dbus/ort/ort-wasm-simd-threaded.wasm'
const GLUE = '/op-dbus/ort/ort-wasm-simd-threaded.mjs'

const assets = useWebAssets({ web: 'test/browser/web-entry.ts' })
const riggedAssets = useWebAssets({ web: 'test/browser/web-entry.ts' }, 'test/browser/rigged-worker.ts')
const browser = useBrowser()

const embed = async (page: TestPage, text: string) => page.call<Told>(MODULE, 'embed', [text])
const failureOf = async (page: TestPage, ms?: number, text = 'some text') =>
  page.call<Failure>(MODULE, 'failure', text, ms)
const warningsOf = async (page: TestPage) => (await page.call<{ warnings: string[] }>(MODULE, 'told')).warnings

async function pageOn(
  server: TestServer,
  options: object = { device: 'wasm' },
  before?: () => void,
): Promise<TestPage> {
  const page = await browser.openPage(server.url, before && { before })
  await page.call(MODULE, 'open', options)
  return page
}

describe('files that are missing or wrong', () => {
  // One page for all: what it has fetched is taken away in between, and that each next fault is met shows that the one before
  // did no lasting harm.
  it('names the address of each that is not there, and goes on when it is', async () => {
    const server = await browser.serve({ folders: assets.folders() })
    const page = await pageOn(server)
    for (const [path, code] of [
      ['/op-dbus/op-dbus-assets.json', 'DOWNLOAD'],
      ['/op-dbus/worker.js', 'DOWNLOAD'],
      [GLUE, 'DEVICE_UNAVAILABLE'],
      [WASM, 'DEVICE_UNAVAILABLE'],
      [MODEL, 'DOWNLOAD'],
      ['/op-dbus/models/builtin/tokenizer.json', 'DOWNLOAD'],
    ] as const) {
      server.fault(path, { status: 404 })
      const failed = await failureOf(page)
      expect([path, failed.code]).toEqual([path, code])
      expect(failed.message).toContain(server.url + path)
      expect(failed.message).toContain('404')
      server.fault(path, undefined)
      await page.page.evaluate(() => caches.delete('op-dbus-files'))
    }
    expect((await embed(page, 'some text')).sources).toEqual(['computed'])
  })

  it('takes the runtime from where it is told to, checked like any other file', async () => {
    const folders = { ...assets.folders(), '/cdn/': join(ROOT, 'node_modules/onnxruntime-web/dist') }
    const server = await browser.serve({ folders })
    const page = await pageOn(server, { device: 'wasm', wasmPaths: '/cdn' })
    server.fault('/cdn/ort-wasm-simd-threaded.wasm', { body: 'of another version' })
    expect((await failureOf(page)).message).toContain(`${server.url}/cdn/ort-wasm-simd-threaded.wasm`)
    server.fault('/cdn/ort-wasm-simd-threaded.wasm', undefined)
    expect((await embed(page, 'some text')).sources).toEqual(['computed'])
    expect(server.requests.filter(path => path.startsWith('/op-dbus/ort/'))).toEqual([])
  })

  it('starts no worker whose script is cut short or of another build, and runs no altered glue; says so at once', async () => {
    const folders = assets.folders()
    const server = await browser.serve({ folders })
    const script = readFileSync(join(folders['/op-dbus/']!, 'worker.js'), 'utf8')
    const page = await pageOn(server)
    const started: string[] = []
    page.page.on('worker', worker => started.push(worker.url()))
    for (const body of [script.slice(0, 1000), script.replace('op-dbus: ready', 'op-dbus: dizzy')]) {
      expect(body).not.toBe(script)
      server.fault('/op-dbus/worker.js', { body })
      const failed = await failureOf(page)
      expect(failed).toMatchObject({ code: 'DOWNLOAD', details: { why: 'integrity' } })
      expect(failed.message).toContain(`${server.url}/op-dbus/worker.js: it does not hash to`)
      expect(failed.message).toContain('run op-dbus assets DIR again')
      expect(started).toEqual([])
    }
    server.fault('/op-dbus/worker.js', undefined)
    server.fault(GLUE, { body: 'export default async () => { throw new Error("the altered glue ran") }' })
    expect((await failureOf(page)).message).toContain(`${server.url}${GLUE}: it does not hash to`)
    server.fault(GLUE, undefined)
    expect((await embed(page, 'some text')).sources).toEqual(['computed'])
  })

  it('believes no bytes that do not hash to what is stated, also not its own copy', async () => {
    const server = await browser.serve({ folders: assets.folders() })
    const page = await pageOn(server)
    server.fault(MODEL, { body: 'not a model' })
    const failed = await failureOf(page)
    expect([failed.code, failed.details.why]).toEqual(['DOWNLOAD', 'integrity'])
    expect(failed.message).toContain(server.url + MODEL)
    server.fault(MODEL, undefined)
    await embed(page, 'some text')
    await page.call(MODULE, 'close')
    // The copy in the Cache API is damaged: it is fetched again.
    const damaged = await page.page.evaluate(async () => {
      const cache = await caches.open('op-dbus-files')
      const keys = (await cache.keys()).filter(({ url }) => url.includes('.onnx'))
      for (const key of keys) await cache.put(key, new Response('damaged'))
      return keys.length
    })
    expect(damaged).toBe(1)
    server.requests.splice(0)
    await page.page.reload()
    await page.call(MODULE, 'open', { device: 'wasm' })
    expect((await embed(page, 'another text')).sources).toEqual(['computed'])
    expect(server.requests).toContain(MODEL)
  })

  it('tells a visitor without a network from a page that is not set up', async () => {
    const server = await browser.serve({ folders: assets.folders() })
    const page = await pageOn(server)
    await page.context.setOffline(true)
    const offline = await failureOf(page)
    expect(offline).toMatchObject({ code: 'DOWNLOAD', details: { why: 'unreachable', crossOrigin: false } })
    expect(offline.message).toMatch(/^cannot fetch .*\nis there a network/)
    await page.context.setOffline(false)
    server.fault('/op-dbus/op-dbus-assets.json', { status: 404 })
    const absent = await failureOf(page)
    expect(absent).toMatchObject({ code: 'DOWNLOAD', details: { why: 'refused', status: 404 } })
    expect(absent.message).toMatch(/404\nput the files there: op-dbus assets DIR/)
    server.fault('/op-dbus/op-dbus-assets.json', { body: '<html>' })
    expect(await failureOf(page)).toMatchObject({ code: 'DOWNLOAD', details: { why: 'integrity' } })
  })

  it('refuses assets of another version, and says what to run', async () => {
    const folders = assets.folders()
    const text = readFileSync(join(folders['/op-dbus/']!, 'op-dbus-assets.json'), 'utf8')
    const files = { '/op-dbus/op-dbus-assets.json': text.replace('"package": "test"', '"package": "0.0.1"') }
    const page = await pageOn(await browser.serve({ folders, files }))
    const failed = await failureOf(page)
    expect(failed.code).toBe('DOWNLOAD')
    expect(failed.message).toMatch(/are of op-dbus 0\.0\.1.*\nrun op-dbus assets again/)
  })

  it('embeds without a network once it has everything', async () => {
    const server = await browser.serve({ folders: assets.folders() })
    const page = await pageOn(server)
    await embed(page, 'some text')
    await page.call(MODULE, 'close')
    await page.context.setOffline(true)
    await page.call(MODULE, 'open', { device: 'wasm' })
    expect((await embed(page, 'some text')).sources).toEqual(['disk'])
    expect((await embed(page, 'another')).sources).toEqual(['computed'])
  })
})

/** The page believes in a GPU of its own; the rigged worker plays it. */
const realGpu = () => {
  const gpu = { requestAdapter: async () => ({ info: { vendor: 'test', isFallbackAdapter: false } }) }
  Object.defineProperty(navigator, 'gpu', { value: gpu })
}

describe('a GPU', () => {
  it('that computes wrong does not serve, is said to, and is not asked again', async () => {
    const folders = riggedAssets.folders()
    const server = await browser.serve({ folders, files: { '/mode.txt': 'wrong' } })
    const page = await pageOn(server, {}, realGpu)
    expect((await embed(page, 'some text')).devices).toEqual(['wasm'])
    const warnings = await warningsOf(page)
    expect(warnings).toEqual([expect.stringMatching(/^embedding on wasm: webgpu it computes wrong vectors: cosine/)])
    const { running } = (await page.call<Stats>(MODULE, 'stats')).embeddings
    expect(running?.refused).toMatchObject([{ device: 'webgpu', reason: expect.stringContaining('wrong vectors') }])
    await page.call(MODULE, 'close')
    server.requests.splice(0)
    await page.page.reload()
    await page.call(MODULE, 'open', {})
    expect((await embed(page, 'another text')).devices).toEqual(['wasm'])
    expect(server.requests).not.toContain('/mode.txt')
    await page.call(MODULE, 'close')
    await page.call(MODULE, 'open', { device: 'webgpu' })
    const failed = await failureOf(page, undefined, 'a third')
    expect(failed).toMatchObject({ code: 'DEVICE_UNAVAILABLE', message: expect.stringContaining('wrong vectors') })
  })

  it('that is lost gives way to WebAssembly, and the text in hand is embedded all the same', async () => {
    const server = await browser.serve({ folders: riggedAssets.folders(), files: { '/mode.txt': 'losing' } })
    const page = await pageOn(server, {}, realGpu)
    expect((await embed(page, 'Created container 100')).devices).toEqual(['webgpu'])
    expect(await warningsOf(page)).toEqual([])
    expect((await embed(page, 'a')).devices).toEqual(['wasm'])
    expect(await warningsOf(page)).toEqual([
      expect.stringMatching(/^embedding on wasm from here on: webgpu lost .*the device was lost/),
    ])
    const { running } = (await page.call<Stats>(MODULE, 'stats')).embeddings
    expect(running).toMatchObject({ device: 'wasm', refused: [{ device: 'webgpu' }] })
    await page.call(MODULE, 'close')
  })
})

describe('a GPU that a worker cannot have', () => {
  it('is found out before a runtime for it is fetched, and is nothing to complain of', async () => {
    const server = await browser.serve({ folders: riggedAssets.folders(), files: { '/mode.txt': 'lacking' } })
    const page = await pageOn(server, {}, realGpu)
    expect((await embed(page, 'some text')).devices).toEqual(['wasm'])
    expect(server.requests.filter(path => path.endsWith('.wasm'))).toEqual([WASM])
    expect(await warningsOf(page)).toEqual([])
    const { running } = (await page.call<Stats>(MODULE, 'stats')).embeddings
    expect(running?.refused).toEqual([
      { device: 'webgpu', reason: expect.stringMatching(/^in workers, .*no adapter/), kind: 'absent' },
    ])
  })

  it('that fails is told, whatever words the runtime has for it', async () => {
    const server = await browser.serve({ folders: riggedAssets.folders(), files: { '/mode.txt': 'refusing' } })
    const page = await pageOn(server, {}, realGpu)
    expect((await embed(page, 'some text')).devices).toEqual(['wasm'])
    expect(await warningsOf(page)).toEqual([
      expect.stringMatching(/^embedding on wasm: webgpu \[WebGPU\] Kernel failed/),
    ])
  })

  it('and was asked for by name is refused before anything is fetched for it; what is kept still answers', async () => {
    const server = await browser.serve({ folders: assets.folders() })
    const noGpu = () => Object.defineProperty(navigator, 'gpu', { value: undefined })
    const page = await pageOn(server, { device: 'wasm' }, noGpu)
    const before = await embed(page, 'some text')
    await page.call(MODULE, 'close')
    await page.page.reload()
    server.requests.splice(0)
    await page.call(MODULE, 'open', { device: 'webgpu' })
    expect((await embed(page, 'some text')).vectors).toEqual(before.vectors)
    const failed = await failureOf(page, undefined, 'another text')
    expect(failed).toMatchObject({ code: 'DEVICE_UNAVAILABLE', details: { reasons: [{ kind: 'absent' }] } })
    expect(failed.message).toContain('this browser has no WebGPU')
    expect(server.requests.filter(path => path.startsWith('/op-dbus/'))).toEqual(['/op-dbus/op-dbus-assets.json'])
  })
})

describe('a caller', () => {
  it('that gives up, and one that closes, are let go at once, whatever is under way', async () => {
    const server = await browser.serve({ folders: assets.folders() })
    let release = () => {}
    server.fault(MODEL, { after: new Promise<void>(resolve => (release = resolve)) })
    const page = await pageOn(server)
    expect((await failureOf(page, 50)).code).toBe('ABORTED')
    expect((await page.call<Failure>(MODULE, 'closeDuring', 'some text', 50)).code).toBe('CLOSED')
    release()
    await page.call(MODULE, 'open', { device: 'wasm' })
    expect((await embed(page, 'some text')).sources).toEqual(['computed'])
  })

  it('without IndexedDB or Cache API embeds all the same, and is told once what is not kept', async () => {
    const server = await browser.serve({ folders: assets.folders() })
    const page = await pageOn(server, { device: 'wasm' }, () => {
      Object.defineProperty(globalThis, 'indexedDB', { value: undefined })
      IDBFactory.prototype.open = () => {
        throw new DOMException('blocked by a test', 'SecurityError')
      }
    })
    expect((await embed(page, 'a')).sources).toEqual(['computed'])
    expect((await embed(page, 'b')).sources).toEqual(['computed'])
    expect((await embed(page, 'a')).sources).toEqual(['memory'])
    expect(await warningsOf(page)).toHaveLength(1)
    const { storage } = await page.call<Stats>(MODULE, 'stats')
    expect(storage).toMatchObject({ problemKind: 'missing', problem: expect.stringMatching(/^This browser .*\.$/) })
  })

  it('with an IndexedDB that never answers waits once, and then embeds from memory alone', async () => {
    const server = await browser.serve({ folders: assets.folders() })
    const page = await pageOn(server, { device: 'wasm' }, () => {
      const world = globalThis as unknown as { waits: number[] }
      world.waits = []
      const { setTimeout: later } = globalThis
      // Time is not waited for: how long a timer was to take is noted, and what belongs to the database runs at once.
      IDBFactory.prototype.open = () => {
        const patched = globalThis.setTimeout
        globalThis.setTimeout = ((run: () => void, ms: number) => {
          globalThis.setTimeout = patched
          world.waits.push(ms)
          return later(run, 0)
        }) as typeof setTimeout
        return {} as IDBOpenDBRequest
      }
    })
    expect((await embed(page, 'a')).sources).toEqual(['computed'])
    expect((await embed(page, 'b')).sources).toEqual(['computed'])
    expect((await embed(page, 'a')).sources).toEqual(['memory'])
    // One database after the other: vectors, devices. Later attempts hold nobody up.
    const [vectors, devices] = await page.page.evaluate(() => (globalThis as unknown as { waits: number[] }).waits)
    expect(vectors! + devices!).toBeLessThanOrEqual(4_000)
    const { storage } = await page.call<Stats>(MODULE, 'stats')
    expect(storage).toMatchObject({ problemKind: 'silent', problem: expect.stringMatching(/does not answer/) })
    expect(await warningsOf(page)).toEqual([
      expect.stringMatching(/^cannot read the embedding cache, going on without/),
    ])
  })
})
