// The folder of vectors beside the chain: a folder for each space, and the lock of the process that writes. Derived: whatever is wrong here may
// be removed, and is made anew. Computes no vector.
//
//   vectors/lock            held by who writes
//   vectors/<space>/space   what made the vectors (JSON); beside it the files of vector-files.ts
import { createHash } from 'node:crypto'
import { closeSync, constants, rmSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { openToRead, statOf } from '../../fs/files.js'
import { isFolder, makeFolder, namesIn } from '../../fs/folders.js'
import { acquireMutex, MACHINE_IO } from '../../fs/mutex.js'
import { putJson, readJson, type SpaceRecord, told, VectorReader, VectorWriter } from './vector-files.js'

const VERSION = 1
const FOLDER_NAME = /^[0-9a-f]{32}$/
const ADD_TO = constants.O_RDWR | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0)

/** `<chain>/vectors`. */
export class VectorFolder {
  constructor(readonly dir: string) {}

  /** The spaces that there are vectors of. @throws OpDbusError STORE */
  spaces(): SpaceRecord[] {
    return this.#guarded(() =>
      namesIn(this.dir).flatMap(name => {
        const record = readRecord(join(this.dir, name))
        return record && folderName(record.space) === name ? [record] : []
      }),
    )
  }

  /** Folders of vectors that do not say any more what made them. @throws OpDbusError STORE */
  unreadable(): string[] {
    return this.#guarded(() =>
      namesIn(this.dir)
        .map(name => join(this.dir, name))
        .filter(dir => isUnreadable(dir)),
    )
  }

  /** Removes the folder that `unreadable` told. For who holds the lock. @throws OpDbusError STORE */
  removeUnreadable(dir: string): void {
    this.#guarded(() => rmSync(dir, { recursive: true, force: true }))
  }

  /** Waits until no other process writes vectors of this chain; returns what lets the next one. @throws OpDbusError ABORTED, STORE */
  async lock(signal: AbortSignal | undefined): Promise<() => Promise<void>> {
    return this.#guardedAsync(async () => {
      makeFolder(this.dir)
      const rest = { io: MACHINE_IO, signal, awaitsTheLiving: true }
      return acquireMutex(join(this.dir, 'lock'), { below: dirname(this.dir), ...rest })
    })
  }

  /** The vectors of a space to read; undefined where there are none. @throws OpDbusError STORE */
  open(space: string): VectorReader | undefined {
    return this.#guarded(() => {
      const dir = join(this.dir, folderName(space))
      const record = isFolder(dir) ? readRecord(dir) : undefined
      if (record?.space !== space) return undefined
      const floats = openToRead(join(dir, 'floats'))
      const scan = openToRead(join(dir, 'scan'))
      if (floats !== undefined && scan !== undefined) return new VectorReader(dir, record, floats, scan)
      for (const fd of [floats, scan]) if (fd !== undefined) closeSync(fd)
      return undefined
    })
  }

  /** The vectors of a space to add to, begun anew where there are none. For who holds the lock. @throws OpDbusError STORE */
  async write(record: SpaceRecord): Promise<VectorWriter> {
    return this.#guardedAsync(async () => {
      const dir = join(this.dir, folderName(record.space))
      const found = isFolder(dir) ? readRecord(dir) : undefined
      if (found?.space !== record.space || found.dims !== record.dims) {
        rmSync(dir, { recursive: true, force: true })
        makeFolder(dir)
        await putJson(join(dir, 'space'), { version: VERSION, ...record })
      }
      const files: FileHandle[] = []
      try {
        for (const name of ['floats', 'scan']) files.push(await open(join(dir, name), ADD_TO, 0o600))
        const writer = new VectorWriter(dir, record, files[0]!, files[1]!)
        await writer.mend()
        return writer
      } catch (error) {
        for (const file of files) await file.close()
        throw error
      }
    })
  }

  /** For who holds the lock. @throws OpDbusError STORE */
  remove(space: string): void {
    this.#guarded(() => rmSync(join(this.dir, folderName(space)), { recursive: true, force: true }))
  }

  #guarded<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      throw this.#told(error)
    }
  }

  async #guardedAsync<T>(work: () => Promise<T>): Promise<T> {
    return work().catch(error => {
      throw this.#told(error)
    })
  }

  #told(cause: unknown): unknown {
    return told(cause, this.dir)
  }
}

/** Of any space, whatever characters it has. */
function folderName(space: string): string {
  return createHash('sha256').update(space).digest('hex').slice(0, 32)
}

function isUnreadable(dir: string): boolean {
  // `space` is written first: a folder without the files is one that is being made.
  if (!FOLDER_NAME.test(basename(dir)) || !isFolder(dir) || statOf(join(dir, 'floats')) === undefined) return false
  const { version = VERSION } = (readJson(join(dir, 'space')) ?? {}) as { version?: unknown }
  const record = readRecord(dir)
  // Of another version: not ours to judge.
  return version === VERSION && (record === undefined || folderName(record.space) !== basename(dir))
}

function readRecord(dir: string): SpaceRecord | undefined {
  const value = readJson(join(dir, 'space')) as (SpaceRecord & { version: number }) | undefined
  const { version, space, dims, model } = value ?? {}
  if (version !== VERSION || typeof space !== 'string' || !Number.isSafeInteger(dims) || dims! < 1) return undefined
  return { space, dims: dims!, ...(typeof model === 'string' && { model }) }
}
