// Where models lie on this machine: the folders in their order, and the layout of the Hugging Face cache. Writes nothing.

import { readdir, stat } from 'node:fs/promises'
import { isAbsolute, join, resolve } from 'node:path'
import { OpDbusError } from '../../errors.js'
import { unlessAbsent } from './files.js'
import { isHubId } from './names.js'

export interface HubOptions {
  /** Folder of the model that comes with this package. */
  readonly builtinDir: string
  /** Read: OP_DBUS_MODEL_DIR, OP_DBUS_MODEL_LOCK, XDG_CACHE_HOME, and the variables of Hugging Face's own tools (HF_*). */
  readonly env: Readonly<Record<string, string | undefined>>
  /** The user's home folder; '' where the system knows none. */
  readonly home: string
  /** Where downloads go when no variable says otherwise, in place of the Hugging Face cache: for root. */
  readonly systemDir?: string | undefined
  /** JSON file that remembers what model files hashed to; made when it is missing. Default: nothing is remembered. */
  readonly memoFile?: string | undefined
}

/** One folder that holds models. */
export interface ModelPlace {
  /** Repositories lie in it as `models--org--name`. */
  readonly dir: string
  /** Model folders may lie in it as `org/name` or `name` too. */
  readonly plain: boolean
  /** The file that says which commit of each model was pulled into it. */
  readonly lockFile: string
}

const LOCK_FILE = 'op-dbus-models.lock.json'

/** Every place where models are looked for, nearest first; none where nothing names a folder and there is no home. */
export function modelPlaces({ env, home, systemDir }: HubOptions): readonly ModelPlace[] {
  const { OP_DBUS_MODEL_DIR, OP_DBUS_MODEL_LOCK, HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE } = env
  const own = (dir: string): ModelPlace => ({ dir, plain: true, lockFile: join(dir, LOCK_FILE) })
  const places: ModelPlace[] = []
  const explicit = HF_HUB_CACHE || HUGGINGFACE_HUB_CACHE
  if (OP_DBUS_MODEL_DIR) places.push(own(atHome(OP_DBUS_MODEL_DIR, home)))
  if (systemDir !== undefined && !explicit && !env.HF_HOME) places.push(own(systemDir))
  const base = hubHome({ env, home })
  if (explicit) {
    const dir = atHome(explicit, home)
    places.push({ dir, plain: false, lockFile: join(dir, LOCK_FILE) })
  } else if (base !== undefined) {
    // Beside the cache rather than in it, where `hf cache` would call it an inconsistency.
    places.push({ dir: join(base, 'hub'), plain: false, lockFile: join(base, LOCK_FILE) })
  }
  const [first, ...others] = places
  if (first === undefined) return []
  return [OP_DBUS_MODEL_LOCK ? { ...first, lockFile: atHome(OP_DBUS_MODEL_LOCK, home) } : first, ...others]
}

/** Where downloads go. Throws STORE where no folder is named and there is no home. */
export function downloadPlace(hub: HubOptions): ModelPlace {
  const [first] = modelPlaces(hub)
  if (first !== undefined) return first
  throw new OpDbusError(
    'STORE',
    'models have no place to lie in: there is no home folder (HOME is empty)\nname a folder: OP_DBUS_MODEL_DIR, or HF_HOME for all tools',
  )
}

/** HF_HOME, or what it is by default; the token lies in it. Undefined without a home. */
export function hubHome({ env, home }: Pick<HubOptions, 'env' | 'home'>): string | undefined {
  const cache = env.XDG_CACHE_HOME || (home && join(home, '.cache'))
  const base = env.HF_HOME || (cache && join(cache, 'huggingface'))
  return base ? atHome(base, home) : undefined
}

/** An absolute path; `~` as Hugging Face's tools read it, where there is a home. */
export function atHome(path: string, home: string): string {
  if (home === '') return resolve(path)
  return resolve(path === '~' || path.startsWith('~/') ? join(home, path.slice(1)) : path)
}

/** A path is meant, not a hub id. */
export function isPath(name: string): boolean {
  return name.startsWith('.') || isAbsolute(name)
}

/** The name of a repository's folder, and of the folder of its locks. */
export function repositoryName(id: string): string {
  return `models--${id.replace('/', '--')}`
}

/** The hub ids whose repositories lie in `place`. */
export async function repositoriesIn(place: ModelPlace): Promise<string[]> {
  const names = (await unlessAbsent(place.dir, path => readdir(path))) ?? []
  return names
    .flatMap(name => (name.startsWith('models--') ? [name.slice('models--'.length).replace('--', '/')] : []))
    .filter(isHubId)
    .sort()
}

/** The commits of which a snapshot is there. */
export async function commitsOf(repository: string): Promise<string[]> {
  return (await unlessAbsent(join(repository, 'snapshots'), path => readdir(path))) ?? []
}

export async function isFolder(path: string): Promise<string | undefined> {
  const info = await unlessAbsent(path, full => stat(full))
  return info?.isDirectory() ? path : undefined
}
