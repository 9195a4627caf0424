// What would pay: moving memory from one cache to another, and another policy. Sums over what the shadows measured; changes nothing.
import type { PolicyName } from '../../cache/eviction.js'
import type { Setting } from './settings.js'
import type { TunedCache } from './tuned-cache.js'

/** A move is this many steps: small ones find the best place, large ones follow a workload that has changed. */
const STRIDES = [1, 4] as const
/** Parts of the byte budget that are one step. */
const STEPS = 20
/** Requests of the sample that a cache must have had in a period before anything is given to it, or its policy changed. */
const ENOUGH = 100

export interface Move {
  readonly from: TunedCache
  readonly to: TunedCache
  readonly bytes: number
  /** Microseconds of the period: what the taker would have saved more, and the giver less. */
  readonly won: number
  readonly lost: number
}

export interface Switch {
  readonly cache: TunedCache
  readonly policy: PolicyName
  /** Microseconds of the period. */
  readonly won: number
}

export const stepOf = (budget: number): number => Math.max(1, Math.floor(budget / STEPS))

/** What a cache is compared with: other sizes and, of its size, other policies. */
export function alternatives(cache: TunedCache, budget: number, policies: readonly PolicyName[]): Setting[] {
  const sizes = STRIDES.flatMap(steps => [
    shrunk(cache, steps * stepOf(budget)),
    grown(cache, steps * stepOf(budget), budget),
  ])
  const others = policies.filter(policy => policy !== cache.now.policy)
  return [...sizes.map(bytes => cache.sized(bytes)), ...others.map(policy => cache.sized(cache.now.bytes, policy))]
}

/** For each pair of caches the move that pays best, where one is possible. */
export function moves(caches: readonly TunedCache[], budget: number): Move[] {
  return caches.flatMap(to =>
    to.measured.sampled < ENOUGH
      ? []
      : caches.flatMap(from => {
          if (from === to) return []
          const possible = STRIDES.map(steps => move(from, to, steps * stepOf(budget), budget)).filter(
            one => one !== undefined,
          )
          return possible.length === 0 ? [] : [possible.reduce((best, one) => (gain(one) > gain(best) ? one : best))]
        }),
  )
}

export const gain = ({ won, lost }: Move): number => won - lost

/** For each cache its best other policy. */
export function switches(caches: readonly TunedCache[], policies: readonly PolicyName[]): Switch[] {
  return caches.flatMap(cache => {
    if (cache.measured.sampled < ENOUGH) return []
    const now = cache.saved(cache.now)
    const others = policies
      .filter(policy => policy !== cache.now.policy)
      .map(policy => ({ cache, policy, won: cache.saved(cache.sized(cache.now.bytes, policy)) - now }))
    return others.length === 0 ? [] : [others.reduce((best, one) => (one.won > best.won ? one : best))]
  })
}

function move(from: TunedCache, to: TunedCache, wanted: number, budget: number): Move | undefined {
  const bytes = from.now.bytes - shrunk(from, wanted)
  const more = grown(to, wanted, budget) - to.now.bytes
  if (bytes <= 0 || more <= 0) return undefined
  const won = to.saved(to.sized(to.now.bytes + more)) - to.saved(to.now)
  const lost = from.saved(from.now) - from.saved(from.sized(from.now.bytes - bytes))
  // What the giver has left may be less than a step.
  return { from, to, bytes, won: (Math.max(0, won) * Math.min(bytes, more)) / more, lost: Math.max(0, lost) }
}

const shrunk = ({ now, floor }: TunedCache, by: number): number => Math.max(Math.min(floor, now.bytes), now.bytes - by)
const grown = ({ now }: TunedCache, by: number, budget: number): number => Math.min(budget, now.bytes + by)
