// A store that machines share: a Redis or Valkey, or a cluster of them. Opens it; connects with the first call. Knows no cache.
import { OpDbusError } from '../errors.js'
import type { ChangeNews, Store, StoreStatus, Warn } from '../ports.js'
import { parseSharedUrl } from '../shared-url.js'

export { missingClient } from './redis/client.js'

import { RedisStoreParts } from './redis/store.js'

export interface RedisStoreOptions {
  /** `redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE]`, `rediss://`, `redis+cluster://HOST:PORT,HOST:PORT`, `rediss+cluster://`. */
  readonly url: string
  /** How long a value is kept, ms, give or take a tenth; 0: until the server lets it go. Default 30 days. */
  readonly ttlMs?: number | undefined
  /** How long a read, and how long anything else is waited for, ms. Default 100 and 1,000. */
  readonly readMs?: number | undefined
  readonly writeMs?: number | undefined
  /** Certificates of authorities beside those that Node trusts, PEM. */
  readonly ca?: string | Buffer | undefined
  /** Told when the server is lost, and when it is back; when it is full, or forbids what we need. */
  readonly warn?: Warn | undefined
  /** What `cleared` said last, where somebody keeps copies longer than a process lives. */
  readonly lastClear?: (() => string | undefined) | undefined
  /**
   * The last clear of all that machines share is this one, a word to be kept with copies: they are from before it where it was made
   * `elsewhere` or `here`, and not where it is the `first` that was ever heard of. Must not throw.
   */
  readonly cleared?: ((clear: string, where: 'first' | 'here' | 'elsewhere') => void) | undefined
  /** From 0 up to 1. Default: Math.random. */
  readonly random?: (() => number) | undefined
}

export interface RedisStore extends Store {
  readonly status: StoreStatus
  /** Begins to connect. Resolves when the server was reached, or was not, or after a second. Calls do the same by themselves. */
  connect(): Promise<void>
  /** What machines tell one another of changes in `scope`. */
  news(scope: string): ChangeNews
  /** Resolves when what others have told so far is known here. For tests. */
  settle(): Promise<void>
}

const THIRTY_DAYS_MS = 30 * 86_400_000

/**
 * Needs the package `@redis/client`, which is loaded with the first call. Values are bytes as they are given: put a checksum into them, as the
 * caches do.
 * @throws OpDbusError INVALID_INPUT for a URL that is none; it is not repeated, since it may hold a password
 */
export function openRedisStore(options: RedisStoreOptions): RedisStore {
  const {
    url,
    ttlMs = THIRTY_DAYS_MS,
    readMs = 100,
    writeMs = 1000,
    ca,
    random = Math.random,
    warn = () => {},
    lastClear = () => undefined,
    cleared = () => {},
  } = options
  const address = parseSharedUrl(url)
  if ('fault' in address) throw new OpDbusError('INVALID_INPUT', address.fault, { details: { option: 'url' } })
  return new RedisStoreParts({ address, ttlMs, readMs, writeMs, ca, random, warn, lastClear, cleared })
}
