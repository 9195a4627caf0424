// The library in this page, for the comparison on the look-up screen: loaded with the first such look-up, and kept in memory alone. The
// one file here that opens caches.
import { computed, signal } from '@preact/signals'
import { messageOf } from '../src/errors.js'
import { bytes } from '../src/format.js'
import type { Caches, Device, EmbeddingResult } from '../src/public.js'

export type PageDevice = 'auto' | 'webgpu' | 'wasm'

export interface PageAnswer {
  readonly result: EmbeddingResult
  /** From the question to the answer, on the page's clock. */
  readonly ms: number
  /** What computes there; vectors of another space are of another kind. */
  readonly space: string
  /** A model was loaded for it. */
  readonly cold: boolean
}

/** Where the daemon serves what `op-dbus assets` brings, relative to the page. */
const ASSETS_URL = 'op-dbus/'

export class InPage {
  /** What is under way; empty while nothing is. */
  readonly progress = signal('')
  readonly #fetched = signal<{ readonly done: number; readonly total: number } | undefined>(undefined)
  readonly fetching = computed(() => {
    const fetched = this.#fetched.value
    return fetched && fetched.done < fetched.total
      ? `fetching ${bytes(fetched.done)} of ${bytes(fetched.total)}`
      : this.progress.value
  })
  /** Said by the library, once each. */
  readonly warnings = signal<readonly string[]>([])
  #opened: { readonly device: PageDevice; readonly caches: Promise<Caches> } | undefined
  #warm = false

  /** @throws OpDbusError as `getOrEmbed` does; where the library's own code does not load, what the browser says */
  async lookUp(text: string, device: PageDevice, signal: AbortSignal): Promise<PageAnswer> {
    this.progress.value = 'loading the library'
    this.#fetched.value = undefined
    try {
      const { embeddings } = await this.#open(device)
      this.progress.value = this.#warm ? 'computing' : 'loading the model'
      const { space } = await embeddings.computing({ signal })
      const cold = !this.#warm
      const start = performance.now()
      const result = await embeddings.getOrEmbed(text, { signal })
      this.#warm = true
      return { result, ms: performance.now() - start, space, cold }
    } finally {
      this.progress.value = ''
      this.#fetched.value = undefined
    }
  }

  /** Why devices do not serve that were to, in the order of preference. */
  async refused(): Promise<readonly { readonly device: Device; readonly reason: string }[]> {
    const caches = await this.#opened?.caches
    return (await caches?.stats())?.embeddings.running?.refused ?? []
  }

  async close(): Promise<void> {
    const opened = this.#opened
    this.#opened = undefined
    this.#warm = false
    await opened?.caches.then(caches => caches.close()).catch(() => {})
  }

  async #open(device: PageDevice): Promise<Caches> {
    if (this.#opened && this.#opened.device !== device) await this.close()
    if (!this.#opened) {
      const caches = this.#load(device)
      this.#opened = { device, caches }
      caches.catch(() => {
        this.#opened = undefined
      })
    }
    return this.#opened.caches
  }

  async #load(device: PageDevice): Promise<Caches> {
    const { openCaches } = await import('../src/web.js')
    return openCaches({
      assetsUrl: ASSETS_URL,
      device,
      // What an operator types here is nobody's to keep.
      embeddingDiskCache: false,
      embeddingCacheSize: 100,
      onDownload: fetched => {
        this.#fetched.value = fetched
      },
      onWarning: message => {
        if (!this.warnings.peek().includes(message)) this.warnings.value = [...this.warnings.peek(), message]
      },
    })
  }
}

/** For people, in one line. */
export function whyNot(error: unknown): string {
  return messageOf(error).split('\n')[0]!
}
