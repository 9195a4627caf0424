// The vectors of one space on the disk: two files of records, and a seal that says how far they go. One process writes at a time (see
// vector-folder.ts), any number read. Computes no vector.
//
//   floats   records of floats    scan   what a search scans: see ../vectors/format.ts
//   seal     how far these two go (JSON, replaced as a whole): what lies behind is not there
import { randomBytes } from 'node:crypto'
import { closeSync, fstatSync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { yieldToEventLoop } from '../../cache/yield-to-event-loop.js'
import { isOpDbusError, messageOf, OpDbusError } from '../../errors.js'
import { errnoOf } from '../../fs/errno.js'
import { readAt, readSmall, statOf } from '../../fs/files.js'
import { replaceWith } from '../../fs/replace.js'
import { type Entry, type FloatsRecord, type ScanRecord, VectorFormat } from '../vectors/format.js'

/** Bytes of `space` and `seal`. */
const MOST_BYTES = 65_536
/** Records that are looked at in one piece when vectors are forgotten or counted. */
const PIECE = 4096

/** What made the vectors of a folder. */
export interface SpaceRecord {
  readonly space: string
  readonly dims: number
  /** The model's name; absent for an embedder of the user's own. */
  readonly model?: string
}

/** How far the vectors of a space go. */
export interface Seal {
  /** Another one after every change of what was sealed before: who has read it reads it again. */
  readonly generation: string
  readonly records: number
  /** The first block that was not looked at. */
  readonly next: number
  /** `BlockStore.rewrites` when that was so. */
  readonly rewrites: string
}

const NO_SEAL: Seal = { generation: '', records: 0, next: 0, rewrites: '' }

/** The vectors of one space, as far as they are sealed. */
export class VectorReader {
  readonly format: VectorFormat

  constructor(
    protected readonly dir: string,
    readonly record: SpaceRecord,
    private readonly floats: number,
    private readonly scan: number,
  ) {
    this.format = new VectorFormat(record.dims, crc32)
  }

  /** How far they go now; nothing where nobody can tell. */
  seal(): Seal {
    const { checksum, ...seal } = (readJson(join(this.dir, 'seal')) ?? {}) as Partial<Seal> & { checksum?: unknown }
    // All that is here rests on it: a number that is another one would hide vectors, or show what is none.
    return checksum === checksumOf(seal) ? (seal as Seal) : NO_SEAL
  }

  /** What is wrong with the seal itself, or with the files that it speaks of; none where nothing was ever sealed. @throws OpDbusError STORE */
  sealFault(): string | undefined {
    return this.guarded(() => {
      const { generation, records } = this.seal()
      // A writer cuts the seal first, then the files.
      if (this.whole() < records && this.seal().generation === generation)
        return `there are fewer vectors in ${this.dir} than were sealed`
      if (generation !== '') return undefined
      const isThere = (name: string) => statOf(join(this.dir, name)) !== undefined
      // Nothing was sealed yet, or the folder was just removed.
      if (!isThere('seal') && (this.whole() === 0 || !isThere('floats'))) return undefined
      return `the seal of the vectors in ${this.dir} is damaged`
    })
  }

  /** Records that have a vector, as they say themselves. @throws OpDbusError STORE */
  async vectors(): Promise<number> {
    const { records } = this.seal()
    const room = new Uint8Array(PIECE * this.format.scanBytes)
    let count = 0
    for (let place = 0; place < records; place += PIECE) {
      count += this.format.vectorsIn(this.readScan(place, Math.min(PIECE, records - place), room))
      await yieldToEventLoop()
    }
    return count
  }

  /** What a search scans of `count` records from `place` on, in `room`; fewer where the file ends before. @throws OpDbusError STORE */
  readScan(place: number, count: number, room = new Uint8Array(count * this.format.scanBytes)): Uint8Array {
    return this.guarded(() => {
      const { scanBytes } = this.format
      const bytes = room.subarray(0, count * scanBytes)
      const read = readAt(this.scan, bytes, place * scanBytes)
      return bytes.subarray(0, read - (read % scanBytes))
    })
  }

  /** Undefined where it is damaged. @throws OpDbusError STORE */
  floatsAt(place: number): FloatsRecord | undefined {
    return this.guarded(() => {
      const bytes = new Uint8Array(this.format.floatsBytes)
      const whole = readAt(this.floats, bytes, place * bytes.length) === bytes.length
      return whole ? this.format.readFloats(bytes) : undefined
    })
  }

  /** Undefined where it is damaged. @throws OpDbusError STORE */
  scanAt(place: number): ScanRecord | undefined {
    const bytes = this.readScan(place, 1)
    return bytes.length > 0 ? this.format.readScan(bytes) : undefined
  }

  /** Records that both files have room for. */
  whole(): number {
    const of = (fd: number, bytes: number) => Math.floor(fstatSync(fd).size / bytes)
    return Math.min(of(this.floats, this.format.floatsBytes), of(this.scan, this.format.scanBytes))
  }

  close(): void {
    closeSync(this.floats)
    closeSync(this.scan)
  }

  protected guarded<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      throw told(error, this.dir)
    }
  }
}

