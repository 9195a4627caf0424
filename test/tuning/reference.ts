// Plain models of the eviction policies, written from their papers with lists and maps, to hold ours to. Slow, and obvious.
import type { PolicyName } from '../../src/cache/eviction.js'

/** As the policy, but it may be asked which victims would be right: several where the paper leaves it open. */
export interface Model {
  added(slot: number, hash: number, bytes: number, cost: number): void
  hit(slot: number): void
  replaced(slot: number, bytes: number, cost: number): void
  removed(slot: number): void
  /** Victims that are right now; none where nothing is held. */
  victims(): number[]
  /** The policy gave up `slot`, one of {@link victims}. */
  gaveUp(slot: number): void
  resize(capacity: number): void
  held(): number[]
}

const without = (list: number[], slot: number) => list.filter(other => other !== slot)

/** Each list has the newest in front. */
function lru(): Model {
  let list: number[] = []
  const use = (slot: number) => {
    list = [slot, ...without(list, slot)]
  }
  const remove = (slot: number) => {
    list = without(list, slot)
  }
  return {
    added: use,
    hit: use,
    replaced: use,
    removed: remove,
    victims: () => list.slice(-1),
    gaveUp: remove,
    resize: () => {},
    held: () => list,
  }
}

function sieve(): Model {
  let list: number[] = []
  const visited = new Set<number>()
  /** The slot that the hand is at; undefined: it begins at the oldest. */
  let hand: number | undefined
  const remove = (slot: number) => {
    if (slot === hand) hand = list[list.indexOf(slot) - 1]
    list = without(list, slot)
  }
  const hit = (slot: number) => {
    visited.add(slot)
  }
  return {
    added: slot => {
      visited.delete(slot)
      list = [slot, ...list]
    },
    hit,
    replaced: hit,
    removed: remove,
    victims: () => {
      if (list.length === 0) return []
      let at = hand === undefined ? list.length - 1 : list.indexOf(hand)
      while (visited.delete(list[at]!)) at = at === 0 ? list.length - 1 : at - 1
      hand = list[at]
      return [hand!]
    },
    gaveUp: remove,
    resize: () => {},
    held: () => list,
  }
}

/** `byCost`: credit by cost in sixteenths of a hit of middling cost. */
function s3Fifo(capacity: number, byCost: boolean): Model {
  let room = capacity
  let small: number[] = []
  let main: number[] = []
  let ghosts: number[] = []
  let filling = true
  const hashes = new Map<number, number>()
  const credit = new Map<number, number>()
  const weight = new Map<number, number>()
  let mean = 0
  let costs = 0
  const tenth = (of: number) => Math.max(1, Math.floor(of / 10))
  const weigh = (cost: number) => {
    if (!byCost || cost === 0) return 16
    const sample = costs === 0 ? cost : Math.min(cost, 24 * mean)
    costs++
    mean += (sample - mean) / Math.min(costs, 4096)
    return Math.min(24 * 16, Math.max(1, Math.round((16 * cost) / mean)))
  }
  const hit = (slot: number) => {
    const w = weight.get(slot)!
    credit.set(slot, Math.min(3 * Math.max(16, w), credit.get(slot)! + w))
  }
  const remove = (slot: number) => {
    small = without(small, slot)
    main = without(main, slot)
  }
  return {
    added: (slot, hash, _bytes, cost) => {
      const w = weigh(cost)
      weight.set(slot, w)
      hashes.set(slot, hash)
      const back = ghosts.includes(hash) && w >= 4
      ghosts = ghosts.filter(ghost => ghost !== hash)
      credit.set(slot, mean === 0 ? 0 : back ? w : Math.floor(w / 2))
      if (back || (filling && small.length >= tenth(room))) main = [slot, ...main]
      else small = [slot, ...small]
    },
    hit,
    replaced: (slot, _bytes, cost) => {
      weight.set(slot, weigh(cost))
      hit(slot)
    },
    removed: remove,
    victims: () => {
      const held = Math.min(room, small.length + main.length)
      if (held === 0) return []
      filling = false
      if (small.length > 0 && main.length <= held - tenth(held)) {
        while (small.length > 0) {
          const slot = small.at(-1)!
          if (credit.get(slot)! < 32) return [slot]
          credit.set(slot, mean === 0 ? 0 : credit.get(slot)! - 32)
          small = without(small, slot)
          main = [slot, ...main]
        }
      }
      while (credit.get(main.at(-1)!)! >= 16) {
        const slot = main.at(-1)!
        credit.set(slot, credit.get(slot)! - 16)
        main = [slot, ...without(main, slot)]
      }
      return main.slice(-1)
    },
    gaveUp: slot => {
      if (small.includes(slot)) {
        const most = Math.floor(Math.min(room, small.length + main.length) * 0.9)
        const hash = hashes.get(slot)!
        ghosts = [hash, ...ghosts.filter(ghost => ghost !== hash)].slice(0, most)
      }
      remove(slot)
    },
    resize: to => {
      room = to
    },
    held: () => [...main, ...small],
  }
}

