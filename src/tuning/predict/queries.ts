// Foresees queries: is told of each ask, keeps what is known of each key, and has predictors fetch. One timer for all keys, which keeps no
// process alive. Knows no plugin and no answer.
import type { Clock, Timer } from '../../ports.js'
import type { Budget } from './budget.js'
import type { Predictor } from './predictor.js'
import { dueAt, mayRefresh } from './refresh-ahead.js'
import { Successors } from './successors.js'
import { type AskAgain, newWatched, type Watched } from './watched.js'

/** Keys that are watched; the one that was not asked for longest gives way. */
const MOST_KEYS = 256
/** Asks within this part of an answer's life are one. */
const TOGETHER = 1 / 16
/** An interval of more than so many lives says nothing of how often it is asked for. */
const LONGEST = 3
/** What follows sooner, ms, could not be fetched before; and hits by the thousand are not to be counted one by one. */
const APART_MS = 10
/** What a timer takes. */
const LONGEST_MS = 2 ** 31 - 1
/** Weight of the newest of a plugin's times, where it is the shorter one; a longer one counts at once, but as so many times what was usual. */
const COST_WEIGHT = 1 / 4
const MOST_SLOWER = 2

export interface QueryForesightParts {
  readonly clock: Pick<Clock, 'monotonic'>
  /** Does not keep a process alive. */
  readonly timer: Timer
  readonly budget: Budget
  readonly refresh: Predictor
  /** Absent: what follows what is not looked at. */
  readonly successors?: Predictor | undefined
  /** ms that what memory holds is good; undefined where it holds nothing that would be served. */
  readonly leftMs: (id: string) => number | undefined
}

export class QueryForesight {
  readonly #parts: QueryForesightParts
  readonly #successors: Successors | undefined
  readonly #keys = new Map<string, Watched>()
  /** To be fetched in the next turn. */
  readonly #soon = new Set<string>()
  #cancel: (() => void) | undefined
  /** When the order of asks was last looked at. */
  #notedAt = Number.NEGATIVE_INFINITY
  #armedFor = Number.POSITIVE_INFINITY
  #closed = false

  constructor(parts: QueryForesightParts) {
    this.#parts = parts
    this.#successors = parts.successors && new Successors()
  }

  hit(id: string): void {
    const known = this.#keys.get(id)
    if (known !== undefined) this.#asked(known, true, false)
  }

