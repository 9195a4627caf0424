// What a policy would have done with a list of requests: a memory of slots without values. Deterministic; knows no clock.
import type { PolicyName } from '../cache/eviction.js'
import type { Requests } from './requests.js'

export interface SimulationOptions {
  readonly policy: PolicyName
  /** Entries. */
  readonly capacity: number
  /** Absent: entries are the only bound. */
  readonly capacityBytes?: number
  /** Only the requests of this place in CACHE_ORDER; absent: all. */
  readonly cache?: number
}

export interface Simulated {
  readonly requests: number
  readonly hits: number
  /** Microseconds: of all requests had nothing been kept, and of those that hit. */
  readonly cost: number
  readonly saved: number
}

// To be written by its owner (policies).
export function simulate(_requests: Requests, _options: SimulationOptions): Simulated {
  return { requests: 0, hits: 0, cost: 0, saved: 0 }
}
