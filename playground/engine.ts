// The library as the page uses it: loaded with the first Embed press, never before. The one file here that opens caches.
import type { Caches, PatternSetting } from '../src/public.js'

/** Where `op-dbus assets` has put its files, relative to the page. */
export const ASSETS_URL = 'op-dbus/'

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
    assetsUrl: ASSETS_URL,
    database: 'op-dbus-playground',
    device: settings.device,
    patterns: settings.patterns,
    embeddingCacheSize: settings.capacity,
    embeddingDiskCache: settings.disk ?? true,
    onDownload: events.onFetch,
    onWarning: events.onWarning,
  })
}
