// A small file that is replaced as a whole and never written in place, held so that one look tells whether its name still leads to
// it. Reads it once; writes nothing.
import * as fs from 'node:fs'
import { quietly } from './errno.js'
import { openToRead, readWhole } from './files.js'

/*
   Why the answer is exact, where times and inode numbers by themselves are not (a second file made within one tick of the clock may
   get the number and the time of the first): the file is kept open, and an open file's number is given to no other. So as long as
   we hold it, "the name leads to this number on this device" means "the name leads to this file", and no clock is asked.

   Where the system counts names at once (file systems of this machine alone), the file itself tells still more cheaply: one that
   was replaced or removed has no name left. A network's file system may keep such a file under a name of its own, so there the
   name is looked up. Windows does not let a file be replaced that somebody holds: there it is closed again, and number, both
   times and length must all be the same; NTFS puts a sequence number into the file's number, and its clock ticks 100 ns.
*/
const HOLDS = process.platform !== 'win32'

/** Linux's numbers of file systems that only this machine writes to: ext4, XFS, Btrfs, tmpfs, overlayfs, ZFS, F2FS. */
const LOCAL = new Set([0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630, 0x2fc12fc1, 0xf2f52010])

const NO_THROW = { throwIfNoEntry: false, bigint: true } as const

export class HeldFile {
  readonly bytes: Uint8Array
  readonly #path: string
  readonly #stats: fs.BigIntStats
  readonly #names: number
  readonly #changedMs: number
  readonly #local: boolean
  /** Undefined where files are not held, and after `release`. */
  #fd: number | undefined
  #released = false

  private constructor(path: string, fd: number, bytes: Uint8Array, local: boolean) {
    this.#path = path
    this.bytes = bytes
    this.#stats = fs.fstatSync(fd, { bigint: true })
    const { nlink, ctimeMs } = fs.fstatSync(fd)
    this.#names = nlink
    this.#changedMs = ctimeMs
    this.#local = HOLDS && local
    if (HOLDS) this.#fd = fd
    else fs.closeSync(fd)
  }

  /**
   * Undefined where there is no file of at most `maxBytes` under that name. `local`: on a file system of this machine alone;
   * absent, the system is asked.
   */
  static open(path: string, maxBytes: number, local?: boolean): HeldFile | undefined {
    const fd = openToRead(path)
    if (fd === undefined) return undefined
    try {
      const bytes = readWhole(fd, maxBytes)
      if (bytes !== undefined) return new HeldFile(path, fd, bytes, local ?? isLocal(path))
    } catch (error) {
      quietly(() => fs.closeSync(fd))
      throw error
    }
    fs.closeSync(fd)
    return undefined
  }

  /** False once the name leads to another file or to none, whoever saw to that, or somebody wrote over this one. */
  stands(): boolean {
    if (this.#released) return false
    try {
      return this.#local ? this.#isNamed(this.#fd!) : this.#isUnderItsName()
    } catch {
      return false
    }
  }

  release(): void {
    this.#released = true
    const fd = this.#fd
    this.#fd = undefined
    if (fd !== undefined) quietly(() => fs.closeSync(fd))
  }

  #isNamed(fd: number): boolean {
    const { nlink, ctimeMs } = fs.fstatSync(fd)
    return nlink > 0 && nlink === this.#names && ctimeMs === this.#changedMs
  }

  #isUnderItsName(): boolean {
    const now = fs.lstatSync(this.#path, NO_THROW)
    const { ino, dev, ctimeNs, mtimeNs, size } = this.#stats
    return (
      now !== undefined &&
      now.ino === ino &&
      now.dev === dev &&
      now.ctimeNs === ctimeNs &&
      now.mtimeNs === mtimeNs &&
      now.size === size
    )
  }
}

function isLocal(path: string): boolean {
  return process.platform === 'linux' && LOCAL.has(fs.statfsSync(path).type)
}
