// Writes the records of one process into its files: in the background, at most a second late, within the bound of the folder. What the disk
// says is told once, and ends it: nothing that is asked of the caches waits for a trace, or fails with it.
import { closeSync, fstatSync, write as writeCallback } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { inWords, quietly } from '../../fs/errno.js'
import { createFile, unlink, writeAt } from '../../fs/files.js'
import type { Crc32, Timer } from '../../ports.js'
import type { OneRequest } from '../../tuning/request-list.js'
import { CACHE_ORDER } from '../../tuning/requests.js'
import { encodeHeader, TraceBlock, type TraceHeader } from '../../tuning/trace-format.js'
import { TraceFolder, traceName } from './trace-folder.js'

/** How long a record waits to be written, ms. */
const FLUSH_MS = 1000
/** Blocks that wait for the disk; what comes while all are full is lost, and counted. */
const MOST_WAITING = 8
/** A file is ended at this part of all bytes, so that what goes is never more than that. */
const FILES = 8
/** The folder is looked at when we have written this part of it; up to seven processes that write at once stay within the bound. */
const LOOKS = 64

const write = promisify(writeCallback)

export interface TraceWriterOptions {
  readonly folder: string
  readonly maxBytes: number
  readonly crc32: Crc32
  readonly timer: Timer
  /** What the header of the next file says; asked before each block. A cache whose bytes become known begins another file. */
  readonly header: () => Omit<TraceHeader, 'process' | 'part'>
  /** The name of the process, 32 hex digits. */
  readonly process: string
  /** The first part to write. */
  readonly part: number
  /** The disk said no: told once, with the number of records that are lost, and nothing is written any more. */
  readonly failed: (message: string, lost: number) => void
}

interface OpenTrace {
  readonly fd: number
  readonly path: string
  readonly crc: number
  readonly caches: TraceHeader['caches']
  /** Where the next block goes, and its number. */
  end: number
  blocks: number
}

export class TraceWriter {
  readonly #options: TraceWriterOptions
  /** Taken up again once they are written. */
  readonly #free: TraceBlock[] = []
  readonly #waiting: TraceBlock[] = []
  readonly #folder: TraceFolder
  #block = new TraceBlock()
  #file: OpenTrace | undefined
  #part: number
  #sinceLook = Number.POSITIVE_INFINITY
  #cancel: (() => void) | undefined
  #pump: Promise<void> | undefined
  /** The bytes that are on their way, for whoever cannot wait for them. */
  #writing: Uint8Array | undefined
  #recordsWriting = 0
  #over = false

  constructor(options: TraceWriterOptions) {
    this.#options = options
    this.#folder = new TraceFolder(options.folder)
    this.#part = options.part
  }

  /** The part that the next file will be. */
  get part(): number {
    return this.#part
  }

