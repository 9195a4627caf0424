// One repository in the Hugging Face cache: blobs, snapshots, refs, as huggingface_hub lays them out. Follows no link out of the cache.
import { createHash } from 'node:crypto'
import { constants, createReadStream } from 'node:fs'
import { copyFile, link, lstat, readdir, readFile, readlink, realpath, rm, rmdir, stat } from 'node:fs/promises'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { knownModel } from '../embedder/model/table.js'
import { abortError, OpDbusError } from '../errors.js'
import { errnoOf } from '../fs/errno.js'
import { unlessAbsent } from '../fs/files.js'
import { bytesIn, isFolder, makeFolder } from '../fs/folders.js'
import { moveTo, replaceWith } from '../fs/replace.js'
import type { CallOptions } from '../ports.js'
import { inTheWay } from './error-messages.js'
import { locateModel, notFound } from './find.js'
import { type HubIo, NODE_IO, onDisk, withMutex } from './io.js'
import type { HubFile } from './listing.js'
import { recordOf, writeRecord } from './lockfile.js'
import { isHubId, repositoryName } from './names.js'
import { type HubOptions, isPath, type ModelPlace, modelPlaces } from './places.js'

export class Repository {
  readonly dir: string
  readonly blobs: string
  /** Held by whoever changes the repository. */
  readonly mutex: string
  readonly #io: HubIo

  constructor(
    readonly place: ModelPlace,
    readonly id: string,
    io: HubIo,
  ) {
    this.#io = io
    this.dir = join(place.dir, repositoryName(id))
    this.blobs = join(this.dir, 'blobs')
    this.mutex = join(place.dir, '.locks', repositoryName(id), 'op-dbus.lock')
  }

  snapshot(commit: string): string {
    return join(this.dir, 'snapshots', commit)
  }

  blob(file: HubFile): string {
    return join(this.blobs, file.blob)
  }

  /** Makes the folders that a download writes into; each must be a folder and no link to one. */
  async prepare(): Promise<void> {
    await onDisk(this.place.dir, () => makeFolder(this.place.dir, 0o777))
    await this.#folder('blobs')
  }

  /**
   * The SHA-256 of `file` where all its bytes are here and right: as a blob, or in the snapshot itself, where tools put
   * it on systems without links. Rejects with STORE for a link that leads out of the cache.
   */
  async verified(file: HubFile, commit: string, signal: AbortSignal | undefined): Promise<string | undefined> {
    for (const path of [this.blob(file), join(this.snapshot(commit), file.path)]) {
      const sha256 = await this.#verifiedAt(path, file, signal)
      if (sha256 !== undefined) return sha256
    }
    return undefined
  }

