// The tiers of embeddings below memory, nearest first, and how far each is trusted. Opens no medium; knows no runtime.
import { CacheEvents } from '../cache/cache-events.js'
import { clearStore, insist } from '../cache/store-calls.js'
import { StoreTier } from '../cache/store-tier.js'
import { SHARED_TIMEOUT_MS, sharedPolicy } from '../cache/tier-policy.js'
import type { Diagnostics } from '../diagnostics.js'
import { OpDbusError } from '../errors.js'
import type { Clock, Crc32, Embedder, Embedding, Hash, Store, Warn } from '../ports.js'
import { embeddingCodec } from './embedding-codec.js'
import type { EmbeddingParts } from './embedding-parts.js'
import type { UnopenedStore } from './embedding-result.js'

/** A store of the user's own behind disk, which other processes and machines may use as well. Embeddings only. */
export interface SharedTierOptions {
  /** Bytes under keys, wherever they lie. `storeContract` of `op-dbus/testing` tells whether it does what a store must. */
  readonly store: Store
  /**
   * How long a look-up waits for it at most, in ms, before it goes on without. From 1 to 60,000; default 100. `delete`, `clear`,
   * `stats` and `close` wait up to ten times as long, at least 1 s, and more than 10 s only where a look-up does.
   */
  readonly timeoutMs?: number | undefined
  /** Whether closing the caches closes the store too. Default false: it is closed by whoever opened it. */
  readonly close?: boolean | undefined
}

/** The same with what a root decides. */
export interface SharedTier extends SharedTierOptions {
  /** See {@link TierPolicy}. */
  readonly clearTimeoutMs?: number
  readonly claimAboveMs?: number
  /** Begins to connect: with the first text, so that it is ready by the time that it is asked. Does not reject. */
  readonly connect?: () => Promise<void>
}

export interface EmbeddingTierParts {
  readonly disk?: { readonly store: Store; readonly capacityBytes: number; readonly warn: Warn } | undefined
  readonly shared?: SharedTier | undefined
  readonly hash: Hash
  readonly crc32: Crc32
  readonly clock: Clock
  readonly warn: Warn
  readonly diagnostics: Diagnostics
}

/** The tiers for what `embedder` computes, and what they tell. */
export function embeddingTiers(
  embedder: Embedder,
  parts: EmbeddingTierParts,
): Pick<EmbeddingParts, 'tiers' | 'events' | 'keyOf'> {
  const { disk, shared, hash, crc32, clock, warn, diagnostics } = parts
  const codec = embeddingCodec(hash, embedder)
  const events = new CacheEvents<Embedding>({
    diagnostics,
    cache: 'embeddings',
    hashOf: text => codec.key(text),
    computation: ({ tokens, device }) => ({ tokens, device }),
  })
  const tiers: StoreTier<Embedding>[] = []
  if (disk) tiers.push(new StoreTier({ source: 'disk', label: 'embedding', ...disk, codec, clock, events }))
  if (shared) {
    const { store } = shared
    const policy = sharedPolicy({ ...shared, crc32 })
    const label = `shared embedding (${store.name})`
    tiers.push(new StoreTier({ source: 'shared', label, store, policy, codec, clock, events, warn }))
  }
  return { tiers, events, keyOf: codec.key }
}

/** What is done with a shared store that no tier was opened over: the first look-up opens one. */
export function unopenedShared(shared: SharedTier, crc32: Crc32): UnopenedStore {
  const policy = sharedPolicy({ ...shared, crc32 })
  return {
    get status() {
      return shared.store.status
    },
    clear: () => clearStore('shared', shared.store, policy),
    async close() {
      if (policy.closesStore) await insist('close', 'shared', shared.store, policy, () => shared.store.close())
    },
  }
}

const METHODS = ['getMany', 'setMany', 'deleteMany', 'list', 'size', 'clear', 'close'] as const

/**
 * The option `shared` as it was given, once it is sure to be what its type says.
 * @throws OpDbusError INVALID_INPUT
 */
export function checkShared(shared: SharedTierOptions | null | undefined): SharedTierOptions | undefined {
  if (shared === undefined || shared === null) return undefined
  const { store, timeoutMs = SHARED_TIMEOUT_MS, close = false } = shared
  const missing = METHODS.filter(name => typeof (store as Partial<Store> | undefined)?.[name] !== 'function')
  if (missing.length > 0)
    throw invalid(`shared.store is a Store, and this has no ${missing.join(', ')}`, 'shared.store')
  if (typeof store.name !== 'string') throw invalid('shared.store has a name, for messages', 'shared.store')
  if (typeof close !== 'boolean') throw invalid('shared.close is true or false', 'shared.close')
  if (!(Number.isInteger(timeoutMs) && timeoutMs >= 1 && timeoutMs <= 60_000)) {
    throw invalid('shared.timeoutMs is a whole number from 1 to 60,000', 'shared.timeoutMs')
  }
  return { store, timeoutMs, close }
}

function invalid(message: string, option: string): OpDbusError {
  return new OpDbusError('INVALID_INPUT', message, { details: { option } })
}