  missed(id: string, again: AskAgain, fresh: boolean): void {
    if (this.#closed) return
    const watched = this.#keys.get(id) ?? newWatched(id)
    watched.again = again
    // Another process may have put it onto the disk: then nobody says how long it is good.
    watched.goodUntil = 0
    this.#keep(watched)
    this.#asked(watched, false, fresh)
  }

  computed(id: string, micros: number, ttlMs: number): void {
    const { refresh, successors, budget } = this.#parts
    const watched = this.#keys.get(id)
    const ours = refresh.isUnderWay(id) || successors?.isUnderWay(id) === true
    if (!ours) budget.did(micros)
    if (watched === undefined) {
      if (!ours) budget.owe(micros)
      return
    }
    const ms = micros / 1000
    const { costMs } = watched
    watched.costMs = costMs === undefined ? ms : likelyCost(costMs, ms)
    watched.heldMs = ms
    watched.ttlMs = ttlMs
    watched.goodUntil = this.#now() + ttlMs
    watched.share.did(micros)
    const handedOver = this.#now() - ms < watched.handedOverAt
    if (handedOver) watched.handedOverAt = Number.NEGATIVE_INFINITY
    if (watched.owes || handedOver) {
      watched.owes = false
      watched.plainUntil = watched.goodUntil
      this.#owe(watched, micros)
    }
    if (!ours) this.#plan(watched)
  }

  dropped(id: string): void {
    const watched = this.#keys.get(id)
    if (watched === undefined) return
    const now = this.#now()
    watched.goodUntil = now
    watched.plainUntil = now
    watched.refreshAt = Number.POSITIVE_INFINITY
    this.#parts.refresh.drop(id)
    this.#parts.successors?.drop(id)
  }

  cleared(): void {
    this.#parts.refresh.dropAll()
    this.#parts.successors?.dropAll()
    for (const id of [...this.#keys.keys()]) this.#forget(id)
  }

  close(): void {
    this.#closed = true
    this.#cancel?.()
    this.#parts.refresh.close()
    this.#parts.successors?.close()
    this.cleared()
  }

  #asked(watched: Watched, here: boolean, fresh: boolean): void {
    const { refresh, successors } = this.#parts
    const { id, ttlMs, rhythm } = watched
    const now = this.#now()
    if (refresh.waiting > 0 && refresh.has(id)) {
      const isUnderWay = refresh.isUnderWay(id)
      if (isUnderWay && !here) watched.handedOverAt = now
      if (here || isUnderWay) watched.wasted = 0
      refresh.asked(id, here)
    }
    if (successors !== undefined && successors.waiting > 0) successors.asked(id, here)
    watched.unasked = false
    if (now >= watched.plainUntil || fresh) {
      const { costMs = 0, heldMs } = watched
      // Until it was answered, others who ask wait with this one.
      watched.plainUntil = now + costMs + ttlMs
      if (here && heldMs !== undefined) this.#owe(watched, 1000 * heldMs)
      else watched.owes = true
    } else if (here) {
      // It was not computed: a disk had it.
      watched.owes = false
    }
    rhythm.note(now, TOGETHER * ttlMs, LONGEST * ttlMs)
    if (now - watched.movedAt >= APART_MS) this.#keep(watched)
    if (here && watched.refreshAt === Number.POSITIVE_INFINITY) this.#plan(watched)
    if (this.#successors === undefined || now - this.#notedAt < APART_MS) return
    this.#notedAt = now
    for (const next of this.#successors.note(id, now)) this.#fetchSoon(next)
  }

  /** Without prediction it would have been computed for this ask. */
  #owe({ share }: Watched, micros: number): void {
    share.owe(micros)
    this.#parts.budget.owe(micros)
  }

  #plan(watched: Watched): void {
    if (watched.goodUntil === 0 && watched.ttlMs > 0)
      watched.goodUntil = this.#now() + (this.#parts.leftMs(watched.id) ?? 0)
    if (!mayRefresh(watched, this.#now())) return
    watched.refreshAt = dueAt(watched)
    this.#arm(watched.refreshAt)
  }

  /** In a turn of its own: who asks for several at once asks for the next one before that. */
  #fetchSoon(id: string): void {
    const watched = this.#keys.get(id)
    if (watched?.again === undefined || this.#soon.has(id) || this.#parts.leftMs(id) !== undefined) return
    this.#soon.add(id)
    this.#arm(this.#now())
  }

  #arm(at: number): void {
    if (this.#closed || at >= this.#armedFor) return
    this.#cancel?.()
    this.#armedFor = at
    this.#cancel = this.#parts.timer(Math.min(LONGEST_MS, Math.max(0, Math.ceil(at - this.#now()))), () => this.#fire())
  }

  #fire(): void {
    this.#cancel = undefined
    this.#armedFor = Number.POSITIVE_INFINITY
    const { refresh, successors } = this.#parts
    const now = this.#now()
    const soon = [...this.#soon]
    this.#soon.clear()
    for (const id of soon) {
      const watched = this.#keys.get(id)
      if (watched && this.#parts.leftMs(id) === undefined) this.#fetch(watched, successors!, now)
    }
    let next = Number.POSITIVE_INFINITY
    for (const watched of this.#keys.values()) {
      if (watched.refreshAt <= now) {
        // Asked for since it was planned: perhaps it is needed later.
        watched.refreshAt = mayRefresh(watched, now) ? dueAt(watched) : Number.POSITIVE_INFINITY
        if (watched.refreshAt <= now) {
          watched.refreshAt = Number.POSITIVE_INFINITY
          this.#fetch(watched, refresh, now)
        }
      }
      next = Math.min(next, watched.refreshAt)
    }
    next = Math.min(next, refresh.sweep(now), successors?.sweep(now) ?? next)
    if (next < Number.POSITIVE_INFINITY) this.#arm(next)
  }

  #fetch(watched: Watched, predictor: Predictor, now: number): void {
    const { id, again, costMs } = watched
    if (again === undefined || costMs === undefined || watched.unasked || !watched.share.allows(1000 * costMs)) return
    const left = this.#parts.leftMs(id)
    const usefulFrom = left === undefined ? now : now + left
    const fetched = predictor.fetch(id, 1000 * costMs, usefulFrom, signal =>
      again(signal)?.then(() => {
        // What was invalidated meanwhile, or is being changed, was not kept.
        const good = this.#parts.leftMs(id)
        return good === undefined ? undefined : this.#now() + good
      }),
    )
    if (fetched === undefined) return
    this.#keep(watched)
    watched.unasked = true
    if (predictor === this.#parts.refresh) watched.wasted++
    void fetched.then(() => {
      const good = this.#parts.leftMs(id)
      // It is being asked for by those who wait, or nobody wants it.
      if (good === undefined) return
      watched.goodUntil = this.#now() + good
      // Asked for while it was fetched.
      if (!watched.unasked) this.#plan(watched)
      this.#arm(watched.goodUntil)
    })
  }

  /** The newest are at the end. */
  #keep(watched: Watched): void {
    watched.movedAt = this.#now()
    this.#keys.delete(watched.id)
    this.#keys.set(watched.id, watched)
    if (this.#keys.size > MOST_KEYS) this.#forget(this.#keys.keys().next().value!)
  }

  #forget(id: string): void {
    this.#soon.delete(id)
    this.#parts.refresh.drop(id)
    this.#parts.successors?.drop(id)
    this.#keys.delete(id)
  }

  #now(): number {
    return this.#parts.clock.monotonic()
  }
}

/** One answer that took far longer than they do says little of the next; should they all do so now, the estimate soon is there. */
function likelyCost(usual: number, ms: number): number {
  return ms > usual ? Math.min(ms, MOST_SLOWER * usual) : usual + COST_WEIGHT * (ms - usual)
}
