// What can be set in a page, checked and turned into addresses. Part of the web root; asks nothing of any server. Its twin is
// node/options.ts.

import { checkShared, type SharedTierOptions } from '../caches/embedding-tiers.js'
import { type Config, type RuntimeOptions, readConfig } from '../config.js'
import type { UserEmbedder } from '../embedder/client/custom-embedder.js'
import { OpDbusError } from '../errors.js'
import type { Warn } from '../ports.js'
import type { CommonSettings } from '../settings.js'

/** Bytes over all files that are fetched for a model: weights, tokenizer, runtime. `total` grows while files are found. */
export interface DownloadProgress {
  readonly file: string
  readonly done: number
  readonly total: number
}

const DEVICES = ['auto', 'webgpu', 'wasm'] as const

export interface OpenOptions extends CommonSettings {
  /** What computes: `auto`, `webgpu` or `wasm`. Default `auto`. */
  readonly device?: (typeof DEVICES)[number] | undefined
  /** What computes vectors instead of a model: a function of yours, batched, de-duplicated and cached as any other. */
  readonly embedder?: UserEmbedder | undefined
  /** A store of yours behind IndexedDB, a server of yours for example: a vector is computed once for everybody who asks it. */
  readonly shared?: SharedTierOptions | undefined
  /**
   * Where the files lie that `op-dbus assets DIR` has put into a public folder: worker, runtime, built-in model. Relative
   * to the page. Default: beside this module.
   */
  readonly assetsUrl?: string | undefined
  /**
   * Folder of ONNX Runtime's `.mjs` and `.wasm` files, where they are not among the assets: a CDN, for example. They must
   * be of the version that this package was built with. Relative to the page.
   */
  readonly wasmPaths?: string | undefined
  /** The hub that models are fetched from. Default `https://huggingface.co`. */
  readonly hubUrl?: string | undefined
  /** The IndexedDB database of the disk tier. Pages of one origin share it. Default `op-dbus`. */
  readonly database?: string | undefined
  /** Ask the browser not to evict what is stored; what it answered is in `stats().storage.persisted`. Default false. */
  readonly persist?: boolean | undefined
  /** Told, in bytes, how far the files are that are being fetched. */
  readonly onDownload?: ((progress: DownloadProgress) => void) | undefined
  /** Told, in one sentence, what did not work as asked. Default: console.warn. */
  readonly onWarning?: ((message: string) => void) | undefined
}

/** The options that {@link readOptions} takes out. */
type OfPages = Exclude<keyof OpenOptions, keyof CommonSettings>
const OF_PAGES: Readonly<Record<OfPages, true>> = {
  assetsUrl: true,
  database: true,
  embedder: true,
  hubUrl: true,
  onDownload: true,
  onWarning: true,
  persist: true,
  shared: true,
  wasmPaths: true,
}

export const IN_PAGES: RuntimeOptions = {
  runtime: 'page',
  name: 'a page',
  beside: Object.keys(OF_PAGES),
  devices: DEVICES,
}

/** Where things are. Addresses are absolute; folders end with a slash. */
export interface Places {
  readonly assets: string
  readonly wasm: string | undefined
  /** Without a slash at its end. */
  readonly hub: string
}

/** What the options of the web root come to. */
export interface WebOptions extends Pick<OpenOptions, 'onDownload'> {
  readonly config: Config
  readonly user: UserEmbedder | undefined
  readonly places: Places
  readonly database: string
  readonly persist: boolean
  readonly shared: SharedTierOptions | undefined
}

/**
 * Options over defaults. `warn` is told what is not as it should be; relative addresses are relative to `pageUrl`.
 * @throws OpDbusError INVALID_INPUT for an option that is not what its type says
 */
export function readOptions(options: OpenOptions, warn: Warn, moduleUrl: string, pageUrl: string): WebOptions {
  const { embedder, assetsUrl: _1, wasmPaths: _2, hubUrl: _3, database = 'op-dbus', persist = false, ...rest } = options
  const { shared, onDownload, onWarning: _4, ...settings } = rest
  if (typeof database !== 'string' || database === '') {
    throw new OpDbusError('INVALID_INPUT', 'database must be a non-empty text', {
      details: { option: 'database' },
    })
  }
  return {
    config: readConfig(settings, {}, warn, IN_PAGES),
    user: embedder,
    places: placesOf(options, moduleUrl, pageUrl),
    database,
    persist: persist === true,
    shared: checkShared(shared),
    onDownload,
  }
}

/** @throws OpDbusError INVALID_INPUT for what is no address */
export function placesOf(options: OpenOptions, moduleUrl: string, pageUrl: string): Places {
  const { assetsUrl, wasmPaths, hubUrl = 'https://huggingface.co' } = options
  // Some bundlers put in where the module lay when it was bundled.
  const beside = moduleUrl.startsWith('file:') ? pageUrl : moduleUrl
  return {
    assets: assetsUrl === undefined ? new URL('.', beside).href : folderAt('assetsUrl', assetsUrl, pageUrl),
    wasm: wasmPaths === undefined ? undefined : folderAt('wasmPaths', wasmPaths, pageUrl),
    hub: folderAt('hubUrl', hubUrl, pageUrl).replace(/\/+$/, ''),
  }
}

function folderAt(option: string, value: unknown, base: string): string {
  const url = typeof value === 'string' && URL.canParse(value, base) ? new URL(value, base) : undefined
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password || url.search || url.hash) {
    throw new OpDbusError(
      'INVALID_INPUT',
      `${option} must be an http(s) address of a folder, not ${JSON.stringify(value)}`,
      {
        details: { option },
      },
    )
  }
  return url.href.replace(/\/*$/, '/')
}
