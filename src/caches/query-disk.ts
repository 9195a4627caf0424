// Queries on disk: the tier and the tokens that go with it. Apart from the cache, so that a page, which has no such disk, does not
// load it.
import type { CacheEvents } from '../cache/cache-events.js'
import { StoreTier } from '../cache/store-tier.js'
import type { Clock, Hash, Timer, Warn } from '../ports.js'
import { queryCodec } from './query-file.js'
import { type HoldingProcess, QueryHolds } from './query-holds.js'
import { QueryTokens, type TokenStore } from './query-tokens.js'
import type { Held } from './values.js'

export interface QueryDiskParts {
  readonly ttlMs: number
  readonly staleMs: number
  readonly clock: Clock
  readonly hash: Hash
  readonly warn: Warn
  readonly events: CacheEvents<Held> | undefined
  readonly timer: Timer | undefined
  /** Nobody may serve what memory holds of this plugin any more. */
  readonly dropped: (plugin: string) => void
  /** The same, but what is under way may be shared by those who ask meanwhile. */
  readonly unkept: (plugin: string) => void
}

export interface OpenedQueryDisk {
  readonly tier: StoreTier<Held>
  readonly tokens: QueryTokens
  /** After the tier, where it is used. */
  close(): Promise<void>
}

/** Opens the disk of one query cache. Touches no file. */
export type QueryDisk = (parts: QueryDiskParts) => OpenedQueryDisk

export interface QueryDiskOptions {
  readonly store: TokenStore
  /** Tells two boots of the machine apart; empty where the system names none. */
  readonly bootId: string
  readonly process: HoldingProcess
  /** Calls `flush` when the process ends without a close. */
  readonly onExit?: (flush: () => void) => void
}

export function queryDisk({ store, bootId, process, onExit }: QueryDiskOptions): QueryDisk {
  return parts => {
    const { clock, hash, warn, events } = parts
    const tokens = new QueryTokens({ ...parts, store, holds: new QueryHolds({ store, clock, hash, process }) })
    onExit?.(() => tokens.flush())
    const codec = queryCodec({ ...parts, bootId, tokens })
    const tier = new StoreTier({ source: 'disk', store, codec, clock, warn, events })
    return { tokens, tier, close: () => store.close() }
  }
}