/** The one that writes: who holds the lock. */
export class VectorWriter extends VectorReader {
  readonly #floats: FileHandle
  readonly #scan: FileHandle
  #seal: Seal
  /** What was damaged when it was opened: then all behind it is made anew. */
  readonly damage: string | undefined

  constructor(dir: string, record: SpaceRecord, floats: FileHandle, scan: FileHandle) {
    super(dir, record, floats.fd, scan.fd)
    this.#floats = floats
    this.#scan = scan
    this.#seal = super.seal()
    this.damage = super.sealFault()
  }

  /** What it sealed last: nobody else does. */
  override seal(): Seal {
    return this.#seal
  }

  /** Takes away what a writer that was killed has left behind the seal, and a seal over more than there is. */
  async mend(): Promise<void> {
    const whole = this.whole()
    if (this.#seal.generation === '' || whole < this.#seal.records) await this.cut(Math.min(whole, this.#seal.records))
    else await this.#truncate(this.#seal.records)
  }

  /** Puts records behind the last, durably, and says that all blocks before `next` were looked at. @throws OpDbusError STORE: then nothing of it is there */
  async append(entries: readonly Entry[], next: number, rewrites: string): Promise<void> {
    const { records } = this.#seal
    await this.#told(async () => {
      if (entries.length > 0) {
        const { floats, scan } = this.format.encode(entries)
        await writeAll(this.#floats, floats, records * this.format.floatsBytes)
        await writeAll(this.#scan, scan, records * this.format.scanBytes)
        await this.#sync()
      }
      await this.#put({ ...this.#seal, records: records + entries.length, next, rewrites })
    })
  }

  /** Forgets the records from `records` on; the blocks behind the last that stays are looked at again. @throws OpDbusError STORE */
  async cut(records: number, rewrites = this.#seal.rewrites): Promise<void> {
    await this.#told(async () => {
      const last = records === 0 ? undefined : this.scanAt(records - 1)
      // What cannot be read is no end either.
      const kept = last === undefined ? 0 : records
      const next = last === undefined ? 0 : last.number + 1
      await this.#put({ ...this.#seal, generation: randomBytes(8).toString('hex'), records: kept, next, rewrites })
      await this.#truncate(kept)
    })
  }

  /** Takes out the vectors of these blocks. `rewrites`: the word of the chain that has them no more. @throws OpDbusError STORE */
  async forget(numbers: ReadonlySet<number>, rewrites = this.#seal.rewrites): Promise<void> {
    await this.#told(async () => {
      const { scanBytes } = this.format
      const { records } = this.#seal
      const room = new Uint8Array(PIECE * scanBytes)
      let count = 0
      for (let place = 0; place < records; place += PIECE) {
        const piece = this.readScan(place, Math.min(PIECE, records - place), room)
        for (const at of this.format.placesOf(piece, numbers)) {
          if (await this.#forgetOne(place + at, piece.subarray(at * scanBytes, (at + 1) * scanBytes))) count++
        }
        await yieldToEventLoop()
      }
      if (count > 0) await this.#sync()
      const generation = count > 0 ? randomBytes(8).toString('hex') : this.#seal.generation
      if (count > 0 || rewrites !== this.#seal.rewrites) await this.#put({ ...this.#seal, generation, rewrites })
    })
  }

  /** Puts the vectors of these blocks where they had a record without one. @throws OpDbusError STORE */
  async fill(entries: readonly Entry[]): Promise<void> {
    await this.#told(async () => {
      const { scanBytes, floatsBytes } = this.format
      const { records } = this.#seal
      const byNumber = new Map(entries.map(entry => [entry.block.number, entry]))
      const numbers = new Set(byNumber.keys())
      const room = new Uint8Array(PIECE * scanBytes)
      for (let place = 0; place < records; place += PIECE) {
        const piece = this.readScan(place, Math.min(PIECE, records - place), room)
        for (const at of this.format.placesOf(piece, numbers)) {
          const there = this.format.readScan(piece.subarray(at * scanBytes, (at + 1) * scanBytes))
          if (there?.state !== 'damaged') continue
          const { floats, scan } = this.format.encode([byNumber.get(there.number)!])
          await writeAll(this.#floats, floats, (place + at) * floatsBytes)
          await writeAll(this.#scan, scan, (place + at) * scanBytes)
        }
        await yieldToEventLoop()
      }
      await this.#sync()
      await this.#put({ ...this.#seal, generation: randomBytes(8).toString('hex') })
    })
  }

  /** False where there was nothing to forget. */
  async #forgetOne(place: number, scan: Uint8Array): Promise<boolean> {
    const { format } = this
    if ((format.readScan(scan)?.state ?? 'forgotten') === 'forgotten') return false
    const floats = new Uint8Array(format.floatsBytes)
    await this.#floats.read(floats, 0, floats.length, place * floats.length)
    format.forget(floats)
    format.forget(scan)
    await writeAll(this.#floats, floats, place * floats.length)
    await writeAll(this.#scan, scan, place * scan.length)
    return true
  }

  override close(): never {
    throw new Error('a writer ends with `end`')
  }

  async end(): Promise<void> {
    await this.#floats.close()
    await this.#scan.close()
  }

  async #truncate(records: number): Promise<void> {
    await this.#floats.truncate(records * this.format.floatsBytes)
    await this.#scan.truncate(records * this.format.scanBytes)
  }

  async #sync(): Promise<void> {
    await this.#floats.datasync()
    await this.#scan.datasync()
  }

  async #put(seal: Seal): Promise<void> {
    await putJson(join(this.dir, 'seal'), { ...seal, checksum: checksumOf(seal) })
    this.#seal = seal
  }

  async #told<T>(work: () => Promise<T>): Promise<T> {
    return work().catch(error => {
      throw told(error, this.dir)
    })
  }
}

function checksumOf({ generation, records, next, rewrites }: Partial<Seal>): number {
  return crc32(JSON.stringify([generation, records, next, rewrites]))
}

export function readJson(path: string): unknown {
  const text = readSmall(path, MOST_BYTES)
  try {
    const value: unknown = text === undefined ? undefined : JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}

export async function putJson(path: string, value: unknown): Promise<void> {
  await replaceWith(path, 0o600, file => file.writeFile(`${JSON.stringify(value)}\n`))
}

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await file.write(bytes, done, bytes.length - done, position + done)).bytesWritten
  }
}

export function told(cause: unknown, dir: string): unknown {
  if (isOpDbusError(cause) || errnoOf(cause) === undefined) return cause
  return new OpDbusError('STORE', `cannot keep the vectors of blocks in ${dir}: ${messageOf(cause)}`, {
    cause,
    details: { dir },
  })
}
