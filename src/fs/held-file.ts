// A small file that is replaced as a whole and never written in place, held so that one look tells whether its name still leads to
// it. Reads it once; writes nothing.
import * as fs from 'node:fs'
import { quietly } from './errno.js'
import { openToRead, readWhole } from './files.js'

/*
   Why the answer is exact, where times and inode numbers by themselves are not (a second file made within one tick of the clock may
   get the number and the time of the first): the file is kept open, and an open file's number is given to no other. So as long as
   we hold it, "the name leads to this number on this device" means "the name leads to this file".

   Where the system counts names at once (file systems of this machine alone), the open file itself tells for half as much that it was
   replaced or removed: it has no name left. What it does not tell is that a folder above it was renamed, or something mounted over
   it, and that others write elsewhere since: for that the name is looked up as well, once in LOOK_MS. A network's file system may
   keep a file that was replaced under a name of its own, so there the name is looked up each time.

   Windows does not let a file be replaced that somebody holds: there it is closed again, and number, both times and length must all
   be the same; NTFS puts a sequence number into the file's number, and its clock ticks 100 ns.
*/
const HOLDS = process.platform !== 'win32'

/** Linux's numbers of file systems that only this machine writes to: ext4, XFS, Btrfs, tmpfs, overlayfs, ZFS, F2FS. */
const LOCAL = new Set([0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630, 0x2fc12fc1, 0xf2f52010])

/** A cache that was cleared elsewhere is noticed as late. */
const LOOK_MS = 5

/** Twice as fast as bigints, and exact where the number is. */
const PLAIN = { throwIfNoEntry: false } as const
const EXACT = { throwIfNoEntry: false, bigint: true } as const

export class HeldFile {
  readonly bytes: Uint8Array
  readonly #path: string
  readonly #stats: fs.Stats | fs.BigIntStats
  readonly #exact: boolean
  readonly #local: boolean
  readonly #monotonic: () => number
  #lookedMs = Number.NEGATIVE_INFINITY
  /** Undefined where files are not held, and after `release`. */
  #fd: number | undefined
  #released = false

  private constructor(path: string, fd: number, bytes: Uint8Array, monotonic: () => number) {
    this.#path = path
    this.bytes = bytes
    this.#monotonic = monotonic
    this.#local = HOLDS && isLocal(path)
    const stats = fs.fstatSync(fd)
    this.#exact = !(HOLDS && Number.isSafeInteger(stats.ino) && Number.isSafeInteger(stats.dev))
    this.#stats = this.#exact ? fs.fstatSync(fd, { bigint: true }) : stats
    if (HOLDS) this.#fd = fd
    else fs.closeSync(fd)
  }

  /** Undefined where there is no file of at most `maxBytes` under that name. `monotonic`: ms from any start. */
  static open(path: string, maxBytes: number, monotonic: () => number): HeldFile | undefined {
    const fd = openToRead(path)
    if (fd === undefined) return undefined
    try {
      const bytes = readWhole(fd, maxBytes)
      if (bytes !== undefined) return new HeldFile(path, fd, bytes, monotonic)
    } catch (error) {
      quietly(() => fs.closeSync(fd))
      throw error
    }
    fs.closeSync(fd)
    return undefined
  }

  /**
   * False once the name leads to another file or to none, or somebody wrote over this one; where a folder above it was moved, from
   * 5 ms later on at the latest.
   */
  stands(): boolean {
    if (this.#released) return false
    try {
      if (this.#local && !this.#exact) {
        const now = this.#monotonic()
        if (now - this.#lookedMs < LOOK_MS) return this.#isSame(fs.fstatSync(this.#fd!))
        this.#lookedMs = now
      }
      return this.#isSame(fs.lstatSync(this.#path, this.#exact ? EXACT : PLAIN))
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

  #isSame(now: fs.Stats | fs.BigIntStats | undefined): boolean {
    const { nlink, ino, dev, ctimeMs, mtimeMs, size } = this.#stats
    return (
      now !== undefined &&
      now.nlink === nlink &&
      now.ino === ino &&
      now.dev === dev &&
      now.ctimeMs === ctimeMs &&
      now.mtimeMs === mtimeMs &&
      now.size === size &&
      // Of bigints `ctimeMs` is whole milliseconds.
      (!('ctimeNs' in now) || now.ctimeNs === (this.#stats as fs.BigIntStats).ctimeNs)
    )
  }
}

function isLocal(path: string): boolean {
  return process.platform === 'linux' && LOCAL.has(fs.statfsSync(path).type)
}