  /** Puts `file` under its name into the snapshot of `commit`: a relative link to its blob, else a hard link, else a copy. */
  async show(file: HubFile, commit: string, signal: AbortSignal | undefined): Promise<void> {
    const path = join(this.snapshot(commit), file.path)
    const blob = this.blob(file)
    const parts = file.path.split('/').slice(0, -1)
    await this.#folder('snapshots', commit, ...parts)
    const target = relative(dirname(path), blob)
    if (await this.#shown(file, commit, signal)) return
    await onDisk(path, async () => {
      await rm(path, { force: true })
      await this.#io.symlink(target, path).catch(async error => {
        if (errnoOf(error) === 'EEXIST' || errnoOf(error) === 'ENOSPC') throw error
        await link(blob, path).catch(() => copyWhole(blob, path, this.#io.id()))
      })
    })
  }

  /** The text of a file that is here. */
  async text(file: HubFile, commit: string): Promise<string> {
    for (const path of [this.blob(file), join(this.snapshot(commit), file.path)]) {
      const text = await unlessAbsent(path, full => readFile(full, 'utf8'))
      if (text !== undefined) return text
    }
    return ''
  }

  /** Lets go of what a download that failed brought or made: the blobs `files`, and every folder that is empty. */
  async withdraw(files: readonly HubFile[]): Promise<void> {
    for (const file of files) await rm(this.blob(file), { force: true }).catch(() => {})
    for (const dir of [this.blobs, this.dir]) await rmdir(dir).catch(() => {})
  }

  /** Removes the folders of the mutex where they are empty; call it without holding that. */
  async tidyLocks(): Promise<void> {
    for (const dir of [dirname(this.mutex), dirname(dirname(this.mutex))]) await rmdir(dir).catch(() => {})
  }

  /** True when every one of `files` lies under its name in the snapshot of `commit`: as a link to its blob, or itself. */
  async shows(files: readonly HubFile[], commit: string, signal: AbortSignal | undefined): Promise<boolean> {
    for (const file of files) if (!(await this.#shown(file, commit, signal))) return false
    return true
  }

  async #shown(file: HubFile, commit: string, signal: AbortSignal | undefined): Promise<boolean> {
    const path = join(this.snapshot(commit), file.path)
    const there = await this.#look(path)
    if (!there) return false
    if (there.isSymbolicLink() && (await readlink(path)) === relative(dirname(path), this.blob(file))) {
      return (await unlessAbsent(path, full => stat(full)))?.isFile() === true
    }
    return (await this.#verifiedAt(path, file, signal)) !== undefined
  }

  async hasMain(): Promise<boolean> {
    return (await unlessAbsent(join(this.dir, 'refs/main'), path => lstat(path))) !== undefined
  }

  /** Says which commit `main` is, as huggingface_hub writes it: without a line end. */
  async setMain(commit: string): Promise<void> {
    const refs = await this.#folder('refs')
    // The temporary file stays out of `refs`, where every file is read as a ref.
    const main = join(refs, 'main')
    await onDisk(main, () => replaceWith(main, 0o666, file => file.writeFile(commit), join(this.dir, 'main')))
  }

  /** Makes a folder below the repository's, where no part of the way may be a link, and returns its path. */
  async #folder(...parts: string[]): Promise<string> {
    let path = this.place.dir
    for (const part of [repositoryName(this.id), ...parts]) {
      path = join(path, part)
      const made = path
      await onDisk(made, () => {
        makeFolder(made, 0o777)
        if (!isFolder(made)) throw inTheWay(made, 'is no folder of the model cache')
      })
    }
    return path
  }

  async #verifiedAt(path: string, file: HubFile, signal: AbortSignal | undefined) {
    const there = await this.#look(path)
    if (!there) return undefined
    const digest = await unlessAbsent(path, full => digestOf(full, file, signal))
    return digest?.right ? digest.sha256 : undefined
  }

  /** What lies at `path`, undefined when nothing does. A link must stay in the cache, wherever in it the blob is kept. */
  async #look(path: string) {
    const there = await unlessAbsent(path, full => lstat(full))
    if (there?.isSymbolicLink()) {
      const root = await realpath(this.place.dir)
      const end =
        (await unlessAbsent(path, full => realpath(full))) ??
        resolve(await realpath(dirname(path)), (await unlessAbsent(path, full => readlink(full))) ?? '.')
      if (!end.startsWith(root + sep)) throw inTheWay(path, `is a link to ${end}, out of the model cache`)
    } else if (there && !there.isFile()) throw inTheWay(path, 'is no file')
    return there
  }
}

/** Whether the bytes at `path` are those that `file` names: size, digest, and the recorded SHA-256 where there is one. */
export async function digestOf(
  path: string,
  file: HubFile,
  signal: AbortSignal | undefined,
): Promise<{ right: boolean; sha256: string }> {
  const sha256 = createHash('sha256')
  // Git names a blob by the SHA-1 over this header and the bytes.
  const git = file.blob.length === 40 ? createHash('sha1').update(`blob ${file.bytes}\0`) : undefined
  let bytes = 0
  const stream = createReadStream(path, {
    highWaterMark: 1 << 20,
    flags: (constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)) as unknown as string,
  })
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    if (signal?.aborted) throw abortError(signal)
    bytes += chunk.length
    if (bytes > file.bytes) break
    sha256.update(chunk)
    git?.update(chunk)
  }
  const hex = sha256.digest('hex')
  const named = (git?.digest('hex') ?? hex) === file.blob
  return { right: bytes === file.bytes && named && (file.sha256 ?? hex) === hex, sha256: hex }
}

