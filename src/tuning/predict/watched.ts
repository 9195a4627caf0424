// One query that is asked for now and then: what is known of it. Decides nothing.
import { Budget } from './budget.js'
import { Rhythm } from './rhythm.js'

/** Asks anew for nobody, until `signal` fires; undefined where it is being asked already, or its answer could not be kept. */
export type AskAgain = (signal: AbortSignal) => Promise<unknown> | undefined

/** Computations that a key may be ahead of what it would need without prediction: the one that is under way, and half of another. */
const START_OF_KEY = 1.5

/** What is known of one key. Times are ms of the monotonic clock, until others are named. */
export interface Watched {
  readonly id: string
  readonly rhythm: Rhythm
  again: AskAgain | undefined
  /** What the plugin takes, ms; undefined until it was asked once. */
  costMs: number | undefined
  /** What it took for the answer that is held. */
  heldMs: number | undefined
  /** How long an answer is good, ms; 0: not known. */
  ttlMs: number
  /** When what is held ends. */
  goodUntil: number
  /** When what would be held without prediction ends. */
  plainUntil: number
  /** Its share of the budget: one key for which fetching does not pay is not to use up what others need. */
  readonly share: Budget
  /** It would have been asked without prediction as well: counted once the cost is known. */
  owes: boolean
  /** When somebody came to wait for a refresh: theirs from then on, and what they would have asked for without prediction too. */
  handedOverAt: number
  /** When it is to be asked anew; Infinity: not. */
  refreshAt: number
  /** It was asked anew, and nobody has asked for it since. */
  unasked: boolean
  /** Refreshes in a row that nobody asked for. */
  wasted: number
  /** When it was last put before all others that are watched. */
  movedAt: number
}

export function newWatched(id: string): Watched {
  return {
    id,
    rhythm: new Rhythm(),
    again: undefined,
    costMs: undefined,
    heldMs: undefined,
    ttlMs: 0,
    goodUntil: 0,
    plainUntil: Number.NEGATIVE_INFINITY,
    share: new Budget(START_OF_KEY),
    owes: false,
    handedOverAt: Number.NEGATIVE_INFINITY,
    refreshAt: Number.POSITIVE_INFINITY,
    unasked: false,
    wasted: 0,
    movedAt: Number.NEGATIVE_INFINITY,
  }
}