/** What {@link FrequencySketch} tells about, told exactly. */
export class ExactFrequencies {
  #often = new Map<number, number>()
  readonly bytes = 0

  constructor(public capacity: number) {}

  resize(capacity: number): void {
    this.capacity = capacity
  }

  add(hash: number, times: number): void {
    this.#often.set(hash | 0, Math.min(15, this.often(hash) + times))
  }

  often(hash: number): number {
    return this.#often.get(hash | 0) ?? 0
  }

  halve(): void {
    this.#often = new Map([...this.#often].map(([of, times]) => [of, Math.floor(times / 2)]))
  }

  clear(): void {
    this.#often.clear()
  }
}

function wTinyLfu(capacity: number, random: () => number): Model {
  let room = capacity
  let window: number[] = []
  let probation: number[] = []
  let kept: number[] = []
  const hashes = new Map<number, number>()
  const often = new ExactFrequencies(Math.min(capacity, 1024))
  let counted = 0
  const count = (hash: number) => {
    often.add(hash, 1)
    counted++
  }
  const held = () => Math.min(room, window.length + probation.length + kept.length)
  const windowRoom = () => Math.max(1, held() - Math.floor(held() * 0.99))
  const remove = (slot: number) => {
    window = without(window, slot)
    probation = without(probation, slot)
    kept = without(kept, slot)
  }
  const asked = new Set<number>()
  const hit = (slot: number) => {
    count(hashes.get(slot)!)
    asked.add(slot)
  }
  const second = (list: number[]) => {
    while (asked.delete(list.at(-1)!)) list.unshift(list.pop()!)
  }
  const settleProbation = () => {
    while (asked.delete(probation.at(-1)!)) {
      kept.unshift(probation.pop()!)
      while (kept.length > Math.floor((held() - windowRoom()) * 0.8)) {
        second(kept)
        probation.unshift(kept.pop()!)
      }
    }
  }
  const lastOfMain = () => {
    settleProbation()
    if (probation.length === 0) second(kept)
    return probation.at(-1) ?? kept.at(-1)
  }
  /** The one that {@link Model.victims} decided for, and what else that changes. */
  let admitted: number | undefined
  return {
    added: (slot, hash) => {
      hashes.set(slot, hash)
      if (slot >= often.capacity) often.capacity = Math.min(2 * slot, Math.max(slot, room))
      count(hash)
      if (counted >= 10 * often.capacity) {
        often.halve()
        counted = 5 * often.capacity
      }
      asked.delete(slot)
      window = [slot, ...window]
      while (window.length > windowRoom()) {
        second(window)
        probation = [window.pop()!, ...probation]
      }
    },
    hit,
    replaced: hit,
    removed: remove,
    victims: () => {
      admitted = undefined
      second(window)
      const [candidate, main] = [window.at(-1), lastOfMain()]
      if (main === undefined) return candidate === undefined ? [] : [candidate]
      if (candidate === undefined || window.length < windowRoom()) return [main]
      const came = often.often(hashes.get(candidate)!)
      const better = came - 1 > often.often(hashes.get(main)!)
      if (!better && !(came > 5 && random() < 1 / 128)) return [candidate]
      admitted = candidate
      return [main]
    },
    gaveUp: slot => {
      if (admitted !== undefined) {
        remove(admitted)
        probation = [admitted, ...probation]
      }
      remove(slot)
    },
    resize: to => {
      room = to
      often.capacity = Math.min(often.capacity, to)
    },
    held: () => [...kept, ...window, ...probation],
  }
}

function gdsf(): Model {
  let inflation = 0
  let mean = 0
  let costs = 0
  const entries = new Map<number, { uses: number; value: number; worth: number }>()
  const price = (slot: number, uses: number, bytes: number, cost: number) => {
    if (cost > 0) mean += (cost - mean) / Math.min(++costs, 4096)
    const value = (cost || mean || 1) / bytes
    entries.set(slot, { uses, value, worth: inflation + uses * value })
  }
  return {
    added: (slot, _hash, bytes, cost) => price(slot, 1, bytes, cost),
    hit: slot => {
      const entry = entries.get(slot)!
      entry.uses++
      entry.worth = inflation + entry.uses * entry.value
    },
    replaced: (slot, bytes, cost) => price(slot, entries.get(slot)!.uses + 1, bytes, cost),
    removed: slot => void entries.delete(slot),
    victims: () => {
      const least = Math.min(...[...entries.values()].map(entry => entry.worth))
      return [...entries].filter(([, entry]) => entry.worth === least).map(([slot]) => slot)
    },
    gaveUp: slot => {
      inflation = entries.get(slot)!.worth
      entries.delete(slot)
    },
    resize: () => {},
    held: () => [...entries.keys()],
  }
}

export const MODELS: Readonly<Record<PolicyName, (capacity: number, random: () => number) => Model>> = {
  lru,
  sieve,
  's3-fifo': capacity => s3Fifo(capacity, false),
  'cost-s3-fifo': capacity => s3Fifo(capacity, true),
  'w-tinylfu': wTinyLfu,
  gdsf,
}
