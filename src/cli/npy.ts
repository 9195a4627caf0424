// A matrix as a NumPy file, written row by row: the number of rows goes into the header at the end.
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { messageOf, OpDbusError } from '../errors.js'

/**
 * The header of version 1.0 (numpy.lib.format): magic, version, length, a Python dict literal, spaces, a newline; always
 * 128 bytes here, so that it can be written again when the shape is known.
 */
export function npyHeader(rows: number, columns: number): Uint8Array {
  const dict = `{'descr': '<f4', 'fortran_order': False, 'shape': (${rows}, ${columns}), }`
  const header = new Uint8Array(128).fill(0x20)
  header.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, 118, 0])
  header.set(new TextEncoder().encode(dict), 10)
  header[127] = 0x0a
  return header
}

/** Writes beside `path` and renames at the end: `path` is never a half-written file. */
export class NpyWriter {
  #rows = 0
  #columns = 0
  #buffered: Uint8Array[] = []
  #bufferedBytes = 0

  private constructor(
    private readonly path: string,
    private readonly temporary: string,
    private readonly file: FileHandle,
  ) {}

  static async open(path: string): Promise<NpyWriter> {
    const temporary = `${path}.${process.pid}.tmp`
    return onDisk(path, async () => {
      const file = await open(temporary, 'wx', 0o666)
      await file.write(npyHeader(0, 0))
      return new NpyWriter(path, temporary, file)
    })
  }

  /** A row of little-endian float32; all rows have the first one's length. */
  async write(vector: Float32Array): Promise<void> {
    this.#columns = vector.length
    this.#rows++
    this.#buffered.push(new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength))
    this.#bufferedBytes += vector.byteLength
    if (this.#bufferedBytes >= 1 << 20) await this.#flush()
  }

  async finish(): Promise<void> {
    await this.#flush()
    await onDisk(this.path, async () => {
      await this.file.write(npyHeader(this.#rows, this.#columns), 0, 128, 0)
      await this.file.close()
      await rename(this.temporary, this.path)
    })
  }

  /** Leaves nothing behind. */
  async abandon(): Promise<void> {
    await this.file.close().catch(() => {})
    await rm(this.temporary, { force: true }).catch(() => {})
  }

  async #flush(): Promise<void> {
    const parts = this.#buffered
    this.#buffered = []
    this.#bufferedBytes = 0
    if (parts.length > 0) await onDisk(this.path, () => this.file.appendFile(Buffer.concat(parts)))
  }
}

async function onDisk<T>(path: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    throw new OpDbusError('STORE', `cannot write ${path}: ${messageOf(error)}`, { cause: error })
  }
}
