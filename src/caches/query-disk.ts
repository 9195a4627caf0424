// Queries on disk: the tier and the tokens that go with it. Apart from the cache, so that a page, which has no such disk, does not
// load it.
import type { CacheEvents } from '../cache/cache-events.js'
import { StoreTier } from '../cache/store-tier.js'
import type { Clock, Hash, Timer, Warn } from '../ports.js'
import { queryCodec } from './query-file.js'
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
}

export interface OpenedQueryDisk {
  readonly tier: StoreTier<Held>
  readonly tokens: QueryTokens
}

/** Opens the disk of one query cache. Touches no file. */
export type QueryDisk = (parts: QueryDiskParts) => OpenedQueryDisk

/** `bootId` tells two boots of the machine apart; empty where the system names none. */
export function queryDisk({ store, bootId }: { store: TokenStore; bootId: string }): QueryDisk {
  return parts => {
    const { clock, warn, events } = parts
    const tokens = new QueryTokens({ ...parts, store })
    const codec = queryCodec({ ...parts, bootId, tokens })
    return { tokens, tier: new StoreTier({ source: 'disk', store, codec, clock, warn, events }) }
  }
}
