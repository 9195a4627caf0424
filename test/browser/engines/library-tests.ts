// The web root in an engine other than Chromium: the same vectors as on Node, kept over a reload, shared by tabs; and what
// it says where the browser stores nothing, or has no GPU.
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { embedText } from '../../../src/embedder/client/embed-text.js'
import type { Stats } from '../../../src/web.js'
import { largestDifference, startEmbedder, useLiteCases } from '../../embedder/node-embedder.js'
import { ROOT } from '../harness.js'
import type { WebAssets } from '../web-assets.js'
import type { Told } from '../web-entry.js'
import type { Tab } from './engine.js'
import type { Denied } from './suite.js'
import type { EngineTest } from './use-engine.js'
import { complaintsOf, watchedPage } from './watched.js'

const MODULE = '/web.js'
const TEXTS = useLiteCases().map(({ text }) => text)
const BLANK = '<!doctype html><html lang="en"><meta charset="utf-8"><title>test</title><link rel="icon" href="data:,">'
const OPTIONS = { device: 'wasm' }
/** What is written in the background, or told by another tab, is there soon. */
const SOON = { timeout: 30_000 }

export interface VectorsOfNode {
  /** The largest difference of any component between Node's vectors of the reference texts and those. */
  worst(told: Told): number
}

/** Embeds the reference texts once for a test file. */
export function useVectorsOfNode(): VectorsOfNode {
  let onNode: readonly Float32Array[] = []
  beforeAll(async () => {
    const overrides = { dtype: 'int8', maxTokens: 128 } as const
    const embedder = await startEmbedder(join(ROOT, 'dist/models/builtin'), { overrides })
    onNode = (await Promise.all(TEXTS.map(text => embedText(embedder, text)))).map(({ vector }) => vector)
    await embedder.close()
  })
  return {
    worst: ({ vectors }) => Math.max(...onNode.map((vector, i) => largestDifference(vector, vectors[i] ?? []))),
  }
}

export function libraryTests(test: EngineTest, assets: WebAssets, node: VectorsOfNode): void {
  it('embeds as Node does, keeps vectors over a reload, and forgets them in all tabs at once', async () => {
    const server = await serve(test, assets)
    // In Firefox threads are only for who asks: starting one may never come back there.
    const threads = /firefox/i.test(test.engine.name) ? undefined : 2
    const one = await opened(test, server.url, { ...OPTIONS, threads })
    const computed = await embed(one, TEXTS)
    const worst = node.worst(computed)
    console.log(`${test.engine.name}, against Node: ${worst.toExponential(1)} over ${TEXTS.length} texts`)
    expect(worst).toBeLessThanOrEqual(1e-5)
    expect(new Set(computed.sources)).toEqual(new Set(['computed']))
    const { running } = (await statsOf(one)).embeddings
    expect(running).toMatchObject({ device: 'wasm', threads: ((await mayHaveThreads(one)) && threads) || 1 })
    await expect.poll(async () => (await statsOf(one)).embeddings.onDisk?.entries, SOON).toBe(TEXTS.length)

    // It stays open from now on: what an ephemeral session keeps of files goes with the last page of their site.
    const two = await opened(test, server.url)
    const [first] = TEXTS
    expect((await embed(two, [first!])).sources).toEqual(['disk'])
    expect(await toldOf(one)).toEqual([])
    expect(await complaintsOf(one)).toEqual([])
    await one.call(MODULE, 'close')
    server.requests.splice(0)
    await one.reload()
    await one.call(MODULE, 'open', OPTIONS)
    const kept = await embed(one, TEXTS)
    expect(new Set(kept.sources)).toEqual(new Set(['disk']))
    expect(kept.vectors).toEqual(computed.vectors)
    const fetched = () => server.requests.filter(path => path.startsWith('/op-dbus/'))
    expect(fetched()).toEqual(['/op-dbus/op-dbus-assets.json'])
    expect((await embed(one, ['new'])).sources).toEqual(['computed'])
    // Model, runtime and scripts come from the browser, which has kept them.
    expect(fetched()).toEqual(['/op-dbus/op-dbus-assets.json'])

    const views = (tab: Tab) => tab.call<boolean[]>(MODULE, 'views', [first])
    expect(await views(two)).toEqual([true])
    await one.call(MODULE, 'clear')
    expect(await views(one)).toEqual([false])
    await expect.poll(() => views(two), SOON).toEqual([false])
    expect((await statsOf(two)).embeddings.onDisk?.entries).toBe(0)
    for (const tab of [one, two]) {
      expect(await toldOf(tab)).toEqual([])
      expect(await complaintsOf(tab)).toEqual([])
    }
    expect(test.engine.complaints).toEqual([])
  })

  it('takes WebAssembly where there is no GPU, and says so', async ({ skip }) => {
    const server = await serve(test, assets)
    const tab = await opened(test, server.url, {})
    const gpu = await tab.evaluate(async () => {
      const { gpu } = navigator as { gpu?: { requestAdapter(): Promise<object | null> } }
      return gpu ? ((await gpu.requestAdapter()) ? 'a GPU' : 'no adapter') : 'no WebGPU'
    })
    if (gpu === 'a GPU') return skip('this browser has a GPU, which may serve')
    expect((await embed(tab, TEXTS.slice(0, 1))).devices).toEqual(['wasm'])
    const { running } = (await statsOf(tab)).embeddings
    expect(running?.refused).toEqual([{ device: 'webgpu', reason: expect.stringContaining(gpu), kind: 'absent' }])
    expect(await toldOf(tab)).toEqual([])
  })
}

