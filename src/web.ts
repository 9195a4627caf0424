// Composition root for browsers: opens the four caches over IndexedDB, and over a worker that computes; imports nothing of Node.
// What it is made of lies in web/: options, disk, model. node.ts is the same for Node.
import { crc32 } from './cache/crc32.js'
import type { CacheSet } from './caches/cache-set.js'
import { composeCaches } from './compose.js'
import { Diagnostics } from './diagnostics.js'
import { Levels } from './embedder/model/levels.js'
import { openDisk } from './web/disk.js'
import { FileCache } from './web/file-cache.js'
import { openModel } from './web/model.js'
import { type OpenOptions, readOptions } from './web/options.js'
import { MODULE_URL, originLocks, pageUrl, timer, webClock, webHash } from './web/runtime.js'
import { WorkerScript } from './web/start-worker.js'

export * from './public.js'
export type { DownloadProgress, OpenOptions } from './web/options.js'

/** Of the page, not of one set of caches: what gave way once stays away, so that no two of them differ in what `high` means. */
const levels = new Levels()
/** Of the page as well: its worker's script is checked once, and a policy that forbids to run it so is asked once. */
const script = new WorkerScript()

/**
 * Opens the four caches. Loads no runtime and no model, asks no server and touches no database yet; the first text that
 * memory does not have does. Close them when done: a page that goes without loses what it computed in its last moment, whose
 * write is still under way, and nothing that was written before.
 * @throws OpDbusError INVALID_INPUT for an option that is not what its type says
 */
export async function openCaches(options: OpenOptions = {}): Promise<CacheSet> {
  const { onWarning = message => console.warn(`op-dbus: ${message}`) } = options
  const diagnostics = new Diagnostics({ onWarning })
  const { warn } = diagnostics
  const given = readOptions(options, warn, MODULE_URL, pageUrl())
  const { config, user, shared } = given
  const fileCache = new FileCache({ caches: globalThis.caches, locks: originLocks(), timer, warn })
  const budgetBytes = config.embeddingDiskBytes
  const disk = config.embeddingDiskCache ? openDisk({ ...given, budgetBytes, warn }) : undefined

  return composeCaches(config, {
    clock: webClock,
    hash: webHash,
    crc32,
    warn,
    diagnostics,
    user,
    openModel: call => openModel(given, { levels, script, fileCache, verdicts: disk?.verdicts }, { ...call, warn }),
    vectors: () => disk && { store: disk.vectors, capacityBytes: budgetBytes, warn },
    shared,
    extras: () => disk?.extras,
  })
}
