// Workloads that a cache can be tried with, from a seed: the same everywhere. Knows no cache.
import { newRequests, type Requests } from './requests.js'

export const WORKLOADS = ['zipf', 'scan', 'loop', 'shift'] as const
export type WorkloadName = (typeof WORKLOADS)[number]

export interface WorkloadOptions {
  readonly requests: number
  /** Different keys, about. */
  readonly keys: number
  /** Of Zipf's law: request i of a ranking is asked for in proportion to 1 / rank ** alpha. */
  readonly alpha?: number
  readonly seed: number
  /** How long computing takes: the same for all, or lognormal (sigma 1.5) by key. */
  readonly costs?: 'same' | 'lognormal'
  /** Bytes of an entry. */
  readonly bytes?: number
}

// To be written by its owner (policies).
export function workload(_name: WorkloadName, { requests }: WorkloadOptions): Requests {
  return newRequests(requests)
}
