// The bytes of vectors on disk: one record with the floats, one with what a search scans, both of fixed length. Pure; touches no file.
//
//   floats   checksum u32 | state u32 | number f64 | block hash 32 bytes | dims x float32
//   scan     checksum u32 | state u32 | number f64 | timestamp f64 | plugin u32 | operation u32 | scale f32 | 0 u32 | dims x int8, zeros up to 8
//
// Little endian. The checksum is CRC-32 of all that follows it in the record; plugin and operation are CRC-32 of their names, good enough to
// pass most other rows over: what is found is compared with the block itself.
import { quantize } from '../../kernels/int8.js'
import type { Crc32 } from '../../ports.js'
import type { Block } from '../block.js'

/** What a record is: a vector; a block that was pruned since; a text that the embedder refused; a block that was damaged when its turn came. */
export const STATES = { vector: 0, forgotten: 1, refused: 2, damaged: 3 } as const
export type State = keyof typeof STATES
const NAMES = Object.keys(STATES) as State[]

const FLOATS_HEAD = 48
const SCAN_HEAD = 40
const AT = { state: 4, number: 8, hash: 16, timestamp: 16, plugin: 24, operation: 28, scale: 32 } as const

/** A block and its vector: `dims` floats of length 1, or zeros; or why it has none. */
export interface Entry {
  readonly block: Block
  readonly vector: Float32Array | 'refused' | 'damaged'
}

/** What a record of floats says. */
export interface FloatsRecord {
  readonly state: State
  readonly number: number
  readonly hash: string
  readonly vector: Float32Array
}

/** What a record for the scan says; `row` lies in the bytes that it was read from. */
export interface ScanRecord {
  readonly state: State
  readonly number: number
  readonly timestamp: number
  readonly plugin: number
  readonly operation: number
  readonly scale: number
  readonly row: Int8Array
}

/** What a search keeps of records beside their rows: a column for each. */
export interface ScanColumns {
  readonly numbers: Float64Array
  readonly times: Float64Array
  readonly plugins: Uint32Array
  readonly operations: Uint32Array
  /** Numbers of `STATES`. */
  readonly states: Uint8Array
}

export class VectorFormat {
  readonly floatsBytes: number
  readonly scanBytes: number
  readonly #crc32: Crc32

  constructor(
    readonly dims: number,
    crc32: Crc32,
  ) {
    this.floatsBytes = FLOATS_HEAD + 4 * dims
    this.scanBytes = SCAN_HEAD + Math.ceil(dims / 8) * 8
    this.#crc32 = crc32
  }

