// A matrix as a NumPy file, written row by row: the number of rows goes into the header at the end.
import type { Output } from './output/destination.js'

/**
 * The header of version 1.0 (numpy.lib.format): magic, version, length, a Python dict literal, spaces, a newline; always
 * 128 bytes here, so that it can be written again when the shape is known.
 */
function npyHeader(rows: number, columns: number): Uint8Array {
  const dict = `{'descr': '<f4', 'fortran_order': False, 'shape': (${rows}, ${columns}), }`
  const header = new Uint8Array(128).fill(0x20)
  header.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, 118, 0])
  header.set(new TextEncoder().encode(dict), 10)
  header[127] = 0x0a
  return header
}

export class NpyWriter {
  readonly #output: Output
  #rows = 0
  #columns = 0

  private constructor(output: Output) {
    this.#output = output
  }

  /** `output` was opened with `rewritten`. */
  static async begin(output: Output): Promise<NpyWriter> {
    await output.append(npyHeader(0, 0))
    return new NpyWriter(output)
  }

  /** A row of little-endian float32; all rows have the first one's length. */
  write(vector: Float32Array): Promise<void> {
    this.#columns = vector.length
    this.#rows++
    return this.#output.append(new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength))
  }

  async finish(): Promise<void> {
    await this.#output.rewrite(npyHeader(this.#rows, this.#columns))
    await this.#output.finish()
  }
}
