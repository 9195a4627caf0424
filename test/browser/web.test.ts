// The web root in Chromium: the same vectors as on Node, kept over a reload, shared by tabs, without holding the page up.
import { join } from 'node:path'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { embedText } from '../../src/embedder/client/embed-text.js'
import type { Stats } from '../../src/web.js'
import { largestDifference, startEmbedder, useLiteCases } from '../embedder/node-embedder.js'
import { BASELINE_WASM, ROOT, type TestPage, useBrowser } from './harness.js'
import { useWebAssets } from './web-assets.js'
import type { LongTasks, Told } from './web-entry.js'

const MODULE = '/web.js'
// Each test opens a model of its own, which takes a busy machine a while.
vi.setConfig({ testTimeout: 180_000 })

const TEXTS = useLiteCases().map(({ text }) => text)
const SHORT = ['Created container 100', 'eth0: link is down', 'a']

const assets = useWebAssets({ web: 'test/browser/web-entry.ts' })
const trusting = useWebAssets({ web: 'test/browser/web-entry.ts' }, 'test/browser/trusting-worker.ts')
// As visitors have it: here vectors are compared with those of Node, and many texts embedded.
const browser = useBrowser({ without: [BASELINE_WASM] })
let onNode: readonly Float32Array[]

beforeAll(async () => {
  const embedder = await startEmbedder(join(ROOT, 'dist/models/builtin'), {
    overrides: { dtype: 'int8', maxTokens: 128 },
  })
  onNode = (await Promise.all([...TEXTS, ...SHORT].map(text => embedText(embedder, text)))).map(({ vector }) => vector)
  await embedder.close()
})

const open = async (page: TestPage, options: object = {}) => page.call(MODULE, 'open', options)
const embed = async (page: TestPage, texts: readonly string[]) => page.call<Told>(MODULE, 'embed', texts)
const statsOf = async (page: TestPage) => page.call<Stats>(MODULE, 'stats')

interface Work {
  readonly modules: number
  readonly hashed: number
  readonly parsed: number
}

/** Counts the WebAssembly modules of the page's own thread, and the largest thing that it hashed and parsed. */
function noteWork(): void {
  const world = Object.assign(globalThis, { modules: 0, hashed: 0, parsed: 0 })
  const { parse } = JSON
  JSON.parse = (text, ...rest) => {
    world.parsed = Math.max(world.parsed, text.length)
    return parse(text, ...rest)
  }
  const digest = crypto.subtle.digest.bind(crypto.subtle)
  crypto.subtle.digest = (name, bytes) => {
    world.hashed = Math.max(world.hashed, bytes.byteLength)
    return digest(name, bytes)
  }
  const api = WebAssembly as unknown as Record<string, (...args: unknown[]) => unknown>
  for (const name of ['compile', 'compileStreaming', 'instantiate', 'instantiateStreaming']) {
    const real = api[name]!
    api[name] = (...args) => {
      world.modules++
      return real.apply(WebAssembly, args)
    }
  }
  WebAssembly.Module = new Proxy(WebAssembly.Module, {
    construct(target, args) {
      world.modules++
      return Reflect.construct(target, args)
    },
  })
}

function worst({ vectors }: Told, expected: readonly Float32Array[]): number {
  return Math.max(...vectors.map((vector, i) => largestDifference(vector, expected[i]!)))
}

