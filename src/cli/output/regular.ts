// A regular file as an output: it keeps what it held until all is written. Knows nothing of links and devices.
import { constants, type Stats } from 'node:fs'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { errnoOf } from '../../fs/errno.js'
import { createBeside, type Draft, discard, moveTo, syncHandle, takeOn } from '../../fs/replace.js'
import type { Output } from './destination.js'
import { copyRange, createSpool, Rows } from './spool.js'

/** What says that a name cannot be exchanged here although the file can be written: a mount on the file itself, a folder of others. */
const IN_PLACE_ONLY = ['EACCES', 'EBUSY', 'EPERM', 'EROFS', 'EXDEV']

/**
 * A file is replaced by rename, so that a reader sees the old bytes or the new ones, and a power cut leaves one of the two.
 * It is overwritten instead where a new file would not be the same one: it has further names (hard links), an owner or special
 * bits that we cannot give to another, or a folder that takes no new file. Access lists and extended attributes cannot be
 * seen from Node; a file that is replaced has those that its folder gives.
 */
export async function openRegular(target: { path: string; stats: Stats | undefined }): Promise<Output> {
  const { path, stats } = target
  if (stats === undefined) return new Replacing(path, await createBeside(path, 0o666), false)
  // Who may not write a file may not replace it either.
  const there = await open(path, constants.O_WRONLY)
  const replacing = await replacement(path, stats).catch(async error => {
    await there.close()
    throw error
  })
  if (replacing === undefined) return new Overwriting(there, await createSpool(path))
  await there.close()
  return replacing
}

/** Undefined where another file would not be the same one. */
async function replacement(path: string, stats: Stats): Promise<Output | undefined> {
  if (stats.nlink > 1 || (stats.mode & 0o7000) !== 0) return undefined
  try {
    // Nobody else reads along while it is written.
    const draft = await createBeside(path, 0o600)
    if (await takeOn(draft.file, stats)) return new Replacing(path, draft, true)
    await discard(draft)
    return undefined
  } catch (error) {
    if (IN_PLACE_ONLY.includes(errnoOf(error) ?? '')) return undefined
    throw error
  }
}

/** Written beside the path, and put under its name when it is whole. */
class Replacing extends Rows implements Output {
  readonly #path: string
  readonly #draft: Draft
  readonly #replaces: boolean

  /** `replaces`: there was a file at `path`. */
  constructor(path: string, draft: Draft, replaces: boolean) {
    super(draft.file)
    this.#path = path
    this.#draft = draft
    this.#replaces = replaces
  }

  async finish(): Promise<void> {
    await this.flush()
    await syncHandle(this.file)
    await this.file.close()
    try {
      await moveTo(this.#path, this.#draft.path)
    } catch (error) {
      if (!this.#replaces || !IN_PLACE_ONLY.includes(errnoOf(error) ?? '')) throw error
      await this.#copy()
    }
  }

  abandon(): Promise<void> {
    return discard(this.#draft)
  }

  /** As for a file in a container that is a mount of its own. */
  async #copy(): Promise<void> {
    const whole = await open(this.#draft.path, 'r')
    try {
      const there = await open(this.#path, constants.O_WRONLY)
      try {
        await overwrite(there, whole)
      } finally {
        await there.close()
      }
    } finally {
      await whole.close()
    }
    await rm(this.#draft.path, { force: true })
  }
}

/** The file itself stays; it is written over when all rows are there. */
class Overwriting extends Rows implements Output {
  readonly #there: FileHandle

  constructor(there: FileHandle, spool: FileHandle) {
    super(spool)
    this.#there = there
  }

  async finish(): Promise<void> {
    await this.flush()
    await overwrite(this.#there, this.file)
    await this.#there.close()
    await this.file.close()
  }

  async abandon(): Promise<void> {
    await this.#there.close().catch(() => {})
    await this.file.close().catch(() => {})
  }
}

/**
 * All bytes of `from` in place of those of `to`. What goes beyond the old end is written first: a disk that is full says so
 * there, while the old bytes can still be kept.
 */
async function overwrite(to: FileHandle, from: FileHandle): Promise<void> {
  const [{ size: before }, { size }] = [await to.stat(), await from.stat()]
  try {
    await copyRange(from, to, Math.min(before, size), size)
    await syncHandle(to)
  } catch (error) {
    await to.truncate(before).catch(() => {})
    throw error
  }
  await copyRange(from, to, 0, Math.min(before, size))
  await to.truncate(size)
  await syncHandle(to)
}
