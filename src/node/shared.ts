// The shared store that settings name: opened here, connected with the first text, closed with the caches. Part of the Node root.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import type { SharedTier } from '../caches/embedding-tiers.js'
import type { Config } from '../config.js'
import { messageOf } from '../errors.js'
import type { ChangeNews, Warn } from '../ports.js'
import { resolveDependency } from './own-files.js'
import { sharedClears } from './shared-clears.js'

export interface Shared {
  readonly tier: SharedTier
  /** What machines tell one another of changes of what plugins are asked about. */
  readonly news: ChangeNews
}

type Settings = Pick<Config, 'sharedUrl' | 'sharedTtl' | 'sharedTimeoutMs' | 'sharedCostMs' | 'sharedScope'>

/** How long a write is waited for at least, ms: no look-up waits for one. */
const WRITE_MS = 1000
const CLEAR_MS = 60_000

/**
 * `dir`: the cache folder, where copies of what is shared lie. Undefined where no setting names one. Connects to nothing yet.
 * @throws OpDbusError INVALID_INPUT where `@redis/client` is not installed
 */
export async function openShared(settings: Settings, dir: string | undefined, warn: Warn): Promise<Shared | undefined> {
  const { sharedUrl: url, sharedTtl, sharedTimeoutMs: timeoutMs, sharedCostMs: claimAboveMs, sharedScope } = settings
  if (url === undefined) return undefined
  // Loaded only where there is one to open.
  const { missingClient, openRedisStore } = await import('../stores/redis.js')
  try {
    resolveDependency('@redis/client')
  } catch (cause) {
    throw missingClient(cause)
  }
  const writeMs = Math.max(WRITE_MS, timeoutMs)
  const clears = dir === undefined ? undefined : sharedClears(dir, url)
  const store = openRedisStore({
    ...{ url, ttlMs: 1000 * sharedTtl, readMs: timeoutMs, writeMs, warn },
    lastClear: () => clears?.last(),
    cleared(clear, where) {
      try {
        clears?.heard(clear, where)
      } catch (error) {
        // Where nothing can be written, nothing of ours is kept.
        if (where === 'first') return
        const sentence = `the vectors in ${dir} may be from before a clear of the shared cache, and could not be removed`
        warn(`${sentence}: ${messageOf(error)}`, error, `cleared ${dir}`)
      }
    },
  })
  return {
    tier: {
      store,
      timeoutMs,
      clearTimeoutMs: CLEAR_MS,
      claimAboveMs,
      close: true,
      connect: () => store.connect(),
    },
    news: store.news(sharedScope ?? thisMachine()),
  }
}

/** Its name is anybody's to read there, so it is a digest of what names the machine. */
function thisMachine(): string {
  let name = hostname()
  try {
    name = readFileSync('/etc/machine-id', 'utf8').trim() || name
  } catch {
    // A machine without one has a host name.
  }
  return createHash('sha256').update(`op-dbus machine ${name}`).digest('hex').slice(0, 16)
}
