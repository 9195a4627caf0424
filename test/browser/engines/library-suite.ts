// The web root in an engine other than Chromium: the same vectors as on Node, kept over a reload, shared by tabs; and what
// it says where the browser stores nothing, or has no GPU.
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Stats } from '../../../src/web.js'
import { largestDifference, startEmbedder, useLiteCases } from '../../embedder/node-embedder.js'
import { ROOT } from '../harness.js'
import type { WebAssets } from '../web-assets.js'
import type { Told } from '../web-entry.js'
import type { Engine, Tab } from './engine.js'
import { type EngineTest, useEngine } from './use-engine.js'
import { complaintsOf, watchedPage } from './watched.js'

const MODULE = '/web.js'
const TEXTS = useLiteCases().map(({ text }) => text)
const BLANK = '<!doctype html><html lang="en"><meta charset="utf-8"><title>test</title><link rel="icon" href="data:,">'

/** A way in which a browser keeps nothing. */
export interface Denied {
  /** As the end of a sentence that begins with `where`. */
  readonly how: string
  readonly launch: () => Promise<Engine>
  /** Run ahead of the page's scripts. */
  readonly before?: () => void
  readonly kind: 'denied' | 'missing'
  /** The engine forbids the Cache API along with it: the model is fetched again at each visit, which is told, too. */
  readonly keepsNoFiles?: boolean
}

export interface EngineSuite {
  readonly launch: () => Promise<Engine>
  readonly denied: readonly Denied[]
}

export function librarySuite(assets: WebAssets, { launch, denied }: EngineSuite): void {
  let onNode: readonly Float32Array[]
  beforeAll(async () => {
    const overrides = { dtype: 'int8', maxTokens: 128 } as const
    const embedder = await startEmbedder(join(ROOT, 'dist/models/builtin'), { overrides })
    onNode = (await Promise.all(TEXTS.map(text => embedder.embed(text)))).map(({ vector }) => vector)
    await embedder.close()
  })

  const worst = ({ vectors }: Told) => Math.max(...vectors.map((vector, i) => largestDifference(vector, onNode[i]!)))
  const serve = (test: EngineTest, before: readonly (() => void)[] = []) =>
    test.serve({ folders: assets.folders(), files: watchedPage(BLANK, before), isolated: true })

  describe('the web root', () => {
    const test = useEngine(launch)

    it('embeds as Node does, keeps vectors over a reload, and forgets them in all tabs at once', async () => {
      const server = await serve(test)
      const one = await opened(test, server.url, { device: 'wasm', threads: 2 })
      const computed = await embed(one, TEXTS)
      console.log(`${test.engine.name}, against Node: ${worst(computed).toExponential(1)} over ${TEXTS.length} texts`)
      expect(worst(computed)).toBeLessThanOrEqual(1e-5)
      expect(new Set(computed.sources)).toEqual(new Set(['computed']))
      const { running } = (await statsOf(one)).embeddings
      expect(running).toMatchObject({ device: 'wasm', threads: (await mayShareMemory(one)) ? 2 : 1 })
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
      // What is large comes from the browser, which has kept it.
      const scripts = new Set(['/op-dbus/ort/ort-wasm-simd-threaded.mjs', '/op-dbus/worker.js'])
      expect(new Set(fetched().slice(1))).toEqual(scripts)
      await expect.poll(async () => (await statsOf(one)).embeddings.onDisk?.entries).toBe(TEXTS.length + 1)

      const two = await opened(test, server.url)
      expect((await embed(two, ['new'])).sources).toEqual(['disk'])
      const views = (tab: Tab) => tab.call<boolean[]>(MODULE, 'views', ['new'])
      expect(await views(two)).toEqual([true])
      await one.call(MODULE, 'clear')
      expect(await views(one)).toEqual([false])
      await expect.poll(() => views(two)).toEqual([false])
      expect((await statsOf(two)).embeddings.onDisk?.entries).toBe(0)
      for (const tab of [one, two]) {
        expect(await toldOf(tab)).toEqual([])
        expect(await complaintsOf(tab)).toEqual([])
      }
      expect(test.engine.complaints).toEqual([])
    })

    it('takes WebAssembly where there is no GPU, and says so', async ({ skip }) => {
      const server = await serve(test)
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
  })

  describe.each(denied)('where $how', ({ launch, before, kind, keepsNoFiles }) => {
    const test = useEngine(launch)

    it('computes, answers from memory, and says once that nothing is kept', async () => {
      const server = await serve(test, before ? [before] : [])
      const tab = await opened(test, server.url)
      const told = await embed(tab, TEXTS)
      expect(worst(told)).toBeLessThanOrEqual(1e-5)
      expect(new Set(told.sources)).toEqual(new Set(['computed']))
      expect(new Set((await embed(tab, TEXTS)).sources)).toEqual(new Set(['memory']))
      const { storage, embeddings } = await statsOf(tab)
      expect(storage?.problemKind).toBe(kind)
      expect(embeddings.onDisk?.entries).toBe(0)
      const warnings = await toldOf(tab)
      expect(warnings.filter(text => text.includes('IndexedDB'))).toHaveLength(1)
      expect(warnings.filter(text => text.includes('fetched again at each visit'))).toHaveLength(keepsNoFiles ? 1 : 0)
      expect(warnings).toHaveLength(keepsNoFiles ? 2 : 1)
      expect(await complaintsOf(tab)).toEqual([])
    })
  })
}

const OPTIONS = { device: 'wasm' }

async function opened(test: EngineTest, url: string, options: object = OPTIONS): Promise<Tab> {
  const tab = await test.openTab(`${url}/`)
  await tab.call(MODULE, 'open', options)
  return tab
}

const embed = (tab: Tab, texts: readonly string[]) => tab.call<Told>(MODULE, 'embed', texts)
const statsOf = (tab: Tab) => tab.call<Stats>(MODULE, 'stats')
const toldOf = async (tab: Tab) => (await tab.call<{ warnings: string[] }>(MODULE, 'told')).warnings
/** Not every engine that isolates a page lets it have the memory that threads share. */
const mayShareMemory = (tab: Tab) => tab.evaluate(() => crossOriginIsolated && typeof SharedArrayBuffer === 'function')
