// What can be set on Node, and the places that settings and environment mean. Part of the Node root; touches no file. Its twin
// is web/options.ts.
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { checkShared, type SharedTierOptions } from '../caches/embedding-tiers.js'
import { type Config, type RuntimeOptions, readConfig } from '../config.js'
import type { UserEmbedder } from '../embedder/client/custom-embedder.js'
import type { PullProgress } from '../hub/download.js'
import type { HubOptions } from '../hub/places.js'
import { DEVICE_CHOICES } from '../options.js'
import type { Warn } from '../ports.js'
import type { CacheSettings } from '../settings.js'
import { ownFile } from './own-files.js'

export interface OpenOptions extends CacheSettings {
  /** What computes vectors instead of a model: a function of yours, batched, de-duplicated and cached as any other. */
  readonly embedder?: UserEmbedder | undefined
  /** A store of yours behind disk, which other processes and machines may use as well: a vector is computed once for all. */
  readonly shared?: SharedTierOptions | undefined
  /** Told, in bytes over all its files, how far a model is that is being fetched. */
  readonly onDownload?: ((progress: PullProgress) => void) | undefined
  /** Told, in one sentence, what did not work as asked. Default: `process.emitWarning`. */
  readonly onWarning?: ((message: string) => void) | undefined
}

/** The options that {@link readOptions} takes out. */
const OF_NODE: Readonly<Record<Exclude<keyof OpenOptions, keyof CacheSettings>, true>> = {
  embedder: true,
  onDownload: true,
  onWarning: true,
  shared: true,
}

export const ON_NODE: RuntimeOptions = {
  runtime: 'node',
  name: 'Node',
  beside: Object.keys(OF_NODE),
  devices: DEVICE_CHOICES,
}

/** What the options of the Node root come to. */
export interface NodeOptions extends Pick<OpenOptions, 'onDownload'> {
  readonly config: Config
  readonly user: UserEmbedder | undefined
  readonly shared: SharedTierOptions | undefined
  /** The cache folder, absolute; undefined where there is no place to keep anything. */
  readonly dir: string | undefined
  /** Where models are looked for, as it is now. */
  readonly hub: HubOptions
}

/**
 * Options over environment over defaults. `warn` is told what is not as it should be; whoever calls decides who hears it.
 * @throws OpDbusError INVALID_INPUT for an option that is not what its type says
 */
export function readOptions(
  { embedder: user, shared, onDownload, onWarning = () => {}, ...settings }: OpenOptions,
  warn: Warn = onWarning,
): NodeOptions {
  const config = readConfig(settings, process.env, warn, ON_NODE)
  const dir = cacheDir(config)
  return { config, user, shared: checkShared(shared), dir, hub: hubOptions(config, dir), onDownload }
}

/** The user's home, or undefined where the system knows none, or HOME says that there is none. */
export function home(): string | undefined {
  if (process.env.HOME === '') return undefined
  try {
    return homedir() || undefined
  } catch {
    return undefined
  }
}

/** Below XDG_CACHE_HOME, else `/var/lib/op-dbus/cache` for root and below `~/.cache` for others; undefined where there is no home. */
function defaultCacheDir(env: NodeJS.ProcessEnv): string | undefined {
  if (env.XDG_CACHE_HOME) return join(env.XDG_CACHE_HOME, 'op-dbus')
  if (process.getuid?.() === 0) return '/var/lib/op-dbus/cache'
  return home() && join(home()!, '.cache/op-dbus')
}

/** The folder that the process is in now; undefined where it was removed. */
function currentFolder(): string | undefined {
  try {
    return process.cwd()
  } catch {
    return undefined
  }
}

/** Where the model is looked for, by these settings, the environment and the folder that the process is in now. */
function hubOptions(config: Config, dir: string | undefined): HubOptions {
  return {
    builtinDir: ownFile('models/builtin'),
    env: {
      ...process.env,
      ...(config.modelDir !== undefined && { OP_DBUS_MODEL_DIR: config.modelDir }),
      HF_HUB_OFFLINE: config.offline ? '1' : '0',
    },
    home: home() ?? '',
    cwd: currentFolder(),
    systemDir: process.getuid?.() === 0 ? '/var/lib/op-dbus/models' : undefined,
    memoFile: dir && join(dir, 'model-digests.json'),
  }
}

/** An absolute path, or undefined where there is no place to keep anything. */
function cacheDir(config: Config): string | undefined {
  const dir = config.dir ?? defaultCacheDir(process.env)
  return dir === undefined ? undefined : resolve(dir)
}
