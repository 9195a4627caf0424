// What `op-dbus assets` has put beside a page, by its manifest. Part of the web root; fetches the manifest and nothing else. Its
// twin, node/assets.ts, puts the files there.
import { ASSETS_MANIFEST, type AssetsManifest } from '../assets-manifest.js'
import { abortError, isOpDbusError, messageOf, OpDbusError } from '../errors.js'
import type { CallOptions, Timer } from '../ports.js'
import { VERSION } from '../version.js'
import { type FileRef, failure, unreachable } from './fetch-file.js'
import type { FileCache } from './file-cache.js'
import type { Places } from './options.js'

/** A file of the assets. `path` is relative to their folder. */
export interface AssetFile extends FileRef {
  readonly digest: string
  readonly bytes: number
  /** ONNX files: whether they quantise dynamically. */
  readonly dynamic: boolean
}

export type OrtBuild = 'wasm' | 'webgpu'
/** ONNX Runtime's own file names, without their endings. */
const ORT_NAMES: Readonly<Record<OrtBuild, string>> = {
  wasm: 'ort-wasm-simd-threaded',
  webgpu: 'ort-wasm-simd-threaded.asyncify',
}

/** The two files of one build of ONNX Runtime. */
export interface OrtFiles {
  readonly mjs: FileRef
  readonly wasm: FileRef
}

export class Assets {
  readonly #files: ReadonlyMap<string, AssetFile>
  readonly #absent: unknown

  constructor(
    readonly places: Places,
    manifest: AssetsManifest | undefined,
    /** Why there is no manifest. */
    absent?: unknown,
  ) {
    this.#absent = absent
    this.#files = new Map(
      Object.entries(manifest?.files ?? {}).map(([path, { bytes, sha256, dynamic = false }]) => [
        path,
        { url: `${places.assets}${path}`, bytes, digest: sha256, dynamic, advice: RUN_AGAIN },
      ]),
    )
  }

  get files(): readonly AssetFile[] {
    return [...this.#files.values()]
  }

  /** Undefined where the manifest does not list it. */
  file(path: string): AssetFile | undefined {
    return this.#files.get(path)
  }

  /** The files below `folder` by their paths in it. Rejects with DOWNLOAD where there is no manifest. */
  folder(folder: string): ReadonlyMap<string, AssetFile> {
    if (this.#absent !== undefined) throw this.#absent
    const inside = [...this.#files].filter(([path]) => path.startsWith(folder))
    return new Map(inside.map(([path, file]) => [path.slice(folder.length), file]))
  }

  /**
   * ONNX Runtime, at `wasmPaths` where that is set. Both files are checked by the manifest, where there is one.
   */
  ort(build: OrtBuild): OrtFiles {
    const { assets, wasm } = this.places
    const ref = (name: string): FileRef => {
      const known = this.file(`ort/${name}`)
      const { digest, bytes } = known ?? {}
      const advice = wasm === undefined ? RUN_AGAIN : ELSEWHERE
      return { url: `${wasm ?? `${assets}ort/`}${name}`, digest, bytes, advice }
    }
    return { mjs: ref(`${ORT_NAMES[build]}.mjs`), wasm: ref(`${ORT_NAMES[build]}.wasm`) }
  }
}

export interface AssetsCall extends CallOptions {
  readonly timer: Timer
}

/** How long the manifest is waited for, in ms: where it was read before, what is kept must not wait for a server. */
const PATIENCE_MS = { noted: 3_000, first: 30_000 } as const

/**
 * Reads the manifest: from the server, and as it was read last where that does not answer soon, or answers something else.
 * Without one the built-in model cannot be had, which is told when it is asked for.
 * Rejects with DOWNLOAD for assets of another version of this package, and with ABORTED. `details.why` tells a visitor
 * without a network ('unreachable') from a page that is not set up ('refused', 'integrity').
 */
export async function readAssets(places: Places, fileCache: FileCache, call: AssetsCall): Promise<Assets> {
  const url = `${places.assets}${ASSETS_MANIFEST}`
  const note = await fileCache.note(url)
  const noted = isManifest(note) && note.package === VERSION ? note : undefined
  try {
    const manifest = await fetchManifest(url, noted ? PATIENCE_MS.noted : PATIENCE_MS.first, call)
    await fileCache.setNote(url, manifest)
    return new Assets(places, manifest)
  } catch (error) {
    if (!isOpDbusError(error, 'DOWNLOAD') || error.details.stale === true) throw error
    if (noted) return new Assets(places, noted)
    const message = `${error.message}\n${ADVICE[error.details.why as keyof typeof ADVICE]}`
    return new Assets(places, undefined, new OpDbusError('DOWNLOAD', message, { cause: error, details: error.details }))
  }
}

const SET_UP = 'put the files there: op-dbus assets DIR, and say where they are: openCaches({ assetsUrl })'
/** By `details.why`, where there is no manifest. */
const ADVICE = {
  unreachable: 'is there a network, and does the server run? No earlier visit has left a copy',
  refused: SET_UP,
  integrity: SET_UP,
} as const
/** Where the manifest lists a file that is not there, or not whole. */
const RUN_AGAIN = 'put it there, whole: run op-dbus assets DIR again, on the folder that the server serves'
const ELSEWHERE = 'the folder of wasmPaths must hold the files of the version that this package was built with'

async function fetchManifest(url: string, patienceMs: number, { signal, timer }: AssetsCall): Promise<AssetsManifest> {
  const ended = new AbortController()
  const end = () => ended.abort()
  let late = false
  const cancel = timer(patienceMs, () => {
    late = true
    end()
  })
  signal?.addEventListener('abort', end, { once: true })
  if (signal?.aborted) end()
  try {
    return manifestIn(url, await textAt(url, ended.signal))
  } catch (error) {
    if (signal?.aborted) throw abortError(signal)
    if (late) throw failure(url, 'unreachable', `no answer within ${patienceMs / 1000} s`, {}, error)
    throw isOpDbusError(error) ? error : unreachable(url, error)
  } finally {
    cancel()
    signal?.removeEventListener('abort', end)
  }
}

async function textAt(url: string, signal: AbortSignal): Promise<string> {
  const response = await fetch(url, { cache: 'no-cache', signal })
  const { ok, status } = response
  if (!ok) throw failure(url, 'refused', `the server answers ${status}`, { status })
  return response.text()
}

function manifestIn(url: string, text: string): AssetsManifest {
  let found: unknown
  try {
    // A server that answers every address with its start page does so here as well.
    found = text.startsWith('{') ? JSON.parse(text) : undefined
  } catch (error) {
    throw failure(url, 'integrity', messageOf(error), {}, error)
  }
  if (!isManifest(found)) throw failure(url, 'integrity', 'it is not what `op-dbus assets` writes')
  if (found.package !== VERSION) {
    const message = `the files at ${new URL('.', url).href} are of op-dbus ${found.package}, this page is of ${VERSION}\nrun op-dbus assets again`
    throw new OpDbusError('DOWNLOAD', message, { details: { url, why: 'integrity', stale: true } })
  }
  return found
}

function isManifest(value: unknown): value is AssetsManifest {
  const { version, files, package: name } = (value ?? {}) as Partial<AssetsManifest>
  if (version !== 1 || typeof name !== 'string' || typeof files !== 'object' || files === null) return false
  return Object.values(files).every(file => /^[0-9a-f]{64}$/.test(file?.sha256) && Number.isSafeInteger(file.bytes))
}
