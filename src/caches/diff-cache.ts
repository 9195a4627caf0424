// Differences between a plugin's current and desired state, for a minute, in memory: they are cheap to keep and useless
// to a later process.
import { canonicalJson } from '../cache/hash.js'
import { MemoryTier } from '../cache/memory-tier.js'
import { TieredCache } from '../cache/tiered-cache.js'
import { OpDbusError } from '../errors.js'
import type { Call, Clock, Hash } from '../ports.js'
import { type Compute, type Result, ValueCache } from './value-cache.js'
import { type Held, heldBytes } from './values.js'

/** What a difference depends on. `current` and `desired` are JSON values. */
export interface DiffInput {
  readonly plugin: string
  /** Another version may compute another difference. */
  readonly pluginVersion: string
  readonly current: unknown
  readonly desired: unknown
}

export interface DiffCacheOptions {
  /** Entries; 0 = off. */
  readonly capacity: number
  /** Bytes in memory. */
  readonly capacityBytes: number
  /** ms; 0 = no caching. */
  readonly ttlMs: number
  readonly clock: Clock
  readonly hash: Hash
  readonly clockResolutionMs?: number
}

export class DiffCache extends ValueCache {
  readonly #hash: Hash

  constructor(options: DiffCacheOptions) {
    const memory = new MemoryTier<Held>({
      capacity: options.ttlMs > 0 ? options.capacity : 0,
      capacityBytes: options.capacityBytes,
      sizeOf: heldBytes,
      ttlMs: options.ttlMs,
      clock: options.clock,
      ...(options.clockResolutionMs === undefined ? {} : { clockResolutionMs: options.clockResolutionMs }),
    })
    super(new TieredCache({ memory, tiers: [], clock: options.clock }))
    this.#hash = options.hash
  }

  /**
   * The difference for exactly this input if it is known, else what `compute` answers, asked once however many wait.
   * Equal states are equal by RFC 8785: the order of an object's keys does not matter.
   * @throws OpDbusError INVALID_INPUT when a state is no JSON value, UNCACHEABLE, ABORTED
   */
  async getOrCompute<T>(input: DiffInput, compute: Compute<T>, call: Call = {}): Promise<Result<T>> {
    const id = this.#idOf(input)
    return this.lookUpOrCompute(id, compute, call)
  }

  async get<T = unknown>(input: DiffInput): Promise<Result<T> | undefined> {
    return this.lookUp<T>(this.#idOf(input))
  }

  #idOf(input: DiffInput): string {
    const { plugin, pluginVersion, current, desired } = input ?? {}
    if (typeof plugin !== 'string' || typeof pluginVersion !== 'string') {
      throw new OpDbusError('INVALID_INPUT', 'a diff needs plugin and pluginVersion, as text')
    }
    const [from, to] = [current, desired].map(state => this.#hash.sha256(canonicalJson(state)))
    return JSON.stringify([plugin, pluginVersion, from, to])
  }
}
