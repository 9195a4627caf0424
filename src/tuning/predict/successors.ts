// What is asked for after what: a bounded table of followers for each key. Counts; fetches nothing.

/** ms within which one follows another. */
const WITHIN_MS = 1000
/** Keys, and followers of each, that are counted. */
const MOST_KEYS = 256
const MOST_FOLLOWERS = 4
/** Asks that are looked back at. */
const LOOK_BACK = 4
/** A follower is foreseen from so many asks on, of which it followed this part. */
const LEAST = 4
const SURE = 0.8
/** Counts are halved from here on: what held once is forgotten. */
const MOST_COUNTED = 32

interface Leader {
  /** How often it was asked for. */
  asks: number
  readonly followers: Map<string, number>
}

interface Recent {
  readonly id: string
  readonly at: number
  /** Those that followed this very ask. */
  readonly seen: Set<string>
}

export class Successors {
  readonly #leaders = new Map<string, Leader>()
  #recent: Recent[] = []

  /** It is asked for at `now`, ms. What is to be expected next, within a second. */
  note(id: string, now: number): readonly string[] {
    this.#recent = this.#recent.filter(({ at }) => now - at <= WITHIN_MS)
    for (const before of this.#recent) {
      if (before.id === id || before.seen.has(id)) continue
      before.seen.add(id)
      this.#follow(before.id, id)
    }
    // Asked for again and again within a second, it is one ask.
    if (this.#recent.some(before => before.id === id)) return []
    this.#recent.push({ id, at: now, seen: new Set() })
    if (this.#recent.length > LOOK_BACK) this.#recent.shift()
    const leader = this.#leader(id)
    const { asks, followers } = leader
    const next = [...followers]
      .filter(([, count]) => asks >= LEAST && count >= SURE * asks)
      .map(([follower]) => follower)
    if (++leader.asks > MOST_COUNTED) {
      leader.asks /= 2
      for (const [follower, count] of followers) followers.set(follower, count / 2)
    }
    return next
  }

  #leader(id: string): Leader {
    const leader = this.#leaders.get(id) ?? { asks: 0, followers: new Map<string, number>() }
    this.#leaders.delete(id)
    this.#leaders.set(id, leader)
    if (this.#leaders.size > MOST_KEYS) this.#leaders.delete(this.#leaders.keys().next().value!)
    return leader
  }

  #follow(leader: string, id: string): void {
    const { followers } = this.#leader(leader)
    if (!followers.has(id) && followers.size >= MOST_FOLLOWERS) {
      const [rarest] = [...followers].reduce((one, other) => (other[1] < one[1] ? other : one))
      followers.delete(rarest)
    }
    followers.set(id, (followers.get(id) ?? 0) + 1)
  }
}