export function deniedLibraryTest(test: EngineTest, assets: WebAssets, node: VectorsOfNode, denied: Denied): void {
  it('computes, answers from memory, and says once that nothing is kept', async () => {
    const server = await serve(test, assets, denied.before)
    const tab = await opened(test, server.url)
    const told = await embed(tab, TEXTS)
    expect(node.worst(told)).toBeLessThanOrEqual(1e-5)
    expect(new Set(told.sources)).toEqual(new Set(['computed']))
    expect(new Set((await embed(tab, TEXTS)).sources)).toEqual(new Set(['memory']))
    const { storage, embeddings } = await statsOf(tab)
    expect(storage?.problemKind).toBe(denied.kind)
    expect(embeddings.onDisk?.entries).toBe(0)
    if (!(await mayHaveThreads(tab))) expect(embeddings.running?.threads).toBe(1)
    const warnings = await toldOf(tab)
    const ofFiles = warnings.filter(text => text.includes('fetched again at each visit'))
    expect(ofFiles).toHaveLength(denied.keepsNoFiles ? 1 : 0)
    const others = warnings.filter(text => !ofFiles.includes(text))
    expect(others).toEqual([expect.stringContaining('IndexedDB')])
    expect(await complaintsOf(tab)).toEqual([])
  })
}

const serve = (test: EngineTest, assets: WebAssets, before?: () => void) =>
  test.serve({ folders: assets.folders(), files: watchedPage(BLANK, before), isolated: true })

async function opened(test: EngineTest, url: string, options: object = OPTIONS): Promise<Tab> {
  const tab = await test.openTab(`${url}/`)
  await tab.call(MODULE, 'open', options)
  return tab
}

const embed = (tab: Tab, texts: readonly string[]) => tab.call<Told>(MODULE, 'embed', texts)
const statsOf = (tab: Tab) => tab.call<Stats>(MODULE, 'stats')
const toldOf = async (tab: Tab) => (await tab.call<{ warnings: string[] }>(MODULE, 'told')).warnings
/** Not every engine that isolates a page lets it have the memory that threads share; see `usableThreads`. */
const mayHaveThreads = (tab: Tab) =>
  tab.evaluate(() => crossOriginIsolated && typeof SharedArrayBuffer === 'function' && navigator.cookieEnabled)