describe('the web root', () => {
  it.each([
    { isolated: false, threads: 1 },
    { isolated: true, threads: 2 },
  ])('embeds as Node does on WebAssembly (cross-origin isolated: $isolated)', async ({ isolated, threads }) => {
    const server = await browser.serve({ folders: assets.folders(), isolated })
    const page = await browser.openPage(server.url)
    await open(page, { device: 'wasm', threads: 2 })
    const told = await embed(page, TEXTS)
    const difference = worst(told, onNode)
    console.log(
      `WebAssembly, ${threads} threads, against Node: ${difference.toExponential(1)} over ${TEXTS.length} texts`,
    )
    expect(difference).toBeLessThanOrEqual(1e-5)
    expect(new Set(told.devices)).toEqual(new Set(['wasm']))
    const { embeddings } = await statsOf(page)
    expect(embeddings.running).toMatchObject({ device: 'wasm', threads })
    expect(page.complaints).toEqual([])
    const { downloads, warnings } = await page.call<{
      downloads: { done: number; total: number }[]
      warnings: string[]
    }>(MODULE, 'told')
    expect(warnings).toEqual([])
    expect(downloads.at(-1)!.done).toBe(downloads.at(-1)!.total)
    expect(downloads.at(-1)!.total).toBeGreaterThan(20_000_000)
    await page.call(MODULE, 'close')
  })

  // In software a text takes about a second and the probe most of a minute: OP_DBUS_TEST_WEBGPU=all embeds all texts.
  it('embeds as Node does on WebGPU', async () => {
    const all = process.env.OP_DBUS_TEST_WEBGPU === 'all'
    const texts = all ? TEXTS : SHORT
    const server = await browser.serve({ folders: (all ? assets : trusting).folders() })
    const page = await browser.openPage(server.url)
    await open(page, { device: 'webgpu' })
    const told = await embed(page, texts)
    const difference = worst(told, all ? onNode : onNode.slice(TEXTS.length))
    console.log(`WebGPU (SwiftShader) against Node: ${difference.toExponential(1)} over ${texts.length} texts`)
    expect(new Set(told.devices)).toEqual(new Set(['webgpu']))
    expect(difference).toBeLessThanOrEqual(1e-5)
    await page.call(MODULE, 'close')
  }, 600_000)

  it('takes WebAssembly where the only GPU is one in software, and says why', async () => {
    const server = await browser.serve({ folders: assets.folders() })
    const page = await browser.openPage(server.url)
    await open(page)
    expect((await embed(page, ['a'])).devices).toEqual(['wasm'])
    const { running } = (await statsOf(page)).embeddings
    expect(running?.refused).toEqual([
      { device: 'webgpu', reason: expect.stringContaining('software'), kind: 'absent' },
    ])
    // The build without WebGPU is half as large.
    expect(server.requests.filter(path => path.endsWith('.wasm'))).toEqual(['/op-dbus/ort/ort-wasm-simd-threaded.wasm'])
  })

  it('keeps vectors over a reload, and fetches nothing for them but the manifest, nor for new ones', async () => {
    const server = await browser.serve({ folders: assets.folders() })
    const page = await browser.openPage(server.url)
    await open(page, { device: 'wasm' })
    const before = await embed(page, SHORT)
    expect(before.sources).toEqual(['computed', 'computed', 'computed'])
    await page.call(MODULE, 'close')
    server.requests.splice(0)
    await page.page.reload()
    await open(page, { device: 'wasm' })
    const after = await embed(page, SHORT)
    expect(after.sources).toEqual(['disk', 'disk', 'disk'])
    expect(after.vectors).toEqual(before.vectors)
    expect(server.requests.filter(path => path.startsWith('/op-dbus/'))).toEqual(['/op-dbus/op-dbus-assets.json'])
    const { storage, embeddings } = await statsOf(page)
    expect(storage).toMatchObject({ database: 'op-dbus', persisted: false })
    expect(storage!.usageBytes).toBeGreaterThan(0)
    expect(embeddings.onDisk?.entries).toBe(3)
    // What is new is computed with what the browser has kept, the worker's script among it.
    expect((await embed(page, ['new'])).sources).toEqual(['computed'])
    expect(server.requests.filter(path => path.startsWith('/op-dbus/')).slice(1)).toEqual([])
  })

  it('shares vectors between tabs, and forgets at once what another one cleared: `view` needs no look-up for that', async () => {
    const server = await browser.serve({ folders: assets.folders() })
    const context = await browser.newContext()
    const one = await browser.openPage(server.url, { context })
    const two = await browser.openPage(server.url, { context })
    await Promise.all([open(one, { device: 'wasm' }), open(two, { device: 'wasm' })])
    const both = await Promise.all([embed(one, ['the same']), embed(two, ['the same'])])
    expect(both[0].vectors).toEqual(both[1].vectors)
    expect((await embed(one, SHORT)).sources).toEqual(['computed', 'computed', 'computed'])
    // Written in the background, soon after.
    await expect.poll(async () => (await statsOf(one)).embeddings.onDisk?.entries).toBe(1 + SHORT.length)
    expect((await embed(two, SHORT)).sources).toEqual(['disk', 'disk', 'disk'])

    const views = (page: TestPage) => page.call<boolean[]>(MODULE, 'views', SHORT)
    expect(await views(two)).toEqual([true, true, true])
    await one.call(MODULE, 'clear')
    expect(await views(one)).toEqual([false, false, false])
    await expect.poll(() => views(two)).toEqual([false, false, false])
  })

  it('leaves the page its thread while the model is fetched and opened, and 512 texts are embedded', async () => {
    const server = await browser.serve({ folders: assets.folders() })
    const page = await browser.openPage(server.url, { before: noteWork })
    await open(page, { device: 'wasm' })
    const opening = await page.call<LongTasks>(MODULE, 'watchLongTasks', ['opens the model'])
    const texts = Array.from(
      { length: 512 },
      (_, i) => `host-${i % 7} systemd[${i}]: Started Session ${i * 7} of user u${i}.`,
    )
    const watched = await page.call<LongTasks>(MODULE, 'watchLongTasks', texts)
    for (const [what, { ms, tasks, worstTurn }] of Object.entries({
      'the first text': opening,
      '512 texts': watched,
    })) {
      console.log(
        `${what} in ${(ms / 1000).toFixed(1)} s: ${tasks.length} long tasks [${tasks.map(task => task.toFixed(0))}], longest wait of a timer ${worstTurn.toFixed(0)} ms`,
      )
    }
    // How long the thread had to wait depends on the machine's load, and is only told. That it does not compute does not:
    // runtime, weights and vocabulary never reach it.
    expect(page.page.workers().map(worker => new URL(worker.url()).protocol)).toEqual(['blob:'])
    const { modules, hashed, parsed, fetched } = await page.page.evaluate(() => ({
      ...(({ modules, hashed, parsed }) => ({ modules, hashed, parsed }))(globalThis as unknown as Work),
      fetched: performance.getEntriesByType('resource').map(({ name }) => new URL(name).pathname),
    }))
    expect(modules).toBe(0)
    // The largest file that the page itself reads is the worker's script, which the browser hashes beside its thread.
    expect(hashed).toBeLessThan(500_000)
    expect(parsed).toBeLessThan(50_000)
    const heavy = /\.wasm$|\.mjs$|\.onnx$|\/tokenizer\.json$/
    expect(fetched.filter(path => heavy.test(path))).toEqual([])
    expect(server.requests.filter(path => heavy.test(path)).sort()).toEqual([
      '/op-dbus/models/builtin/onnx/model_quantized.onnx',
      '/op-dbus/models/builtin/tokenizer.json',
      '/op-dbus/ort/ort-wasm-simd-threaded.mjs',
      '/op-dbus/ort/ort-wasm-simd-threaded.wasm',
    ])
  })
})
