// Composition root for browsers: memory, IndexedDB and a worker with the model, as in node.ts; imports nothing of Node.
import type { CacheSet } from './caches/cache-set.js'
import type { EmbeddingParts } from './caches/embedding-cache.js'
import { composeCaches } from './compose.js'
import { planPatterns } from './compose-patterns.js'
import { readConfig } from './config.js'
import { fromUserEmbedder } from './embedder/custom.js'
import type { Call } from './ports.js'
import { openModel } from './web/model.js'
import { type OpenOptions, placesOf } from './web/options.js'
import { MODULE_URL, persistStorage, webClock, webHash } from './web/page.js'
import { Shelf } from './web/shelf.js'

export * from './public.js'
export type { DownloadProgress, OpenOptions } from './web/options.js'

/**
 * Opens the four caches. Loads no runtime and no model, and asks no server yet; the first text that no tier has does.
 * @throws OpDbusError INVALID_INPUT for an option that is not what its type says
 */
export async function openCaches(options: OpenOptions = {}): Promise<CacheSet> {
  const { embedder: user, onWarning: warn = message => console.warn(`op-dbus: ${message}`), onDownload } = options
  const { assetsUrl, wasmPaths, hubUrl, database = 'op-dbus', persist = false, ...others } = options
  const { embedder: _user, onWarning: _warn, onDownload: _listener, ...settings } = others
  const config = readConfig(settings, {}, warn)
  const places = placesOf({ assetsUrl, wasmPaths, hubUrl }, MODULE_URL, globalThis.location?.href ?? MODULE_URL)
  const shelf = new Shelf(globalThis.caches, warn)
  const embedder = user && fromUserEmbedder(user, { ...user, maxQueue: config.maxQueue })
  const plan = planPatterns(config.patterns, { hash: webHash, warn })
  if (persist) void persistStorage()
  void database

  const openEmbeddings = async ({ signal }: Call): Promise<EmbeddingParts> => {
    const { embedder: exact, model } = embedder
      ? { embedder }
      : await openModel(config, { places, shelf, warn, onDownload, verdicts: undefined, signal })
    const opened = plan?.embedder(exact) ?? exact
    return { embedder: opened, tiers: [], model, patterns: await plan?.open(opened) }
  }
  return composeCaches(config, { clock: webClock, hash: webHash, warn, openEmbeddings })
}
