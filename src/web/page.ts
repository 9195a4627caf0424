// What a page gives the caches: clocks, digests, workers, locks, the GPU's name. With web.ts the only place for a page's
// globals; a worker takes from here what it has as well.
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, randomBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { webWorkerHandle } from '../backends/worker-web.js'
import type { Clock, Hash, WorkerHandle } from '../ports.js'
import type { Assets } from './assets.js'
import { isStrange, scriptFault } from './script-fault.js'
import { isNotice, type Notice, type Setup } from './worker-protocol.js'

export const webHash: Hash = {
  sha256: text => bytesToHex(sha256(utf8ToBytes(text))),
  random: bytes => bytesToHex(randomBytes(bytes)),
}

export const webClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
}

export function timer(ms: number, run: () => void): () => void {
  const handle = setTimeout(run, ms)
  return () => clearTimeout(handle)
}

/** Of the whole origin; undefined in insecure contexts. */
export function originLocks(): LockManager | undefined {
  return globalThis.navigator?.locks
}

/** This module's own address. Not written out where it is used: bundlers would take it for a file to bring along. */
export const MODULE_URL = import.meta.url

/** What relative addresses are relative to. */
export function pageUrl(): string {
  return globalThis.document?.baseURI ?? globalThis.location?.href ?? MODULE_URL
}

/** Starts the worker: the one among the assets, else the one that lies, or that a bundler has put, beside this module. */
export function startWorker(assets: Assets, onNotice: (notice: Notice) => void): WorkerHandle {
  const url = assets.worker(location.origin)
  const worker =
    url === undefined
      ? new Worker(new URL('./worker.js', import.meta.url), { type: 'module' })
      : new Worker(url, { type: 'module' })
  worker.addEventListener('message', ({ data }) => {
    if (isNotice(data)) onNotice(data)
  })
  const ort = { wasm: assets.ort('wasm'), webgpu: assets.ort('webgpu') }
  const setup: Setup = { opDbus: 'setup', ort, files: assets.files }
  worker.postMessage(setup)
  const { digest } = assets.file('worker.js') ?? {}
  return webWorkerHandle(worker, {
    url: url ?? 'beside the module',
    fault: () => scriptFault(url, globalThis.crossOriginIsolated),
    // What a bundler has made of the script nobody can know.
    isStrange: async () => url !== undefined && digest !== undefined && isStrange(url, digest),
  })
}

/**
 * Threads for WebAssembly: only an isolated page has the memory that threads share, and not in every engine (WebKitGTK).
 * And while cookies are blocked, a worker that starts another now and then never comes back from `new Worker` in Firefox
 * 153: nothing would ever be answered.
 */
export function usableThreads(wanted: number | undefined): number {
  if (!globalThis.crossOriginIsolated || typeof SharedArrayBuffer === 'undefined' || navigator.cookieEnabled === false)
    return 1
  return wanted ?? Math.min(MOST_THREADS, navigator.hardwareConcurrency || 1)
}

/** More gain little on a small model, and each holds a stack. */
const MOST_THREADS = 4

/** What is used of WebGPU here. */
interface Gpu {
  requestAdapter(): Promise<{ readonly info?: AdapterInfo; readonly isFallbackAdapter?: boolean } | null>
}

interface AdapterInfo {
  readonly vendor?: string
  readonly architecture?: string
  readonly device?: string
  readonly description?: string
  readonly isFallbackAdapter?: boolean
}

/** A GPU by its name, or why there is none. */
export type GpuProbe = { readonly name: string; readonly software: boolean } | { readonly reason: string }

/** Asks for an adapter before anything large is fetched: without one the runtime's larger build is of no use. */
export async function probeGpu(): Promise<GpuProbe> {
  const { gpu } = navigator as { readonly gpu?: Gpu }
  if (!gpu)
    return {
      reason: globalThis.isSecureContext ? 'this browser has no WebGPU' : 'only a page served over https has WebGPU',
    }
  try {
    const adapter = await gpu.requestAdapter()
    if (!adapter) return { reason: 'the browser offers no GPU (no adapter)' }
    const { vendor, architecture, device, description, isFallbackAdapter } = adapter.info ?? {}
    const software = isFallbackAdapter ?? adapter.isFallbackAdapter ?? false
    return { name: JSON.stringify([vendor, architecture, device, description]), software }
  } catch (error) {
    return { reason: `the browser refuses a GPU: ${String(error)}` }
  }
}
