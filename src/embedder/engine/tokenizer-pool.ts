// Threads that tokenise ahead of a session: when they start, who gets which texts, what happens when one dies. Never
// waits for a thread that is gone; what it had in hand goes back to the caller.

import { OpDbusError } from '../../errors.js'
import type { WorkerHandle } from '../../ports.js'
import { Link } from '../link.js'
import type { TokenChunk, TokenizerSpec, TokenizerThread } from './tokenizer-thread.js'

export interface TokenizerPoolOptions {
  readonly spec: TokenizerSpec
  readonly threads: number
  /** Starts a thread running node/tokenizer.ts (or its sibling for browsers). */
  readonly spawn: () => WorkerHandle
  /** A thread can take texts from now on. */
  readonly ready?: () => void
}

/** Texts to tokens, somewhere else. */
export interface TokenizeAhead {
  /** Starts the threads, once: nothing is waited for. */
  start(): void
  /** Whether texts can be handed over. */
  readonly ready: boolean
  /** The tokens of all texts, in order. Rejects when the thread that had them is lost: then they are the caller's again. */
  tokenize(texts: readonly string[]): Promise<TokenChunk>
}

interface Thread {
  readonly link: Link<TokenizerThread>
  open: boolean
  /** Texts in hand. */
  load: number
}

/** A thread that is lost is not replaced: tokenising in the session's own thread is slower, not wrong. */
export class TokenizerPool implements TokenizeAhead {
  readonly #options: TokenizerPoolOptions
  readonly #threads = new Set<Thread>()
  #started = false

  constructor(options: TokenizerPoolOptions) {
    this.#options = options
  }

  get ready(): boolean {
    for (const { open } of this.#threads) if (open) return true
    return false
  }

  start(): void {
    if (this.#started) return
    this.#started = true
    for (let i = 0; i < this.#options.threads; i++) void this.#startOne()
  }

  async tokenize(texts: readonly string[]): Promise<TokenChunk> {
    const thread = this.#leastLoaded()
    if (!thread) throw lost('none is open')
    thread.load += texts.length
    try {
      return await thread.link.call('tokenize', texts)
    } finally {
      thread.load -= texts.length
    }
  }

  async #startOne(): Promise<void> {
    let link: Link<TokenizerThread> | undefined
    try {
      link = new Link(this.#options.spawn(), { lost, onEnd: () => this.#threads.delete(thread) })
      const thread: Thread = { link, open: false, load: 0 }
      this.#threads.add(thread)
      await link.call('open', this.#options.spec)
      thread.open = true
      this.#options.ready?.()
    } catch {
      // Without threads the session tokenises by itself, as it does on a CPU.
      await link?.end()
    }
  }

  #leastLoaded(): Thread | undefined {
    let least: Thread | undefined
    for (const thread of this.#threads) if (thread.open && thread.load < (least?.load ?? Infinity)) least = thread
    return least
  }
}

function lost(why: string): OpDbusError {
  return new OpDbusError('WORKER_LOST', `a tokenizer thread is gone: ${why}`)
}
