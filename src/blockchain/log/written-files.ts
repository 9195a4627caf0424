// Files of an export: each appears whole under its name, for everybody to read, and all of them are on the disk when it is said. Knows no
// format, and removes nothing.
import { randomBytes } from 'node:crypto'
import * as fs from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { errnoOf, NO_SYNC } from '../../fs/errno.js'
import { openToRead, readFile, readWhole } from '../../fs/files.js'
import { makeFolder } from '../../fs/folders.js'
import { putFile } from '../../fs/replace.js'

/** Files that wait for the disk together. */
const AT_ONCE = 64

/** A file of 256 entries of 65,535 bytes, each behind its length. */
const MOST_BYTES = 256 * (2 + 65_535)

const fdatasync = promisify(fs.fdatasync)
const close = promisify(fs.close)

export class WrittenFiles {
  /** Written, without those that were there already. */
  files = 0
  bytes = 0
  readonly #dir: string
  readonly #folders = new Set<string>()
  /** Open, and perhaps not on the disk. */
  #open: number[] = []

  constructor(dir: string) {
    this.#dir = resolve(dir)
  }

  /** Puts a file under a name in the folder; one that is there already with these bytes is left alone. @throws what the system says */
  async put(name: string, bytes: Uint8Array): Promise<void> {
    const path = join(this.#dir, name)
    this.#folder(dirname(path))
    let fd = openSame(path, bytes)
    if (fd === undefined) {
      const temporary = `${path}.${randomBytes(8).toString('hex')}.tmp`
      fd = putFile(path, bytes, temporary, { sync: false, mode: 0o666 })
      this.files++
      this.bytes += bytes.length
    }
    this.#open.push(fd)
    if (this.#open.length >= AT_ONCE) await this.#syncFiles()
  }

  /** What lies under a name; undefined where that is nothing, or nothing that can be read. */
  read(name: string): Uint8Array | undefined {
    try {
      return readFile(join(this.#dir, name), MOST_BYTES)
    } catch (error) {
      if (errnoOf(error) === undefined) throw error
      return undefined
    }
  }

  /** Resolves when all that was put is on the disk, with the folders that it lies in. @throws what the system says */
  async synced(): Promise<void> {
    await this.#syncFiles()
    // Windows opens no folder.
    if (process.platform === 'win32') return
    for (const folder of this.#folders) this.#open.push(fs.openSync(folder, fs.constants.O_RDONLY))
    await this.#syncFiles()
  }

  /** Lets go of files that nobody waits for any more. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#open.splice(0).map(fd => close(fd)))
  }

  #folder(path: string): void {
    if (this.#folders.has(path)) return
    makeFolder(path, 0o777)
    for (let above = path; !this.#folders.has(above); above = dirname(above)) {
      this.#folders.add(above)
      if (above === this.#dir) break
    }
  }

  async #syncFiles(): Promise<void> {
    const waiting = this.#open.splice(0)
    const ended = await Promise.allSettled(waiting.map(fd => fdatasync(fd)))
    await Promise.allSettled(waiting.map(fd => close(fd)))
    const failed = ended.find(
      outcome => outcome.status === 'rejected' && !NO_SYNC.includes(errnoOf(outcome.reason) ?? ''),
    )
    if (failed?.status === 'rejected') throw failed.reason
  }
}

/** The file, where it holds just these bytes. */
function openSame(path: string, bytes: Uint8Array): number | undefined {
  const fd = openToRead(path)
  if (fd === undefined) return undefined
  const there = readWhole(fd, bytes.length)
  if (there !== undefined && Buffer.compare(there, bytes) === 0) return fd
  fs.closeSync(fd)
  return undefined
}
