// How much an embedding would fetch: what is neither in the browser's cache nor of use here does not count. Fetches nothing.

import { FileCache } from '../src/web/file-cache.js'
import { probeGpu, timer } from '../src/web/runtime.js'
import { ASSETS_URL, type DeviceWish } from './engine.js'

/** Bytes. */
export interface Fetches {
  readonly embed: number
  readonly compare: number
}

/** Path below the assets -> the large files among them, as the build found them. Small ones are not worth a word. */
declare const __ASSETS__: Readonly<Record<string, { readonly bytes: number; readonly sha256: string }>>

/** The large file of ONNX Runtime for each kind of device. */
const RUNTIMES = { webgpu: /^ort\/.*\.asyncify\.wasm$/, wasm: /^ort\/[^.]*\.wasm$/ } as const
const MODEL = /^models\//

export async function askFetches(device: DeviceWish): Promise<Fetches> {
  const [gpu, missing] = await Promise.all([probeGpu(), missingFiles()])
  const bytesOf = (...patterns: readonly RegExp[]) =>
    missing.reduce((sum, { path, bytes }) => sum + (patterns.some(one => one.test(path)) ? bytes : 0), 0)
  const forGpu = 'name' in gpu ? [RUNTIMES.webgpu] : []
  // A GPU that is played in software is passed over, unless it was asked for by name.
  const best = 'name' in gpu && !gpu.software ? forGpu : [RUNTIMES.wasm]
  const wanted = { auto: best, webgpu: forGpu, wasm: [RUNTIMES.wasm] }[device]
  return { embed: bytesOf(MODEL, ...wanted), compare: bytesOf(MODEL, RUNTIMES.wasm, ...forGpu) }
}

async function missingFiles(): Promise<{ readonly path: string; readonly bytes: number }[]> {
  const fileCache = new FileCache({ caches: globalThis.caches, timer, warn: () => {} })
  const base = new URL(ASSETS_URL, document.baseURI)
  const files = Object.entries(__ASSETS__).map(async ([path, { bytes, sha256 }]) => {
    const held = await fileCache.holds({ url: new URL(path, base).href, digest: sha256 })
    return held ? [] : [{ path, bytes }]
  })
  return (await Promise.all(files)).flat()
}