  /** False where the record is lost: the disk is far behind, or failed. */
  add(one: Readonly<OneRequest>, rate: number): boolean {
    if (this.#over) return false
    if (!this.#block.takes(one.at, rate) && !this.#next()) return false
    // It may have failed just now.
    if (this.#over) return false
    this.#block.add(one, rate)
    this.#cancel ??= this.#options.timer(FLUSH_MS, () => this.#flush())
    return true
  }

  /** All records so far are with the system, or lost with a warning. */
  async flushed(): Promise<void> {
    this.#flush()
    await this.#pump
    // Where as many waited as may, the last block found no room before.
    this.#flush()
    await this.#pump
  }

  /** Writes what there is, and ends the file. */
  async close(): Promise<void> {
    await this.flushed()
    this.#end()
  }

  /** The same at once, for a process that ends. */
  closeSync(): void {
    if (this.#over) return
    try {
      // Whether what was on its way has arrived nobody knows: the same bytes once more in the same place.
      if (this.#file && this.#writing) this.#written(writeSync(this.#file, this.#writing))
      this.#writing = undefined
      for (const block of [...this.#waiting, this.#block]) {
        if (block.records === 0) continue
        const file = this.#fileFor()
        this.#written(writeSync(file, block.finish(file.blocks, file.crc, this.#options.crc32)))
      }
    } catch {
      // The process is ending: there is nobody left to tell.
    }
    this.#end()
  }

  /** Puts the block among those that wait, and takes another. */
  #next(): boolean {
    if (this.#waiting.length >= MOST_WAITING) return false
    this.#waiting.push(this.#block)
    this.#block = this.#free.pop() ?? new TraceBlock()
    this.#pump ??= this.#writeAll()
    return true
  }

  #flush(): void {
    this.#cancel?.()
    this.#cancel = undefined
    if (this.#over || this.#block.records === 0 || this.#next()) return
    this.#cancel = this.#options.timer(FLUSH_MS, () => this.#flush())
  }

  async #writeAll(): Promise<void> {
    try {
      for (let block = this.#waiting[0]; block !== undefined && !this.#over; block = this.#waiting[0]) {
        const file = this.#fileFor()
        this.#recordsWriting = block.records
        const bytes = block.finish(file.blocks, file.crc, this.#options.crc32)
        this.#waiting.shift()
        this.#writing = bytes
        for (let done = 0; done < bytes.length; ) {
          done += (await write(file.fd, bytes, done, bytes.length - done, file.end + done)).bytesWritten
        }
        if (this.#over) return
        this.#writing = undefined
        this.#recordsWriting = 0
        this.#written(bytes.length)
        this.#free.push(block)
      }
    } catch (error) {
      this.#fail(error)
    } finally {
      this.#pump = undefined
    }
  }

  #written(bytes: number): void {
    const file = this.#file!
    file.end += bytes
    file.blocks++
    this.#sinceLook += bytes
  }

  /** The file that the next block goes into: another one where this is full, or somebody took it away. */
  #fileFor(): OpenTrace {
    const { folder, maxBytes, crc32, header, process } = this.#options
    const said = header()
    const file = this.#file
    if (
      file &&
      (file.end >= maxBytes / FILES || fstatSync(file.fd).nlink === 0 || saysMore(said.caches, file.caches))
    ) {
      this.#endFile()
    }
    if (this.#sinceLook >= maxBytes / LOOKS) {
      this.#folder.trim(maxBytes - maxBytes / FILES, this.#file?.path)
      this.#sinceLook = 0
    }
    if (this.#file) return this.#file
    const part = this.#part++
    const path = join(folder, traceName(process, part))
    const { bytes, crc } = encodeHeader({ process, part, ...said }, crc32)
    const fd = createFile(path)
    this.#file = { fd, path, crc, caches: said.caches, end: bytes.length, blocks: 0 }
    this.#sinceLook += bytes.length
    writeAt(fd, bytes, 0)
    return this.#file
  }

  #endFile(): void {
    const file = this.#file
    this.#file = undefined
    if (file === undefined) return
    quietly(() => writeSync(file, new TraceBlock().finish(file.blocks, file.crc, this.#options.crc32)))
    quietly(() => closeSync(file.fd))
  }

  #end(): void {
    if (this.#over) return
    this.#over = true
    this.#cancel?.()
    this.#endFile()
  }

  #fail(error: unknown): void {
    if (this.#over) return
    this.#over = true
    this.#cancel?.()
    const file = this.#file
    if (file) {
      quietly(() => closeSync(file.fd))
      // A header without a block, or a part of one, is of use to nobody.
      if (file.blocks === 0) quietly(() => unlink(file.path))
    }
    this.#file = undefined
    const lost = [...this.#waiting, this.#block].reduce((sum, { records }) => sum + records, this.#recordsWriting)
    this.#options.failed(`requests are not traced for now: ${inWords(error)} (${this.#options.folder})`, lost)
  }
}

/** Whether more caches say how many bytes they hold: how many embeddings are is known from the first text on. */
function saysMore(now: TraceHeader['caches'], before: TraceHeader['caches']): boolean {
  return CACHE_ORDER.some(name => now[name]?.bytes !== undefined && before[name]?.bytes === undefined)
}

function writeSync({ fd, end }: OpenTrace, bytes: Uint8Array): number {
  writeAt(fd, bytes, end)
  return bytes.length
}