  /** Records of both kinds for blocks in order. */
  encode(entries: readonly Entry[]): { floats: Uint8Array; scan: Uint8Array } {
    const floats = new Uint8Array(entries.length * this.floatsBytes)
    const scan = new Uint8Array(entries.length * this.scanBytes)
    for (const [i, entry] of entries.entries()) {
      const { block } = entry
      const [state, vector]: [State, Float32Array?] =
        typeof entry.vector === 'string' ? [entry.vector] : ['vector', entry.vector]
      const floatsRecord = floats.subarray(i * this.floatsBytes, (i + 1) * this.floatsBytes)
      for (const [at, byte] of hexBytes(block.hash).entries()) floatsRecord[AT.hash + at] = byte
      if (vector !== undefined)
        floatsRecord.set(new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength), FLOATS_HEAD)
      this.#finish(floatsRecord, state, block.number)

      const scanRecord = scan.subarray(i * this.scanBytes, (i + 1) * this.scanBytes)
      const view = viewOf(scanRecord)
      const { header } = block
      view.setFloat64(AT.timestamp, header.timestamp, true)
      view.setUint32(AT.plugin, this.nameMark(header.plugin), true)
      view.setUint32(AT.operation, this.nameMark(header.operation), true)
      if (vector !== undefined) {
        const scale = new Float32Array(1)
        quantize(
          vector,
          this.dims,
          new Int8Array(scanRecord.buffer, scanRecord.byteOffset + SCAN_HEAD, this.dims),
          scale,
        )
        view.setFloat32(AT.scale, scale[0]!, true)
      }
      this.#finish(scanRecord, state, block.number)
    }
    return { floats, scan }
  }

  /** Undefined where it is damaged. */
  readFloats(record: Uint8Array): FloatsRecord | undefined {
    const view = viewOf(record)
    const state = this.#stateOf(record, view)
    if (state === undefined) return undefined
    const vector = new Float32Array(this.dims)
    new Uint8Array(vector.buffer).set(record.subarray(FLOATS_HEAD))
    const hash = Array.from(record.subarray(AT.hash, FLOATS_HEAD), byte => byte.toString(16).padStart(2, '0')).join('')
    return { state, number: view.getFloat64(AT.number, true), hash, vector }
  }

  /** Undefined where it is damaged. */
  readScan(record: Uint8Array): ScanRecord | undefined {
    const view = viewOf(record)
    const state = this.#stateOf(record, view)
    if (state === undefined) return undefined
    return {
      state,
      number: view.getFloat64(AT.number, true),
      timestamp: view.getFloat64(AT.timestamp, true),
      plugin: view.getUint32(AT.plugin, true),
      operation: view.getUint32(AT.operation, true),
      scale: view.getFloat32(AT.scale, true),
      row: new Int8Array(record.buffer, record.byteOffset + SCAN_HEAD, this.dims),
    }
  }

  /**
   * As `readScan`, of all records that lie in `bytes`: into the columns from `first` on, the scales into `scales`, and the rows one behind the
   * other to the beginning of `bytes`. Returns how many are sound before one that is damaged.
   */
  readScans(bytes: Uint8Array, columns: ScanColumns, first: number, scales: Float32Array): number {
    const { scanBytes, dims } = this
    const view = viewOf(bytes)
    const count = Math.floor(bytes.length / scanBytes)
    for (let i = 0, start = 0; i < count; i++, start += scanBytes) {
      const state = view.getUint32(start + AT.state, true)
      if (view.getUint32(start, true) !== this.#crc32(bytes.subarray(start + 4, start + scanBytes))) return i
      if (state >= NAMES.length) return i
      const at = first + i
      columns.numbers[at] = view.getFloat64(start + AT.number, true)
      columns.times[at] = view.getFloat64(start + AT.timestamp, true)
      columns.plugins[at] = view.getUint32(start + AT.plugin, true)
      columns.operations[at] = view.getUint32(start + AT.operation, true)
      columns.states[at] = state
      scales[i] = view.getFloat32(start + AT.scale, true)
      // Never over a record that is still to be read: a row is shorter than its record.
      bytes.copyWithin(i * dims, start + SCAN_HEAD, start + SCAN_HEAD + dims)
    }
    return count
  }

  /** Which of the records for the scan in `bytes` say that they are of one of these blocks; unchecked. */
  placesOf(bytes: Uint8Array, numbers: ReadonlySet<number>): number[] {
    const view = viewOf(bytes)
    const places: number[] = []
    for (let at = 0, start = 0; start < bytes.length; at++, start += this.scanBytes) {
      if (numbers.has(view.getFloat64(start + AT.number, true))) places.push(at)
    }
    return places
  }

  /** How many of the records for the scan in `bytes` say that they have a vector; unchecked. */
  vectorsIn(bytes: Uint8Array): number {
    const view = viewOf(bytes)
    let count = 0
    for (let start = 0; start < bytes.length; start += this.scanBytes)
      if (view.getUint32(start + AT.state, true) === STATES.vector) count++
    return count
  }

  /** Takes the vector out of a record of either kind, in place: its block was pruned. */
  forget(record: Uint8Array): void {
    const number = viewOf(record).getFloat64(AT.number, true)
    if (record.length === this.floatsBytes) record.fill(0, FLOATS_HEAD)
    else record.fill(0, AT.scale)
    this.#finish(record, 'forgotten', number)
  }

  /** What stands for a plugin or an operation in a scan. */
  nameMark(name: string): number {
    return this.#crc32(utf8.encode(name))
  }

  #finish(record: Uint8Array, state: State, number: number): void {
    const view = viewOf(record)
    view.setUint32(AT.state, STATES[state], true)
    view.setFloat64(AT.number, number, true)
    view.setUint32(0, this.#crc32(record.subarray(4)), true)
  }

  #stateOf(record: Uint8Array, view: DataView): State | undefined {
    if (view.getUint32(0, true) !== this.#crc32(record.subarray(4))) return undefined
    return NAMES[view.getUint32(AT.state, true)]
  }
}

/** A copy of length 1, so that a dot product is a cosine; of zeros, zeros. */
export function unit(vector: Float32Array): Float32Array {
  let squares = 0
  for (const x of vector) squares += x * x
  const factor = squares > 0 ? 1 / Math.sqrt(squares) : 0
  return vector.map(x => x * factor)
}

const utf8 = new TextEncoder()

function viewOf(record: Uint8Array): DataView {
  return new DataView(record.buffer, record.byteOffset, record.byteLength)
}

function hexBytes(hex: string): number[] {
  return Array.from({ length: hex.length / 2 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16))
}
