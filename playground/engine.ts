// The library as the page uses it: loaded with the first Embed press, never before. The one file here that opens caches.
import type { Caches, PatternSetting } from '../src/public.js'

export type DeviceWish = 'auto' | 'webgpu' | 'wasm'

export interface EngineSettings {
  readonly device: DeviceWish
  readonly patterns: PatternSetting
  /** Vectors in memory. */
  readonly capacity: number
  /** Keep vectors in IndexedDB. Default true. */
  readonly disk?: boolean
}

export interface Fetched {
  readonly file: string
  /** Bytes over all files so far. */
  readonly done: number
  /** Grows while files are found. */
  readonly total: number
}

export interface EngineEvents {
  readonly onFetch: (fetched: Fetched) => void
  readonly onWarning: (message: string) => void
}

/** Opens the caches in this page: nothing is fetched but the library's own code. */
export async function openEngine(settings: EngineSettings, events: EngineEvents): Promise<Caches> {
  const { openCaches } = await import('../src/web.js')
  return openCaches({
    assetsUrl: 'op-dbus/',
    database: 'op-dbus-playground',
    device: settings.device,
    patterns: settings.patterns,
    embeddingCacheSize: settings.capacity,
    embeddingDiskCache: settings.disk ?? true,
    onDownload: events.onFetch,
    onWarning: events.onWarning,
  })
}

/** Bytes of everything that the first embedding fetches for a device, as the build found them. */
declare const __ASSETS__: { readonly model: number; readonly webgpu: number; readonly wasm: number }

export function assetBytes(device: DeviceWish): number {
  const gpu = device === 'webgpu' || (device === 'auto' && 'gpu' in navigator)
  return __ASSETS__.model + (gpu ? __ASSETS__.webgpu : __ASSETS__.wasm)
}

/** The same for both devices, one after the other: they share the model. */
export function allAssetBytes(): number {
  return __ASSETS__.model + __ASSETS__.webgpu + __ASSETS__.wasm
}
