// What is asked for before anybody asks: the seam between the caches and prediction (src/tuning/predict), which is told of asks and may have
// something fetched. Decides nothing. A cache that nobody observes pays one branch for it.
import type { Answer } from '../cache/look-up.js'
import { throwIfAborted } from '../errors.js'
import type { Embedding, Key, Source } from '../ports.js'
import type { Opened } from './embedding-parts.js'
import { idOf } from './texts.js'

/**
 * Asks a plugin anew for nobody: what is held is answered meanwhile. Undefined where it is being asked already, or where its answer could not
 * be kept, since somebody is changing the system.
 */
export type AskAgain = (signal: AbortSignal) => Promise<unknown> | undefined

/** Who foresees queries. Ids are as the cache makes them; nothing that is told is to be written down. */
export interface QueryObserver {
  /** Memory answered. On the way of every hit. */
  hit(id: string): void
  /** Memory did not. `fresh`: it was not to be asked. */
  missed(id: string, again: AskAgain, fresh: boolean): void
  /** A plugin was asked, whoever wanted it, and took so long; its answer is good for `ttlMs` from now on, if it may be kept. */
  computed(id: string, micros: number, ttlMs: number): void
  /** Nothing that was asked before is served any more. */
  dropped(id: string): void
  /** The same of all of them, and none is to be asked again. */
  cleared(): void
}

/** Who foresees texts. They stay in memory. */
export interface TextObserver {
  /** Memory answered a look at memory alone. */
  hit(text: string): void
  /** One was asked for; the answer is there at once where memory or a disk has it. */
  asked(text: string, answer: Answer<Embedding> | Promise<Answer<Embedding>>): void
  /** Many are going to be asked for together. */
  batchBegins(): void
  /** Many were asked for together, `began` ms after any start (the cache's monotonic clock); where each came from. */
  batch(texts: readonly string[], sources: readonly Source[], began: number): void
  cleared(): void
}

/** Texts that are embedded before anybody asks for them, on the way that all texts go. */
export class EmbeddingsAhead {
  observer: TextObserver | undefined
  #opened: Opened | undefined
  /** Of the embedder, while it had nothing to do. */
  #allRoom = 0

  opened(opened: Opened): void {
    this.#opened = opened
    this.#allRoom = opened.embedder.room
  }

  /**
   * Whether it can be of use. Where patterns are on, texts that differ in a number are one; and where no tier is below memory, what nobody
   * asks for would push out what has to be computed again.
   */
  get pays(): boolean {
    return this.#opened !== undefined && this.#opened.templates === undefined && this.#opened.tiers.length > 0
  }

  /** Nothing is being looked for, and the embedder has nothing to do. */
  get idle(): boolean {
    if (this.#opened === undefined) return false
    const { cache, embedder } = this.#opened
    this.#allRoom = Math.max(this.#allRoom, embedder.room)
    return cache.underWay === 0 && embedder.room === this.#allRoom
  }

  /** The nearest that has a text; undefined: nobody, or it is not known yet what computes. Counts nothing and moves nothing. */
  async where(text: string): Promise<Source | undefined> {
    if (this.#opened === undefined) return undefined
    const id = idOf(text, this.#opened)
    return this.#opened.cache.inMemory(id) ? 'memory' : (await this.#opened.cache.peekLife(id))?.source
  }

  /** The name on disk of what a text is kept under; undefined where nothing is loaded by such names. */
  keyOf(text: string): Key | undefined {
    return this.#opened?.keyOf?.(idOf(text, this.#opened))
  }

  /** As `endedAhead` of the cache of tiers. */
  ended(use: boolean, micros: number): void {
    this.#opened?.cache.endedAhead(use, micros)
  }

  /**
   * Embeds the text, unless some tier has it or it is under way: false then. A signal that fires leaves it to those who wait for it.
   * @throws what `getOrEmbed` does
   */
  async embed(text: string, signal: AbortSignal): Promise<boolean> {
    const { cache, loader } = this.#opened ?? {}
    if (cache === undefined || (await cache.has(text))) return false
    throwIfAborted(signal)
    if (!this.idle || cache.inMemory(text)) return false
    const answer = cache.renew(text, loader!.atOnce, signal)
    await answer
    return answer !== undefined
  }
}
