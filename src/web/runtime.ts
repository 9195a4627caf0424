// What a page gives the caches: clocks, digests, a timer, threads, locks, the GPU's name. With web.ts the only place for a
// page's globals; a worker takes from here what it has as well. Part of the web root; its twin is node/runtime.ts.
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, randomBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import type { Clock, Hash } from '../ports.js'

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

/**
 * Threads for WebAssembly: only an isolated page has the memory that threads share, and not in every engine (WebKitGTK).
 * In Firefox 153 a worker that starts another now and then never comes back from `new Worker` (1 start in 20, more often
 * while cookies are blocked): nothing would ever be answered. So there it is one thread, unless more are asked for.
 */
export function usableThreads(wanted: number | undefined): number {
  if (!globalThis.crossOriginIsolated || typeof SharedArrayBuffer === 'undefined' || navigator.cookieEnabled === false)
    return 1
  if (wanted !== undefined) return wanted
  return /\bFirefox\//.test(navigator.userAgent) ? 1 : Math.min(MOST_THREADS, navigator.hardwareConcurrency || 1)
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
