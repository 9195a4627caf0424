// Foresees texts: learns from those that had to be computed, in their order, and has those embedded that are to be expected, one at a time and
// only while nobody asks for anything. Keeps texts in memory alone, and no process alive.
import type { Clock, Timer } from '../../ports.js'
import type { Budget } from './budget.js'
import type { Predictor } from './predictor.js'
import { TextModel } from './text-model.js'

/** Texts a second that are learnt from, and in one turn of the event loop; a text takes about 20 us. What comes in addition is passed over. */
const LESSONS_PER_SECOND = 500
const LESSONS_IN_A_TURN = 32
/** Texts that wait to be fetched; newer ones take the place of older ones. */
const MOST_WANTED = 32
/** What was fetched and is not asked for in this time, ms, was of no use. */
const PATIENCE_MS = 600_000
/** While somebody else is busy, it is looked again after so long, ms. */
const RETRY_MS = 50
/** Where a text takes less, microseconds, to foresee it is no gain. */
const LEAST_MICROS = 200
/** Asks have to be so many times farther apart than a text takes: nobody is to find the embedder busy with what was only foreseen. */
const GAP = 2
/** Weight of the newest of what is measured, and of one that is less. */
const WEIGHT = 1 / 8
const FASTER_WEIGHT = 1 / 2

/** What the embedding cache offers. */
export interface TextsAhead {
  /** Whether texts that were fetched can be of use. */
  readonly pays: boolean
  /** Nobody waits for anything. */
  readonly idle: boolean
  /** False where it was there already, or had to be left. */
  embed(text: string, signal: AbortSignal): Promise<boolean>
}

interface AnswerOf {
  readonly source: string
  readonly joined?: true
}

export interface TextForesightParts {
  readonly clock: Pick<Clock, 'monotonic'>
  /** Does not keep a process alive. */
  readonly timer: Timer
  readonly budget: Budget
  readonly predictor: Predictor
  readonly ahead: TextsAhead
}

export class TextForesight {
  readonly #parts: TextForesightParts
  readonly #model = new TextModel()
  /** Texts to be learnt from, in their order, and how many may be. */
  #lessons: string[] = []
  #allowed = LESSONS_PER_SECOND
  #allowedAt = Number.NEGATIVE_INFINITY
  #wanted = new Set<string>()
  #fetching: string | undefined
  #cancel: (() => void) | undefined
  /** Microseconds that a text takes; undefined until one was computed. */
  #cost: number | undefined
  /** ms between asks that had to be computed. */
  #gap = 0
  #lastAsk = Number.NEGATIVE_INFINITY
  /** When the last computation that was counted ended. */
  #counted = Number.NEGATIVE_INFINITY
  #closed = false

  constructor(parts: TextForesightParts) {
    this.#parts = parts
  }

  hit(text: string): void {
    const { predictor } = this.#parts
    if (predictor.waiting === 0 || !predictor.has(text)) return
    predictor.asked(text, true)
    this.#learn([text])
  }

  asked(text: string, answer: AnswerOf | Promise<AnswerOf>): void {
    if (!(answer instanceof Promise)) {
      this.hit(text)
      return
    }
    const began = this.#now()
    this.#busy(began, text)
    this.#parts.predictor.asked(text, false)
    this.#learn([text])
    answer.then(
      ({ source, joined }) => {
        if (source === 'computed' && !joined) this.#computed(began, 1)
      },
      () => {},
    )
  }

  batchBegins(): void {
    this.#busy(this.#now(), undefined)
  }

  batch(texts: readonly string[], sources: readonly string[], began: number): void {
    const { predictor } = this.#parts
    const computed: string[] = []
    // From the end: what comes next follows on that.
    for (let i = texts.length - 1; i >= 0 && computed.length < LESSONS_PER_SECOND; i--) {
      const text = texts[i]!
      const foreseen = predictor.waiting > 0 && predictor.has(text)
      if (foreseen) predictor.asked(text, true)
      if (foreseen || sources[i] === 'computed') computed.push(text)
    }
    const count = sources.reduce((sum, source) => sum + (source === 'computed' ? 1 : 0), 0)
    if (count > 0) this.#computed(began, count)
    this.#learn(computed.reverse())
  }

