// Files by address and digest: from the Cache API, else fetched, and never believed before their bytes are hashed. Runs
// in the page for small files and in its worker for large ones. Part of the web root.

import { abortError, isOpDbusError, messageOf, OpDbusError } from '../errors.js'
import type { CallOptions, Timer } from '../ports.js'
import { isNamed, sha256Of } from './digest.js'
import { type FileRef, failure, fetchFile } from './fetch-file.js'

export interface FileCacheCall extends CallOptions {
  /** Called as bytes come over the network, never for what is in the file cache. */
  readonly onBytes?: (done: number, total: number) => void
}

export interface FileCacheParts {
  /** Undefined where the browser has none (insecure contexts). */
  readonly caches: CacheStorage | undefined
  /** With them, tabs and workers that want one file at once fetch it once. */
  readonly locks?: LockManager
  readonly timer: Timer
  /** Whether bytes are what a digest names. Default: by SHA-256 alone. */
  readonly isNamed?: (bytes: Uint8Array<ArrayBuffer>, digest: string) => Promise<boolean>
  /** Told once that nothing is kept. */
  readonly warn: (message: string) => void
}

/** The name of our part of the Cache API. */
const CACHE = 'op-dbus-files'
/** The parameter of a key that holds the digest. */
const DIGEST = 'op-dbus-digest'

export class FileCache {
  readonly #parts: FileCacheParts
  #told = false

  constructor(parts: FileCacheParts) {
    this.#parts = parts
  }

  async text(file: FileRef, call?: FileCacheCall): Promise<string> {
    return new TextDecoder().decode(await this.bytes(file, call))
  }

  /**
   * Rejects with DOWNLOAD (`details.url`; `details.why`: 'unreachable', 'refused', 'integrity') or ABORTED.
   */
  async bytes(file: FileRef, call: FileCacheCall = {}): Promise<Uint8Array<ArrayBuffer>> {
    const kept = await this.#kept(file)
    if (kept) return kept
    const { caches, locks } = this.#parts
    if (!caches || !locks || file.digest?.length !== 64) return this.#fetched(file, call)
    // Whoever had the lock before has put the file in the file cache.
    const fetched = async () => (await this.#kept(file)) ?? this.#fetched(file, call)
    return alone(locks, `${CACHE}:${file.digest}`, call, fetched)
  }

  async #fetched(file: FileRef, call: FileCacheCall, keep = true): Promise<Uint8Array<ArrayBuffer>> {
    const { url, digest, bytes: stated } = file
    const { timer, isNamed: named = isNamed } = this.#parts
    let seen = 0
    try {
      // What another program put into the browser's own cache may be older than the digest: then the server is asked again.
      for (const mode of ['default', 'reload'] as const) {
        const bytes = await fetchFile(file, mode, { ...call, timer })
        if (digest === undefined) return bytes
        if (await named(bytes, digest)) {
          if (keep) await this.#keep(url, digest.length === 64 ? digest : await sha256Of(bytes), bytes)
          return bytes
        }
        seen = bytes.length
      }
    } catch (error) {
      throw advised(error, file)
    }
    const length = stated === undefined || stated === seen ? '' : `: it has ${seen} bytes of ${stated}`
    throw advised(failure(url, 'integrity', `it does not hash to ${digest}${length}`), file)
  }

  /**
   * Whether the browser, asked for the {@link addressed} file, is given the right bytes: for what it loads by itself. Keeps
   * nothing. Rejects as `bytes` does.
   */
  async check(file: FileRef, call: FileCacheCall = {}): Promise<void> {
    await this.#fetched({ ...file, url: addressed(file) }, call, false)
  }

  /** Whether the file is here; its bytes are hashed only when they are read. */
  async holds({ url, digest }: FileRef): Promise<boolean> {
    if (digest?.length !== 64) return false
    try {
      return (await (await this.#open())?.match(keyOf(url, digest))) !== undefined
    } catch {
      return false
    }
  }

  /** What another run of this page noted under `url`; undefined where nothing was. */
  async note(url: string): Promise<unknown> {
    try {
      return await (await (await this.#open())?.match(url))?.json()
    } catch {
      return undefined
    }
  }

  /** Never rejects: a note that cannot be written costs time, nothing else. */
  async setNote(url: string, value: unknown): Promise<void> {
    try {
      await (await this.#open())?.put(url, new Response(JSON.stringify(value)))
    } catch {
      // As above.
    }
  }

  async #kept(file: FileRef): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (file.digest?.length !== 64) return undefined
    try {
      const cache = await this.#open()
      const response = await cache?.match(keyOf(file.url, file.digest))
      if (!cache || !response) return undefined
      const bytes = new Uint8Array(await response.arrayBuffer())
      if (await isNamed(bytes, file.digest)) return bytes
      await cache.delete(keyOf(file.url, file.digest))
    } catch {
      // A cache that cannot be read is one that holds nothing.
    }
    return undefined
  }

  /** Under its SHA-256, whatever it was named by. */
  async #keep(url: string, sha256: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    try {
      const cache = await this.#open()
      if (!cache) return this.#notKept('this page has no Cache API (it is not served over https)')
      const key = keyOf(url, sha256)
      await cache.put(key, new Response(bytes))
      // An older version of the same file is of no use any more.
      for (const other of await cache.keys()) {
        if (other.url !== key && other.url.startsWith(keyOf(url, ''))) await cache.delete(other)
      }
    } catch (error) {
      this.#notKept(messageOf(error))
    }
  }

  async #open(): Promise<Cache | undefined> {
    return this.#parts.caches?.open(CACHE)
  }

  #notKept(why: string): void {
    this.warnOnce(`model files are fetched again at each visit: ${why}`)
  }

  /** Says that nothing is kept, whoever found out: this file cache, or one in a worker of the page. */
  warnOnce(message: string): void {
    if (!this.#told) this.#parts.warn(message)
    this.#told = true
  }
}

/** Under a lock of the whole origin, which goes with its holder; without one where the browser gives none. */
async function alone<T>(locks: LockManager, name: string, { signal }: CallOptions, run: () => Promise<T>): Promise<T> {
  let had = false
  try {
    return await locks.request(name, { signal }, () => {
      had = true
      return run()
    })
  } catch (error) {
    if (had) throw error
    if (signal?.aborted) throw abortError(signal)
    return run()
  }
}

function advised(error: unknown, { advice }: FileRef): unknown {
  if (advice === undefined || !isOpDbusError(error, 'DOWNLOAD') || error.details.why === 'unreachable') return error
  return new OpDbusError('DOWNLOAD', `${error.message}\n${advice}`, { cause: error, details: error.details })
}

/** The address of a file with its digest, so that no cache on the way has an older version of it. */
export function addressed({ url, digest }: FileRef): string {
  return digest === undefined ? url : `${url}?${digest.slice(0, 16)}`
}

function keyOf(url: string, digest: string): string {
  return `${url}${url.includes('?') ? '&' : '?'}${DIGEST}=${digest}`
}
