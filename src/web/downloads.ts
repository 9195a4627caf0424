// Adds up what workers say of the files they fetch, for one progress bar. Part of the web root.
import type { DownloadProgress } from './options.js'

export class Downloads {
  readonly #files = new Map<string, { readonly done: number; readonly total: number }>()

  readonly #listener: ((progress: DownloadProgress) => void) | undefined

  constructor(listener: ((progress: DownloadProgress) => void) | undefined) {
    this.#listener = listener
  }

  /** So many bytes of one file are here now. */
  saw({ url, done, total }: { readonly url: string; readonly done: number; readonly total: number }): void {
    if (!this.#listener) return
    this.#files.set(url, { done, total })
    const sum = { done: 0, total: 0 }
    for (const file of this.#files.values()) {
      sum.done += file.done
      sum.total += file.total
    }
    this.#listener({ file: decodeURIComponent(new URL(url).pathname.split('/').at(-1)!), ...sum })
  }
}
