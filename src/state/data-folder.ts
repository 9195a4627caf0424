// The folder of what the manager keeps: one apply at a time, files that are whole or not there. Knows no plugin, and follows no link.
import { join } from 'node:path'
import { isOpDbusError, messageOf, OpDbusError } from '../errors.js'
import { quietly } from '../fs/errno.js'
import { readSmall, statOf, unlink } from '../fs/files.js'
import { isFolder, makeFolder, namesIn } from '../fs/folders.js'
import { acquireMutex, type MutexIo } from '../fs/mutex.js'
import { replaceWith } from '../fs/replace.js'

/** Of a file that we read back. */
const MOST_BYTES = 256 << 20

/** What a writer that was killed has left: `NAME.<random>.tmp`. */
const LEFT = /\.[0-9a-f]{16}\.tmp$/

/** `<dataDir>/state`, made when something is to be kept. */
export class DataFolder {
  readonly #base: string | undefined
  readonly #io: MutexIo

  /** `dataDir`: undefined where there is no place to keep anything. */
  constructor(dataDir: string | undefined, io: MutexIo) {
    this.#base = dataDir
    this.#io = io
  }

  /**
   * Waits until nobody else applies, on this folder and in any process; returns what lets the next one begin.
   * @throws OpDbusError ABORTED, STORE, INVALID_INPUT where there is no such folder
   */
  async acquire(
    signal: AbortSignal | undefined,
    onWait: ((who: string) => void) | undefined,
  ): Promise<() => Promise<void>> {
    return this.#guarded(async () => {
      const folder = this.#make()
      const options = { below: this.#base as string, io: this.#io, signal, onWait, awaitsTheLiving: true }
      return acquireMutex(join(folder, 'apply.lock'), options)
    })
  }

  /** Puts `value` under `name`, for its owner alone: whole, and so that a loss of power does not take it. @throws OpDbusError STORE */
  async write(name: string, value: unknown): Promise<void> {
    await this.#guarded(async () => {
      const bytes = Buffer.from(`${JSON.stringify(value, null, 2)}\n`)
      await replaceWith(join(this.#make(), name), 0o600, file => file.writeFile(bytes))
    })
  }

  /** The text of a file; undefined where there is none, or what is there is no file of ours. @throws OpDbusError STORE */
  async read(name: string): Promise<string | undefined> {
    return this.#guarded(async () => {
      const folder = this.#existing()
      return folder === undefined ? undefined : readSmall(join(folder, name), MOST_BYTES)
    })
  }

  /** The names in a folder of ours. @throws OpDbusError STORE */
  async names(folder: string): Promise<string[]> {
    return this.#guarded(async () => {
      const base = this.#existing()
      if (base === undefined || !isFolder(join(base, folder))) return []
      return namesIn(join(base, folder))
    })
  }

  /** Removes a file, or leaves it for the next time. */
  remove(name: string): void {
    const folder = this.#existing()
    if (folder !== undefined) quietly(() => unlink(join(folder, name)))
  }

  /** Removes what killed writers have left. For whoever holds the mutex: nobody else writes then. */
  async tidy(): Promise<void> {
    for (const folder of ['', CHECKPOINTS]) {
      for (const name of await this.names(folder)) if (LEFT.test(name)) this.remove(join(folder, name))
    }
  }

  #existing(): string | undefined {
    if (this.#base === undefined) return undefined
    const folder = join(this.#base, 'state')
    return isFolder(folder) ? folder : undefined
  }

  #make(): string {
    if (this.#base === undefined) {
      throw new OpDbusError(
        'INVALID_INPUT',
        'there is no folder to keep checkpoints in\nset OPDBUS_DATA_DIR or dataDir',
      )
    }
    const folder = join(this.#base, 'state')
    for (const path of [folder, join(folder, CHECKPOINTS)]) {
      if (statOf(path) === undefined) makeFolder(path)
      if (!isFolder(path)) throw new OpDbusError('STORE', `${path} is no folder\nnothing is written there: remove it`)
    }
    return folder
  }

  async #guarded<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (isOpDbusError(error)) throw error
      throw new OpDbusError('STORE', `cannot use the data folder ${this.#base}: ${messageOf(error)}`, {
        cause: error,
        details: { dir: this.#base },
      })
    }
  }
}

/** The folder of checkpoints in a {@link DataFolder}. */
export const CHECKPOINTS = 'checkpoints'
