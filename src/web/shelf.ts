// Files by address and digest: from the Cache API, else fetched, and never believed before their bytes are hashed. Runs
// in the page for small files and in its worker for large ones. Part of the web root.
import { abortError, messageOf, OpDbusError } from '../errors.js'
import type { Call } from '../ports.js'
import { isNamed, sha256Of } from './digest.js'

/** A file and what is known of it before it is read. */
export interface FileRef {
  /** Absolute. */
  readonly url: string
  /** 64 hex digits of SHA-256, or 40 of Git; undefined where nothing states it: then it is neither checked nor kept. */
  readonly digest: string | undefined
  /** Where stated. */
  readonly bytes?: number | undefined
}

export interface ShelfCall extends Call {
  /** Called as bytes come over the network, never for what is on the shelf. */
  readonly onBytes?: ((done: number, total: number) => void) | undefined
}

/** The name of our part of the Cache API. */
export const CACHE = 'op-dbus-files'
/** The parameter of a key that holds the digest. */
const DIGEST = 'op-dbus-digest'

export class Shelf {
  readonly #caches: CacheStorage | undefined
  #told = false

  /** `caches`: undefined where the browser has none (insecure contexts). `warn` is told once that nothing is kept. */
  constructor(
    caches: CacheStorage | undefined,
    private readonly warn: (message: string) => void,
  ) {
    this.#caches = caches
  }

  async text(file: FileRef, call?: ShelfCall): Promise<string> {
    return new TextDecoder().decode(await this.bytes(file, call))
  }

  /**
   * Rejects with DOWNLOAD (`details.url`; `details.why`: 'unreachable', 'refused', 'integrity') or ABORTED.
   */
  async bytes(file: FileRef, call: ShelfCall = {}): Promise<Uint8Array<ArrayBuffer>> {
    const kept = await this.#kept(file)
    if (kept) return kept
    // What another program put into the browser's own cache may be older than the digest: then the server is asked again.
    for (const mode of ['default', 'reload'] as const) {
      const bytes = await fetchBytes(file, mode, call)
      if (file.digest === undefined) return bytes
      if (await isNamed(bytes, file.digest)) {
        await this.#keep(file.url, file.digest.length === 64 ? file.digest : await sha256Of(bytes), bytes)
        return bytes
      }
    }
    throw failure(file.url, 'integrity', `it does not hash to ${file.digest}`)
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
    return this.#caches?.open(CACHE)
  }

  #notKept(why: string): void {
    if (!this.#told) this.warn(`model files are fetched again at each visit: ${why}`)
    this.#told = true
  }
}

function keyOf(url: string, digest: string): string {
  return `${url}${url.includes('?') ? '&' : '?'}${DIGEST}=${digest}`
}

async function fetchBytes(file: FileRef, cache: RequestCache, call: ShelfCall): Promise<Uint8Array<ArrayBuffer>> {
  const { url } = file
  const { signal, onBytes } = call
  try {
    const response = await fetch(url, { cache, ...(signal && { signal }) })
    if (!response.ok)
      throw failure(url, 'refused', `the server answers ${response.status}`, { status: response.status })
    const length = Number(response.headers.get('content-length') ?? 0)
    // A packed body is longer than its header says.
    const total = file.bytes ?? (response.headers.has('content-encoding') ? 0 : length)
    const chunks: Uint8Array[] = []
    let done = 0
    for await (const chunk of chunksOf(response)) {
      done += chunk.length
      if (file.bytes !== undefined && done > file.bytes) {
        throw failure(url, 'integrity', `it is longer than the ${file.bytes} bytes stated`)
      }
      chunks.push(chunk)
      onBytes?.(done, Math.max(total, done))
    }
    return joined(chunks, done)
  } catch (error) {
    if (signal?.aborted) throw abortError(signal)
    if (error instanceof OpDbusError) throw error
    throw unreachable(url, error)
  }
}

async function* chunksOf(response: Response): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader()
  try {
    for (;;) {
      const next = await reader?.read()
      if (!next || next.done) return
      yield next.value
    }
  } finally {
    await reader?.cancel().catch(() => undefined)
  }
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    all.set(chunk, at)
    at += chunk.length
  }
  return all
}

/**
 * What `fetch` itself rejected with. A browser does not say whether nobody answered or whether the answer may not be read:
 * of another origin both are told, and `details.crossOrigin` is true.
 */
export function unreachable(url: string, error: unknown, details: Readonly<Record<string, unknown>> = {}): OpDbusError {
  const [theirs, ours] = [new URL(url).origin, globalThis.location?.origin]
  const crossOrigin = theirs !== ours
  const advice = crossOrigin
    ? `\n${theirs} cannot be reached, or does not let pages of ${ours} read from it (CORS)`
    : ''
  return failure(url, 'unreachable', `${messageOf(error)}${advice}`, { ...details, crossOrigin }, error)
}

/** DOWNLOAD with the address that was tried. */
export function failure(
  url: string,
  why: 'unreachable' | 'refused' | 'integrity',
  what: string,
  details: Readonly<Record<string, unknown>> = {},
  cause?: unknown,
): OpDbusError {
  return new OpDbusError('DOWNLOAD', `cannot fetch ${url}: ${what}`, { cause, details: { ...details, url, why } })
}
