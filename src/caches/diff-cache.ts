// Differences between a plugin's current and desired state, for a minute, in memory: they are cheap to keep and useless
// to a later process.
import { canonical } from '../cache/canonical-json.js'
import type { NewPolicy } from '../cache/eviction.js'
import { MemoryTier } from '../cache/memory-tier.js'
import { TieredCache } from '../cache/tiered-cache.js'
import type { Diagnostics } from '../diagnostics.js'
import { OpDbusError } from '../errors.js'
import type { Clock, Hash } from '../ports.js'
import { ValueCache, valueEvents } from './value-cache.js'
import { type Held, heldBytes } from './values.js'

/** What a difference depends on. `current` and `desired` are JSON values. */
export interface DiffInput {
  readonly plugin: string
  /** Another version may compute another difference. */
  readonly pluginVersion: string
  /** Which of several systems: what a plugin would do, or refuse, may depend on it though the states are equal. */
  readonly scope?: string | undefined
  readonly current: unknown
  readonly desired: unknown
}

export interface DiffCacheOptions {
  /** Entries; 0 = off. */
  readonly capacity: number
  /** Bytes in memory. */
  readonly capacityBytes: number
  /** Default: least recently used. */
  readonly policy?: NewPolicy | undefined
  /** ms; 0 = no caching. */
  readonly ttlMs: number
  readonly clock: Clock
  readonly hash: Hash
  readonly diagnostics?: Diagnostics
  readonly clockResolutionMs?: number
}

/**
 * Asked by exactly this input. Equal states are equal by RFC 8785: the order of an object's keys does not matter. A state that is
 * frozen to its leaves is hashed once, however often it is asked for.
 */
export class DiffCache extends ValueCache<DiffInput> {
  readonly #hash: Hash
  /** Of states that can never change: the same one is compared again and again, and hashing it costs more than most diffs. */
  readonly #digests = new WeakMap<object, string>()

  constructor(options: DiffCacheOptions) {
    const { clock, hash, diagnostics } = options
    const events = valueEvents('diffs', hash, diagnostics)
    const memory = new MemoryTier<Held>({
      capacity: options.ttlMs > 0 ? options.capacity : 0,
      capacityBytes: options.capacityBytes,
      policy: options.policy,
      sizeOf: heldBytes,
      ttlMs: options.ttlMs,
      clock,
      events,
      clockResolutionMs: options.clockResolutionMs,
    })
    super(new TieredCache({ memory, tiers: [], clock, events }))
    this.#hash = hash
  }

  protected override idOf(input: DiffInput): string {
    const { plugin, pluginVersion, scope = '', current, desired } = input ?? {}
    if (typeof plugin !== 'string' || typeof pluginVersion !== 'string' || typeof scope !== 'string') {
      throw new OpDbusError(
        'INVALID_INPUT',
        'a diff needs plugin and pluginVersion, and scope if there is one, as text',
      )
    }
    return JSON.stringify([plugin, pluginVersion, scope, this.digestOf(current), this.digestOf(desired)])
  }

  /**
   * What a state is known by: the SHA-256 of its canonical JSON (RFC 8785), as 64 hex digits.
   * @throws OpDbusError INVALID_INPUT for what is no JSON value
   */
  digestOf(state: unknown): string {
    const known = isObject(state) ? this.#digests.get(state) : undefined
    if (known !== undefined) return known
    const { text, frozen } = canonical(state)
    const digest = this.#hash.sha256(text)
    if (frozen && isObject(state)) this.#digests.set(state, digest)
    return digest
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
