// What a browser lends the embedding worker: files from the file cache, ONNX Runtime, turns of the event loop. Names no global
// of a worker itself: worker.ts does. Part of the web root.
import { type OrtBuild, ortBrowser } from '../backends/ort-browser.js'
import { yieldToEventLoop } from '../cache/yield-to-event-loop.js'
import { probeDevice } from '../embedder/devices/probe.js'
import { embedWorker } from '../embedder/engine/embed-worker.js'
import type { Push } from '../embedder/link.js'
import type { ModelFile } from '../embedder/model/folder.js'
import type { BatchResult } from '../embedder/protocol.js'
import { tokenizerOf } from '../embedder/tokenizer/load-tokenizer.js'
import { messageOf, OpDbusError } from '../errors.js'
import type { BackendFactory } from '../ports.js'
import { sha256Of } from './digest.js'
import type { FileRef } from './fetch-file.js'
import { addressed, FileCache, type FileCacheParts } from './file-cache.js'
import { isNamedByHub, namesDynamicQuantization } from './hub-file.js'
import type { GpuProbe } from './runtime.js'
import type { Notice, PageWorker, Setup } from './worker-protocol.js'

export interface PageWorkerHost extends Omit<FileCacheParts, 'warn'> {
  readonly setup: Promise<Setup>
  probeGpu(): Promise<GpuProbe>
  tell(notice: Notice): void
  /** What computes; a test may put its own in between. */
  readonly wrap?: (factories: readonly BackendFactory[]) => readonly BackendFactory[]
}

/** What the worker of a page serves. */
export function pageWorker(host: PageWorkerHost, push: Push<readonly BatchResult[]>): PageWorker {
  const { setup, tell, wrap = same => same } = host
  const fileCache = new FileCache({
    ...host,
    isNamed: isNamedByHub,
    warn: message => tell({ opDbus: 'warning', message }),
  })
  /** Read once for the check and the use of it, and forgotten when the model is open. */
  const inHand = new Map<string, Promise<Uint8Array<ArrayBuffer>>>()

  function bytes(file: FileRef): Promise<Uint8Array<ArrayBuffer>> {
    const { url } = file
    const reading = inHand.get(url) ?? read(file)
    inHand.set(url, reading)
    return reading
  }

  async function read(file: FileRef): Promise<Uint8Array<ArrayBuffer>> {
    const { url } = file
    const stated = (await setup).files.find(known => known.url === url)
    const onBytes = sometimes((done, total) => tell({ opDbus: 'progress', url, done, total }))
    return fileCache.bytes({ ...stated, ...file }, { onBytes })
  }
  const modelBytes = ({ path, sha256 }: ModelFile) => bytes({ url: path, digest: sha256 })

  async function parts(build: OrtBuild) {
    const { mjs, wasm } = (await setup).ort[build]
    return { wasm: await bytes(wasm), mjs: await moduleAddress(mjs) }
  }

  /**
   * Where the browser may import `file` from: the checked bytes themselves, or where a Content-Security-Policy forbids such
   * modules their own address, once what is there was checked.
   */
  async function moduleAddress(file: FileRef): Promise<string> {
    // Nothing states what it should be.
    if (file.digest === undefined) return file.url
    const url = URL.createObjectURL(new Blob([await bytes(file)], { type: 'text/javascript' }))
    try {
      await import(/* @vite-ignore */ url)
      return url
    } catch {
      URL.revokeObjectURL(url)
      await fileCache.check(file)
      return addressed(file)
    }
  }

  let file: ModelFile | undefined
  const backends = (only?: OrtBuild) =>
    wrap(ortBrowser(parts, only)).map(factory => ({
      ...factory,
      async open(...[, options]: Parameters<BackendFactory['open']>) {
        if (!file) throw new OpDbusError('CLOSED', 'no model is open')
        return factory.open({ model: await modelBytes(file) }, options)
      },
    }))

  const inner = embedWorker(
    {
      backends: backends(),
      readText: async one => new TextDecoder().decode(await modelBytes(one)),
      // Its bytes are hashed as they are read.
      isUnchanged: one => modelBytes(one).then(() => true),
      yieldToEventLoop,
      clock: { monotonic: () => performance.now() },
    },
    push,
  )

  return {
    submit: work => inner.submit(work),
    probeGpu: () => host.probeGpu(),
    async open(config) {
      file = config.spec.files.model
      try {
        await mustCompile()
        return await inner.open(config)
      } finally {
        inHand.clear()
      }
    },
    async fetchFiles(files) {
      try {
        await mustCompile()
        return await Promise.all(
          files.map(async one => {
            const content = await bytes(one)
            const dynamic = one.url.endsWith('.onnx') && namesDynamicQuantization(content)
            return { sha256: one.digest?.length === 64 ? one.digest : await sha256Of(content), dynamic }
          }),
        )
      } finally {
        inHand.clear()
      }
    },
    async probeDevice({ spec, device, threads, reference }) {
      file = spec.files.model
      try {
        const factories = backends('webgpu')
        const [tried, floor] = [device, 'wasm'].map(name => factories.find(factory => factory.device === name))
        const tokenize = await tokenizerOf(spec, async one => new TextDecoder().decode(await modelBytes(one)))
        const clock = { now: () => Date.now(), monotonic: () => performance.now() }
        const options = { threads }
        return await probeDevice(tried!, floor!, {
          spec,
          file: { model: file.path },
          tokenize,
          options,
          reference,
          clock,
        })
      } catch (error) {
        return { device, works: false, reason: messageOf(error) }
      } finally {
        inHand.clear()
      }
    },
  }
}

/** The shortest WebAssembly module: its magic and its version. */
const EMPTY_MODULE = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0)

/** Asked before megabytes are fetched: a Content-Security-Policy may forbid what all of them are for. */
async function mustCompile(): Promise<void> {
  try {
    await WebAssembly.compile(EMPTY_MODULE)
  } catch (error) {
    const message = `this worker may not run WebAssembly: put 'wasm-unsafe-eval' into script-src of the Content-Security-Policy, the page's and the one that worker.js is served with (${messageOf(error)})`
    throw new OpDbusError('DEVICE_UNAVAILABLE', message, { cause: error, details: { device: 'wasm' } })
  }
}

/** Twenty messages a second are enough for any progress bar. */
const PROGRESS_MS = 50

/** The last byte is told at once; what is held back is told when it is time, also where nothing follows: a server may fall silent. */
function sometimes(tell: (done: number, total: number) => void): (done: number, total: number) => void {
  let last = Number.NEGATIVE_INFINITY
  let held: readonly [done: number, total: number] | undefined
  const now = (done: number, total: number) => {
    held = undefined
    last = performance.now()
    tell(done, total)
  }
  return (done, total) => {
    const wait = last + PROGRESS_MS - performance.now()
    if (done >= total || wait <= 0) return now(done, total)
    if (held === undefined) setTimeout(() => held && now(...held), wait)
    held = [done, total]
  }
}
