// The shared store that settings name: opened here, connected with the first text, closed with the caches. Part of the Node root.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { hostname } from 'node:os'
import type { SharedTier } from '../caches/embedding-tiers.js'
import type { Config } from '../config.js'
import { OpDbusError } from '../errors.js'
import type { ChangeNews, Warn } from '../ports.js'

export interface Shared {
  readonly tier: SharedTier
  /** What machines tell one another of changes of what plugins are asked about. */
  readonly news: ChangeNews
}

type Settings = Pick<Config, 'sharedUrl' | 'sharedTtl' | 'sharedCostMs' | 'sharedScope'>

/** How long a look-up waits for it, ms. */
const READ_MS = 100
const WRITE_MS = 1000
const CLEAR_MS = 60_000

/**
 * Undefined where no setting names one. Connects to nothing yet.
 * @throws OpDbusError INVALID_INPUT where `@redis/client` is not installed
 */
export async function openShared(settings: Settings, warn: Warn): Promise<Shared | undefined> {
  const { sharedUrl: url, sharedTtl, sharedCostMs: claimAboveMs, sharedScope } = settings
  if (url === undefined) return undefined
  refuseWithoutPackage()
  // Loaded only where there is one to open.
  const { openRedisStore } = await import('../stores/redis.js')
  const store = openRedisStore({ url, ttlMs: 1000 * sharedTtl, readMs: READ_MS, writeMs: WRITE_MS, warn })
  return {
    tier: {
      store,
      timeoutMs: READ_MS,
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

function refuseWithoutPackage(): void {
  try {
    createRequire(import.meta.url).resolve('@redis/client')
  } catch (cause) {
    const message =
      'sharedUrl (OPDBUS_SHARED_URL) needs the package @redis/client, which is not installed: npm install @redis/client'
    throw new OpDbusError('INVALID_INPUT', message, { cause, details: { option: 'sharedUrl' } })
  }
}
