// Where models lie on this machine: the folders in their order, and the layout of the Hugging Face cache. Writes nothing.
import { statSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, resolve } from 'node:path'
import { OpDbusError } from '../errors.js'
import { unlessAbsent } from '../fs/files.js'
import { isHubId, repositoryName } from './names.js'

export interface HubOptions {
  /** Folder of the model that comes with this package. */
  readonly builtinDir: string
  /** Read: OP_DBUS_MODEL_DIR, OP_DBUS_MODEL_LOCK, XDG_CACHE_HOME, and the variables of Hugging Face's own tools (HF_*). */
  readonly env: Readonly<Record<string, string | undefined>>
  /** The user's home folder; '' where the system knows none. */
  readonly home: string
  /** What relative paths begin at. Default: the folder that the process is in when they are used. */
  readonly cwd?: string
  /** Where downloads go when no variable says otherwise: for root. */
  readonly systemDir?: string
  /** JSON file that remembers what model files hashed to; made when it is missing. Default: nothing is remembered. */
  readonly memoFile?: string
}

/** One folder that holds models. */
export interface ModelPlace {
  /** Repositories lie in it as `models--org--name`. */
  readonly dir: string
  /** Model folders may lie in it as `org/name` or `name` too. */
  readonly plain: boolean
  /** The file that says which commit of each model was pulled into it. */
  readonly lockFile: string
  /**
   * Where that file was before, in the folder itself. It holds as well, and goes first; the next pull moves it. Undefined
   * where somebody named the file.
   */
  readonly lockFileInside?: string
}

const LOCK_FILE = 'op-dbus-models.lock.json'

/**
 * The lockfile lies beside the folder, where huggingface_hub does not take it for a repository that is broken. Beside
 * `hub` it has no more of a name: it is the same one whether HF_HOME or HF_HUB_CACHE led there.
 */
function placeAt(dir: string, plain: boolean): ModelPlace {
  const name = basename(dir) === 'hub' ? LOCK_FILE : `${basename(dir)}.${LOCK_FILE}`
  return { dir, plain, lockFile: join(dirname(dir), name), lockFileInside: join(dir, LOCK_FILE) }
}

/** Every place where models are looked for, nearest first; none where nothing names a folder and there is no home. */
export function modelPlaces(hub: HubOptions): readonly ModelPlace[] {
  const { env, systemDir } = hub
  const { OP_DBUS_MODEL_DIR, OP_DBUS_MODEL_LOCK, HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE } = env
  const places: ModelPlace[] = []
  const explicit = HF_HUB_CACHE || HUGGINGFACE_HUB_CACHE
  if (OP_DBUS_MODEL_DIR) places.push(placeAt(atHome(OP_DBUS_MODEL_DIR, hub), true))
  if (systemDir !== undefined && !explicit && !env.HF_HOME && !env.XDG_CACHE_HOME) places.push(placeAt(systemDir, true))
  const base = hubHome(hub)
  if (explicit) places.push(placeAt(atHome(explicit, hub), false))
  else if (base !== undefined) places.push(placeAt(join(base, 'hub'), false))
  const [first, ...others] = places
  if (first === undefined) return []
  const named = OP_DBUS_MODEL_LOCK && { lockFile: atHome(OP_DBUS_MODEL_LOCK, hub), lockFileInside: undefined }
  return [{ ...first, ...(named || {}) }, ...others]
}

/**
 * Where `id` is fetched to: as {@link downloadPlace} says, but the system's own folder, which nobody named, gives way to
 * a Hugging Face cache that has the model already.
 */
export async function placeFor(id: string, hub: HubOptions): Promise<ModelPlace> {
  const first = downloadPlace(hub)
  if (first.dir !== hub.systemDir) return first
  for (const place of modelPlaces(hub)) {
    if ((await commitsOf(join(place.dir, repositoryName(id)))).length > 0) return place
  }
  return first
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
export function hubHome(hub: Pick<HubOptions, 'env' | 'home' | 'cwd'>): string | undefined {
  const { env, home } = hub
  const cache = env.XDG_CACHE_HOME || (home && join(home, '.cache'))
  const base = env.HF_HOME || (cache && join(cache, 'huggingface'))
  return base ? atHome(base, hub) : undefined
}

/** An absolute path; `~` as Hugging Face's tools read it, where there is a home. */
export function atHome(path: string, { home, cwd = '' }: Pick<HubOptions, 'home' | 'cwd'>): string {
  if (home === '') return resolve(cwd, path)
  return resolve(cwd, path === '~' || path.startsWith('~/') ? join(home, path.slice(1)) : path)
}

/** Where the folder lies that a user names. */
export function folderAt(name: string, { cwd }: Pick<HubOptions, 'cwd'>): string {
  return cwd === undefined ? name : resolve(cwd, name)
}

/** A path is meant, not a hub id. */
export function isPath(name: string): boolean {
  return name.startsWith('.') || isAbsolute(name)
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

/** `path` where that is a folder, or a link to one. */
export async function existingFolder(path: string): Promise<string | undefined> {
  const info = await unlessAbsent(path, async full => statSync(full))
  return info?.isDirectory() ? path : undefined
}
