// What plugins answered, for a few seconds: memory, and small files for one-shot programs that ask again.

import type { Codec } from '../cache/codec.js'
import { MemoryTier } from '../cache/memory-tier.js'
import { StoreTier } from '../cache/store-tier.js'
import { TieredCache } from '../cache/tiered-cache.js'
import type { Diagnostics } from '../diagnostics.js'
import { isOpDbusError, OpDbusError } from '../errors.js'
import type { Clock, Hash, Key, Store, Warn } from '../ports.js'
import { ValueCache, valueEvents } from './value-cache.js'
import { fromJson, type Held, heldBytes, hold, toJson } from './values.js'

const TOKEN = '.token'

/** A token outlives the answers that carry it: how old its file may grow, in ms. */
const TOKEN_AGE_MS = 24 * 3600 * 1000

/** How old a file of the query store may grow, in ms; for the store's own housekeeping. */
export function queryFileAge(ttlMs: number): (key: Key) => number {
  return key => (key.endsWith(TOKEN) ? Math.max(TOKEN_AGE_MS, 10 * ttlMs) : ttlMs)
}

/** Where queries lie on disk, and what tells two boots of the machine apart. */
export interface QueryDisk {
  readonly store: Store & { getSync(key: Key): Uint8Array | undefined }
  /** Monotonic readings are comparable within one boot only. Empty where the system names none. */
  readonly bootId: string
}

export interface QueryCacheOptions {
  /** ms; 0 = no caching. */
  readonly ttlMs: number
  /** Bytes in memory. */
  readonly capacityBytes: number
  readonly disk?: QueryDisk
  readonly clock: Clock
  readonly hash: Hash
  readonly warn: Warn
  readonly diagnostics?: Diagnostics
  readonly clockResolutionMs?: number
}

/** Asked by a plugin's name, of 1 to 1,000 characters; what it answered is good for as long as the TTL says. */
export class QueryCache extends ValueCache<string> {
  readonly #tokens: Tokens | undefined

  constructor(options: QueryCacheOptions) {
    const { ttlMs, clock, hash, warn, diagnostics } = options
    const events = valueEvents('queries', hash, diagnostics)
    const memory = new MemoryTier<Held>({
      capacity: ttlMs > 0 ? Number.POSITIVE_INFINITY : 0,
      capacityBytes: options.capacityBytes,
      sizeOf: heldBytes,
      ttlMs,
      clock,
      events,
      clockResolutionMs: options.clockResolutionMs,
    })
    const tiers: StoreTier<Held>[] = []
    let tokens: Tokens | undefined
    if (options.disk && ttlMs > 0) {
      tokens = new Tokens(options.disk.store, hash)
      const codec = queryCodec(options.disk.bootId, tokens, ttlMs, clock, hash)
      tiers.push(new StoreTier({ source: 'disk', store: options.disk.store, codec, clock, warn, events }))
    }
    super(new TieredCache({ memory, tiers, clock, events }))
    this.#tokens = tokens
  }

  /**
   * The plugin's state changed: nothing that was asked before this is served after it, here or from disk, not even an
   * answer that is still under way. Another process's memory may serve its own for the rest of the TTL.
   * @throws OpDbusError INVALID_INPUT
   */
  override async delete(plugin: string): Promise<boolean> {
    const [had] = await Promise.all([
      super.delete(plugin).catch((error: unknown) => {
        if (isOpDbusError(error, 'CLOSED') || isOpDbusError(error, 'INVALID_INPUT')) throw error
        // A file that cannot be removed does no harm: its token is not current any more.
        return true
      }),
      this.#tokens?.renew(this.idOf(plugin)),
    ])
    return had
  }

  protected override idOf(plugin: string): string {
    if (typeof plugin === 'string' && plugin.length > 0 && plugin.length <= 1000) return plugin
    throw new OpDbusError('INVALID_INPUT', 'a plugin name has 1 to 1,000 characters')
  }
}

/** Names that are a file name on every system, and the same one for no other plugin, stay as they are. */
function fileKey(hash: Hash, plugin: string): Key {
  const plain = /^[a-z0-9][a-z0-9_-]{0,49}$/.test(plugin) && !/^(con|prn|aux|nul|(com|lpt)\d)$/.test(plugin)
  return (plain ? plugin : `_${hash.sha256(plugin)}`) as Key
}

function tokenKey(hash: Hash, plugin: string): Key {
  return `${fileKey(hash, plugin)}${TOKEN}` as Key
}

/**
 * One random token per plugin lies beside its answer. A query remembers the token that was current when it began; its
 * answer is good only while that token still is. Whoever invalidates puts a new token, so it needs no lock and no
 * counter. No token matches nothing: removing one is safe.
 */
class Tokens {
  readonly #store: QueryDisk['store']
  readonly #hash: Hash
  /** Plugins whose token could not be renewed (a read-only disk): nothing on disk is good for them. */
  readonly #distrusted = new Set<string>()

  constructor(store: QueryDisk['store'], hash: Hash) {
    this.#store = store
    this.#hash = hash
  }

  current(plugin: string): string | undefined {
    const bytes = this.#distrusted.has(plugin) ? undefined : this.#store.getSync(tokenKey(this.#hash, plugin))
    const token = bytes && fromJson(bytes)?.token
    return typeof token === 'string' ? token : undefined
  }

  async begin(plugin: string): Promise<string> {
    return this.current(plugin) ?? this.#put(plugin)
  }

  async renew(plugin: string): Promise<void> {
    this.#distrusted.add(plugin)
    await this.#put(plugin).catch(() => {})
  }

  async #put(plugin: string): Promise<string> {
    const token = this.#hash.random(16)
    await this.#store.setMany([[tokenKey(this.#hash, plugin), toJson({ plugin, token })!]])
    this.#distrusted.delete(plugin)
    return token
  }
}

function queryCodec(bootId: string, tokens: Tokens, ttlMs: number, clock: Clock, hash: Hash): Codec<Held> {
  return {
    key: plugin => fileKey(hash, plugin),
    ticket: plugin => tokens.begin(plugin),
    encode(plugin, held, token) {
      if (!held.exact || token === undefined) return undefined
      const [wallMs, monotonicMs] = [clock.now(), clock.monotonic()]
      const storedAt = new Date(wallMs).toISOString()
      return toJson({ plugin, storedAt, wallMs, monotonicMs, bootId, token, value: held.value })
    },
    decode(plugin, bytes) {
      const file = fromJson(bytes)
      if (file === undefined || file.plugin !== plugin || file.token !== tokens.current(plugin)) return undefined
      if (file.bootId !== bootId) return undefined
      // Both clocks must agree that it is young: the wall clock steps, the monotonic one stands still in sleep. Where the
      // system names no boot, monotonic readings of two processes have nothing to do with each other.
      const wallAge = clock.now() - Number(file.wallMs)
      const monotonicAge = bootId === '' ? wallAge : clock.monotonic() - Number(file.monotonicMs)
      const age = Math.max(wallAge, monotonicAge)
      if (!(Math.min(wallAge, monotonicAge) >= 0 && age < ttlMs)) return undefined
      return { value: hold(file.value), ttlMs: ttlMs - age }
    },
  }
}
