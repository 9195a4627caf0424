// Composition root for browsers. Serves memory in front of an embedder of the user's own; imports nothing of Node.
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, randomBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import type { CacheSet } from './caches/cache-set.js'
import { composeCaches } from './compose.js'
import { planPatterns } from './compose-patterns.js'
import { readConfig, type Settings } from './config.js'
import { fromUserEmbedder, type UserEmbedder } from './embedder/custom.js'
import { OpDbusError } from './errors.js'
import type { Clock, Hash } from './ports.js'

export * from './public.js'

export interface OpenOptions extends Settings {
  /** What computes vectors. In this version a browser needs one. */
  readonly embedder?: UserEmbedder | undefined
  /** Told, in one sentence, what did not work as asked. Default: console.warn. */
  readonly onWarning?: ((message: string) => void) | undefined
}

const hash: Hash = {
  sha256: text => bytesToHex(sha256(utf8ToBytes(text))),
  random: bytes => bytesToHex(randomBytes(bytes)),
}

const clock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
}

/**
 * Opens the four caches. Loads nothing yet.
 * @throws OpDbusError INVALID_INPUT for an option that is not what its type says
 */
export async function openCaches(options: OpenOptions = {}): Promise<CacheSet> {
  const { embedder: user, onWarning: warn = message => console.warn(`op-dbus: ${message}`), ...settings } = options
  const config = readConfig(settings, {}, warn)
  const embedder = user && fromUserEmbedder(user, { ...user, maxQueue: config.maxQueue })
  const plan = planPatterns(config.patterns, { hash, warn })
  return composeCaches(config, {
    clock,
    hash,
    warn,
    async openEmbeddings() {
      if (embedder) {
        const opened = plan?.embedder(embedder) ?? embedder
        return { embedder: opened, tiers: [], patterns: await plan?.open(opened) }
      }
      throw new OpDbusError(
        'DISABLED',
        'in a browser this version needs an embedder of yours: openCaches({ embedder })',
      )
    },
  })
}
