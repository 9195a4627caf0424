// Threads that tokenise ahead of a session: when they start, who gets which texts, what happens when one dies. Never
// waits for a thread that is gone; what it had in hand goes back to the caller.

import { type Remote, wrap } from 'comlink'
import { OpDbusError } from '../../errors.js'
import type { WorkerHandle } from '../../ports.js'
import { fromWire } from '../protocol.js'
import { type Tokenized, type TokenizerSpec, type TokenizerThread, unpack } from './tokenizer-thread.js'

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
  /** One result per text. Rejects when the thread that had them is lost: then they are the caller's again. */
  tokenize(texts: readonly string[]): Promise<readonly Tokenized[]>
}

interface Thread {
  readonly remote: Remote<TokenizerThread>
  /** What rejects the calls that wait: one that is pending when the thread dies would never settle by itself. */
  readonly waiting: Set<(error: OpDbusError) => void>
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

  async tokenize(texts: readonly string[]): Promise<readonly Tokenized[]> {
    const thread = this.#leastLoaded()
    if (!thread) throw lost('none is open')
    thread.load += texts.length
    try {
      return unpack(await answerOf(thread, thread.remote.tokenize(texts)))
    } finally {
      thread.load -= texts.length
    }
  }

  async #startOne(): Promise<void> {
    let handle: WorkerHandle | undefined
    try {
      handle = this.#options.spawn()
      const remote = wrap<TokenizerThread>(handle.endpoint)
      const thread: Thread = { remote, waiting: new Set(), open: false, load: 0 }
      handle.onExit(why => {
        this.#threads.delete(thread)
        for (const reject of thread.waiting) reject(lost(why))
      })
      this.#threads.add(thread)
      const error = await answerOf(thread, remote.open(this.#options.spec))
      if (error) throw fromWire(error)
      thread.open = true
      this.#options.ready?.()
    } catch {
      // Without threads the session tokenises by itself, as it does on a CPU.
      await handle?.terminate()
    }
  }

  #leastLoaded(): Thread | undefined {
    let least: Thread | undefined
    for (const thread of this.#threads) if (thread.open && thread.load < (least?.load ?? Infinity)) least = thread
    return least
  }
}

function answerOf<T>({ waiting }: Thread, answer: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    waiting.add(reject)
    const settle = () => waiting.delete(reject)
    answer.finally(settle).then(resolve, reject)
  })
}

function lost(why: string): OpDbusError {
  return new OpDbusError('WORKER_LOST', `a tokenizer thread is gone: ${why}`)
}