async function copyWhole(from: string, to: string, unique: string): Promise<void> {
  const temporary = `${to}.${unique}.tmp`
  try {
    await copyFile(from, temporary, constants.COPYFILE_EXCL)
    await moveTo(to, temporary)
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {})
    throw error
  }
}

export interface RemoveOptions extends CallOptions {
  /** Also what other tools keep of this model. */
  readonly force?: boolean
  readonly onWait?: (who: string) => void
  /** For tests. @internal */
  readonly io?: Partial<HubIo>
}

/**
 * Removes the repository of `name` from the cache that it is found in first: blobs, snapshots, refs and its entry in the
 * lockfile. Rejects with INVALID_INPUT for the built-in model, a folder of the user's, and, without `force`, where the
 * repository holds more than was pulled by the record; with MODEL_NOT_FOUND, STORE or ABORTED.
 */
export async function removeModel(
  name: string,
  hub: HubOptions,
  { force, signal, onWait, io: given }: RemoveOptions = {},
): Promise<{ readonly id: string; readonly path: string; readonly bytes: number }> {
  const id = knownModel(name)?.hubId ?? name
  if (name === 'builtin') throw new OpDbusError('INVALID_INPUT', 'the built-in model belongs to the package')
  if (isPath(name) || !isHubId(id)) throw notCached(name)
  const io = { ...NODE_IO, ...given }
  for (const place of modelPlaces(hub)) {
    const repository = new Repository(place, id, io)
    const there = await unlessAbsent(repository.dir, path => lstat(path))
    if (!there) continue
    if (!there.isDirectory()) throw inTheWay(repository.dir, 'is no folder of the model cache')
    const bytes = await withMutex(repository.mutex, { below: place.dir, io, signal, onWait }, async () => {
      if (!force) await refuseForeign(place, repository)
      const size = await bytesIn(repository.dir)
      // First what names the files, so that nobody finds a model that is going.
      for (const part of ['refs', 'snapshots', 'blobs', '.no_exist']) {
        const path = join(repository.dir, part)
        await onDisk(path, () => rm(path, { recursive: true, force: true }))
      }
      await rmdir(repository.dir).catch(() => {})
      await writeRecord(place, id, undefined, { io, signal })
      return size
    })
    await rmdir(dirname(repository.mutex)).catch(() => {})
    return { id, path: repository.dir, bytes }
  }
  const folder = await locateModel(name, hub)
  throw folder === undefined ? await notFound(name, hub) : notCached(folder)
}

/** Blobs that op-dbus did not record are another tool's, or of a commit before an update. */
async function refuseForeign(place: ModelPlace, repository: Repository): Promise<void> {
  const ours = new Set((await recordOf(place, repository.id))?.files.map(file => file.blob))
  const names = (await unlessAbsent(repository.blobs, path => readdir(path))) ?? []
  const foreign = names.filter(blob => !ours.has(blob) && !blob.endsWith('.incomplete'))
  if (foreign.length === 0) return
  throw new OpDbusError(
    'INVALID_INPUT',
    [
      `${repository.dir} holds ${foreign.length} files beside those that were pulled last`,
      'they belong to other tools that share the cache, or to an earlier commit',
      'to remove them too: --force',
    ].join('\n'),
    { details: { foreign: foreign.length } },
  )
}

function notCached(what: string): OpDbusError {
  return new OpDbusError('INVALID_INPUT', `${JSON.stringify(what)} is no model in the cache: only those are removed`)
}