  cleared(): void {
    this.#wanted.clear()
    this.#lessons = []
    this.#model.clear()
    this.#parts.predictor.dropAll()
  }

  close(): void {
    this.#closed = true
    this.#cancel?.()
    this.cleared()
    this.#parts.predictor.close()
  }

  /** Somebody wants something computed: what is only foreseen gives way. */
  #busy(now: number, text: string | undefined): void {
    const gap = now - this.#lastAsk
    this.#lastAsk = now
    if (Number.isFinite(gap)) this.#gap += WEIGHT * (Math.min(gap, 1000) - this.#gap)
    if (this.#fetching !== undefined && this.#fetching !== text) this.#parts.predictor.drop(this.#fetching)
  }

  /** The time of computations that overlap is counted once. */
  #computed(began: number, count: number): void {
    const now = this.#now()
    const micros = 1000 * Math.max(0, now - Math.max(began, this.#counted))
    this.#counted = now
    // The first one waited for the model, too, which is no computing.
    if (this.#cost !== undefined) {
      const { budget } = this.#parts
      budget.did(micros)
      budget.owe(micros, count)
    }
    this.#tookEach(micros / count)
    if (this.#wanted.size > 0) this.#arm(0)
  }

  #tookEach(micros: number): void {
    const before = this.#cost ?? micros
    // What took long waited for others as well.
    this.#cost = before + (micros < before ? FASTER_WEIGHT : WEIGHT) * (micros - before)
  }

  #learn(texts: readonly string[]): void {
    if (this.#closed || texts.length === 0 || !this.#parts.ahead.pays) return
    if (this.#cost !== undefined && this.#cost < LEAST_MICROS) return
    const now = this.#now()
    const grown = Number.isFinite(this.#allowedAt) ? ((now - this.#allowedAt) / 1000) * LESSONS_PER_SECOND : 0
    this.#allowed = Math.min(LESSONS_PER_SECOND, this.#allowed + grown)
    this.#allowedAt = now
    // The last ones: a gap in what was seen is better than one before what comes.
    const most = Math.floor(this.#allowed)
    if (most < 1) return
    const some = texts.slice(-most)
    this.#allowed -= some.length
    for (const text of some) this.#lessons.push(text)
    this.#arm(0)
  }

  #arm(ms: number): void {
    if (this.#closed) return
    this.#cancel?.()
    this.#cancel = this.#parts.timer(ms, () => this.#turn())
  }

  #turn(): void {
    this.#cancel = undefined
    for (const text of this.#lessons.splice(0, LESSONS_IN_A_TURN)) {
      this.#wanted.delete(text)
      for (const next of this.#model.next(text)) this.#want(next)
    }
    if (this.#lessons.length > 0) this.#arm(0)
    else if (this.#wanted.size > 0 && this.#fetching === undefined) this.#fetchNext()
    const now = this.#now()
    const next = this.#parts.predictor.sweep(now)
    if (this.#cancel === undefined && next < Number.POSITIVE_INFINITY) this.#arm(Math.ceil(next - now))
  }

  #want(text: string): void {
    this.#wanted.delete(text)
    this.#wanted.add(text)
    if (this.#wanted.size > MOST_WANTED) this.#wanted.delete(this.#wanted.keys().next().value!)
  }

  #fetchNext(): void {
    const { ahead, predictor } = this.#parts
    const cost = this.#cost
    if (cost === undefined) return
    const gap = Math.max(this.#gap, this.#now() - this.#lastAsk)
    if (!ahead.idle || GAP * cost > 1000 * gap) {
      this.#arm(RETRY_MS)
      return
    }
    for (const text of this.#wanted) {
      this.#wanted.delete(text)
      const began = this.#now()
      const fetched = predictor.fetch(text, cost, 0, signal =>
        ahead.embed(text, signal).then(computed => (computed ? this.#now() + PATIENCE_MS : undefined)),
      )
      if (fetched === undefined) continue
      this.#fetching = text
      void fetched.then(useful => {
        this.#fetching = undefined
        if (useful) this.#tookEach(1000 * (this.#now() - began))
        // For the next one, and to be there when nobody asked for this one in its time.
        this.#arm(0)
      })
      return
    }
  }

  #now(): number {
    return this.#parts.clock.monotonic()
  }
}
