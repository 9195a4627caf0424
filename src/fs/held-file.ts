// A small file that is replaced as a whole and never written in place, held so that one look tells whether its name still leads to
// it. Reads it once; writes nothing.
import * as fs from 'node:fs'
import { quietly } from './errno.js'
import { openToRead, readWhole } from './files.js'

/*
   Why the answer is exact, where times and inode numbers by themselves are not (a second file made within one tick of the clock may
   get the number and the time of the first): the file is kept open, and an open file's number is given to no other. So as long as
   we hold it, "the name leads to this number on this device" means "the name leads to this file", and no clock is asked. The open
   file alone would not do, though to look at it costs half as much: where a folder above it was renamed, or something mounted over
   it, the file stays as it was, and others write elsewhere.

   Windows does not let a file be replaced that somebody holds: there it is closed again, and number, both times and length must all
   be the same; NTFS puts a sequence number into the file's number, and its clock ticks 100 ns.
*/
const HOLDS = process.platform !== 'win32'

/** Twice as fast as bigints, and exact where the number is. */
const PLAIN = { throwIfNoEntry: false } as const
const EXACT = { throwIfNoEntry: false, bigint: true } as const

export class HeldFile {
  readonly bytes: Uint8Array
  readonly #path: string
  readonly #stats: fs.Stats | fs.BigIntStats
  readonly #exact: boolean
  /** Undefined where files are not held, and after `release`. */
  #fd: number | undefined
  #released = false

  private constructor(path: string, fd: number, bytes: Uint8Array) {
    this.#path = path
    this.bytes = bytes
    const stats = fs.fstatSync(fd)
    this.#exact = !(HOLDS && Number.isSafeInteger(stats.ino) && Number.isSafeInteger(stats.dev))
    this.#stats = this.#exact ? fs.fstatSync(fd, { bigint: true }) : stats
    if (HOLDS) this.#fd = fd
    else fs.closeSync(fd)
  }

  /** Undefined where there is no file of at most `maxBytes` under that name. */
  static open(path: string, maxBytes: number): HeldFile | undefined {
    const fd = openToRead(path)
    if (fd === undefined) return undefined
    try {
      const bytes = readWhole(fd, maxBytes)
      if (bytes !== undefined) return new HeldFile(path, fd, bytes)
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
      return this.#exact
        ? this.#isThere(fs.lstatSync(this.#path, EXACT))
        : this.#isThere(fs.lstatSync(this.#path, PLAIN))
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

  #isThere(now: fs.Stats | fs.BigIntStats | undefined): boolean {
    const { ino, dev, ctimeMs, mtimeMs, size } = this.#stats
    return (
      now !== undefined &&
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
