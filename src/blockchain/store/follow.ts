// Waits for blocks that any process appends: told by the file system where it tells, and looked for now and then where it does not.
import * as fs from 'node:fs'
import { AbortListeners } from '../../abort-listeners.js'
import { abortError, OpDbusError } from '../../errors.js'
import { quietly } from '../../fs/errno.js'
import type { Timer } from '../../ports.js'

/** Between two looks while the file system tells of changes, and while it cannot. */
const WATCHED_MS = 500
const UNWATCHED_MS = 40

interface Waiting {
  readonly size: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

export class Followers {
  readonly #dir: string
  readonly #size: () => number
  readonly #timer: Timer
  readonly #waiting = new Set<Waiting>()
  readonly #aborts = new AbortListeners()
  #watcher: fs.FSWatcher | undefined
  #cancel: (() => void) | undefined

  /** `timer` keeps the process alive: somebody waits. */
  constructor(dir: string, size: () => number, timer: Timer) {
    this.#dir = dir
    this.#size = size
    this.#timer = timer
  }

  /** @throws OpDbusError ABORTED, CLOSED, and what a look at the size throws */
  async moreThan(size: number, signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted) throw abortError(signal)
    if (this.#size() > size) return
    await new Promise<void>((resolve, reject) => {
      const waiting: Waiting = { size, resolve: () => end(resolve), reject: error => end(() => reject(error)) }
      const left = signal && this.#aborts.add(signal, () => waiting.reject(abortError(signal)))
      const end = (settle: () => void) => {
        left?.()
        this.#waiting.delete(waiting)
        if (this.#waiting.size === 0) this.#stop()
        settle()
      }
      this.#waiting.add(waiting)
      if (this.#cancel === undefined) this.#start()
      // It may have come before we watched.
      this.look()
    })
  }

  /** Tells those who wait, where there is more. */
  look(): void {
    if (this.#waiting.size === 0) return
    try {
      const size = this.#size()
      for (const waiting of [...this.#waiting]) if (size > waiting.size) waiting.resolve()
    } catch (error) {
      for (const waiting of [...this.#waiting]) waiting.reject(error)
    }
  }

  close(): void {
    for (const waiting of [...this.#waiting]) waiting.reject(new OpDbusError('CLOSED', 'the chain is closed'))
    this.#stop()
  }

  #start(): void {
    this.#watch()
    this.#cancel = this.#timer(this.#watcher === undefined ? UNWATCHED_MS : WATCHED_MS, () => {
      this.#start()
      this.look()
    })
  }

  #watch(): void {
    if (this.#watcher !== undefined) return
    // The folder may not be there yet, and there are systems without such a thing.
    quietly(() => {
      const watcher = fs.watch(this.#dir, () => this.look())
      watcher.on('error', () => this.#unwatch())
      this.#watcher = watcher
    })
  }

  #unwatch(): void {
    this.#watcher?.close()
    this.#watcher = undefined
  }

  #stop(): void {
    this.#cancel?.()
    this.#cancel = undefined
    this.#unwatch()
  }
}
