// What Node gives the caches: clocks, digests, names of places. Part of the Node root.
import { hash as digest, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { crc32 as zlibCrc32 } from 'node:zlib'
import { canStartProcess, spawnNodeProcess } from '../backends/process-node.js'
import { spawnNodeWorker } from '../backends/worker-node.js'
import type { Config, Settings } from '../config.js'
import type { UserEmbedder } from '../embedder/client/custom-embedder.js'
import { OpDbusError } from '../errors.js'
import type { PullProgress } from '../hub/download.js'
import type { HubOptions } from '../hub/find.js'
import type { Clock, Crc32, Hash, WorkerHandle } from '../ports.js'
import { ownFile } from './own-files.js'

export interface OpenOptions extends Settings {
  /** What computes vectors instead of a model: a function of yours, batched, de-duplicated and cached as any other. */
  readonly embedder?: UserEmbedder | undefined
  /** Told, in bytes over all its files, how far a model is that is being fetched. */
  readonly onDownload?: ((progress: PullProgress) => void) | undefined
  /** Told, in one sentence, what did not work as asked. Default: `process.emitWarning`. */
  readonly onWarning?: ((message: string) => void) | undefined
}

export const nodeHash: Hash = {
  sha256: text => digest('sha256', text, 'hex'),
  random: bytes => randomBytes(bytes).toString('hex'),
}

export const crc32: Crc32 = (bytes, seed = 0) => zlibCrc32(bytes, seed)

/** `monotonic` counts from the machine's boot where the system does, so that two processes can compare readings. */
export function nodeClock(): Clock {
  const offset = Number(process.hrtime.bigint()) / 1e6 - performance.now()
  return { now: () => Date.now(), monotonic: () => offset + performance.now() }
}

/** What tells two boots of this machine apart; empty where the system has no word for it. */
export function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return ''
  }
}

/** Whether a process with this id runs here. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** The user's home, or undefined where the system knows none, or HOME says that there is none. */
function home(): string | undefined {
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
export function hubOptions(config: Config, dir: string | undefined): HubOptions {
  return {
    builtinDir: ownFile('models/builtin'),
    env: {
      ...process.env,
      ...(config.modelDir !== undefined && { OP_DBUS_MODEL_DIR: config.modelDir }),
      HF_HUB_OFFLINE: config.offline ? '1' : '0',
    },
    home: home() ?? '',
    cwd: currentFolder(),
    ...(process.getuid?.() === 0 && { systemDir: '/var/lib/op-dbus/models' }),
    memoFile: dir && join(dir, 'model-digests.json'),
  }
}

/** An absolute path, or undefined where there is no place to keep anything. */
export function cacheDir(config: Config): string | undefined {
  const dir = config.dir ?? defaultCacheDir(process.env)
  return dir === undefined ? undefined : resolve(dir)
}

/**
 * The embedding worker of the built library: a process, or a thread where none may be started. Throws DEVICE_UNAVAILABLE
 * where Node's permission model allows neither.
 */
export function spawnWorker(): WorkerHandle {
  const url = pathToFileURL(ownFile('node-worker.js'))
  if (canStartProcess()) return spawnNodeProcess(url)
  try {
    return spawnNodeWorker(url)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_ACCESS_DENIED') throw error
    const why =
      "Node's permission model allows neither a process nor a worker thread, and models compute in one: start node with --allow-worker"
    throw new OpDbusError('DEVICE_UNAVAILABLE', why, { cause: error })
  }
}

/** Runs `run` after `ms`; does not keep the process alive. */
export function timer(ms: number, run: () => void): () => void {
  const handle = setTimeout(run, ms)
  handle.unref()
  return () => clearTimeout(handle)
}
