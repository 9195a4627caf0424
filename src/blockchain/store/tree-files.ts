// The files of the Merkle tree: hashes of each level behind one another, and a record of how many there are and what they come to. All of it
// can be made anew from the blocks, so nothing waits for the disk here. Knows no block.
import { hash as digest, randomBytes } from 'node:crypto'
import * as fs from 'node:fs'
import { dirname, join } from 'node:path'
import { errnoOf, quietly } from '../../fs/errno.js'
import { openOrMake, openToRead, readAt, readSmall, unlink, writeAt } from '../../fs/files.js'
import { makeFolder } from '../../fs/folders.js'
import { acquireMutex, MACHINE_IO } from '../../fs/mutex.js'
import { replaceFile } from '../../fs/replace.js'
import { HASH_BYTES } from '../merkle.js'

/** What the files hold. */
export interface TreeRecord {
  /** Leaves. */
  readonly size: number
  /** 64 hexadecimal digits. */
  readonly root: string
}

/*
   00, 08, 16 ...   32 bytes each: the roots of whole subtrees of that height
   record           op-dbus tree 1, the number of leaves, the root, and SHA-256 of these three lines, a line each
   lock             of who writes
*/
const FORM = 'op-dbus tree 1'
const RECORD = /^(op-dbus tree 1\n(\d{1,16})\n([0-9a-f]{64})\n)([0-9a-f]{64})\n$/

export class TreeFiles {
  readonly #dir: string

  constructor(dir: string) {
    this.#dir = dir
  }

  /** Undefined where there is none, or it is not as it was written. */
  record(): TreeRecord | undefined {
    const [, text, size, root, sum] = RECORD.exec(quietRead(() => readSmall(this.#path('record'), 1024)) ?? '') ?? []
    return text !== undefined && digest('sha256', text) === sum ? { size: Number(size), root: root! } : undefined
  }

  /** Undefined where not all of them can be read. */
  read(level: number, from: number, count: number): Buffer | undefined {
    return quietRead(() => {
      const fd = openToRead(this.#level(level))
      if (fd === undefined) return undefined
      try {
        const bytes = Buffer.allocUnsafeSlow(count * HASH_BYTES)
        return readAt(fd, bytes, from * HASH_BYTES) === bytes.length ? bytes : undefined
      } finally {
        fs.closeSync(fd)
      }
    })
  }

  /**
   * Waits until no other process writes here; returns what lets the next one begin. One that is suspended for a minute may be overtaken:
   * what two wrote at once is found when it is read, since it does not come to what the record says.
   * @throws what the system says where nothing can be written
   */
  async lock(): Promise<() => Promise<void>> {
    makeFolder(this.#dir)
    return acquireMutex(this.#path('lock'), { below: dirname(this.#dir), io: MACHINE_IO, signal: undefined })
  }

  /** For who holds the lock. @throws what the system says */
  write(level: number, from: number, hashes: Uint8Array): void {
    const fd = openOrMake(this.#level(level))
    try {
      writeAt(fd, hashes, from * HASH_BYTES)
    } finally {
      fs.closeSync(fd)
    }
  }

  /** For who holds the lock: all that it speaks of is written. @throws what the system says */
  commit({ size, root }: TreeRecord): void {
    const text = `${FORM}\n${size}\n${root}\n`
    const temporary = this.#path(`record.${randomBytes(8).toString('hex')}.tmp`)
    replaceFile(this.#path('record'), Buffer.from(`${text}${digest('sha256', text)}\n`), temporary, { sync: false })
  }

  /** The files hold nothing any more. */
  forget(): void {
    quietly(() => unlink(this.#path('record')))
  }

  #level(level: number): string {
    return this.#path(String(level * 8).padStart(2, '0'))
  }

  #path(name: string): string {
    return join(this.#dir, name)
  }
}

/** What cannot be read is as good as not there: it is made anew. */
function quietRead<T>(read: () => T | undefined): T | undefined {
  try {
    return read()
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    return undefined
  }
}
