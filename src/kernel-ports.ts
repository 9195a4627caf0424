// What arithmetic over many vectors is, on any device. Types only; part of ports.ts.

/** Where arithmetic over many vectors runs. */
export type KernelDevice = 'js' | 'wasm' | 'webgpu'

/**
 * Arithmetic over many vectors on one device. Every device answers as `js` does: scores within 1e-5 times the lengths of
 * the two vectors. Throws and rejects with OpDbusError INVALID_INPUT for sizes that do not fit and numbers that are not
 * finite, DEVICE_UNAVAILABLE where the device has no room, CLOSED after `close`.
 */
export interface Kernels {
  readonly device: KernelDevice
  /** Copies `matrix` (rows x `dims`, row-major) to where it is multiplied. A matrix of no rows is one. */
  load(matrix: Float32Array, dims: number, options?: MatrixOptions): Promise<KernelMatrix>
  /** Scales each row of `matrix` to length 1 in place. Zeros stay zeros; a row with a NaN or infinity stays as it is. */
  normalize(matrix: Float32Array, dims: number): void
  /** Lets go of the device and of every matrix. Closing twice is fine. */
  close(): void
}

export interface MatrixOptions {
  /** Rows that `put` may fill. Default: as many as the matrix has. */
  readonly capacity?: number | undefined
  /** `int8` keeps a quarter of the bytes; `int8Error(row, query)` of `op-dbus/kernels` tells how far a score may be off. */
  readonly precision?: 'float32' | 'int8' | undefined
}

/** Rows that lie where they are multiplied. Calls may overlap; each sees the rows as they were when it was made. */
export interface KernelMatrix {
  /** What multiplies now: a GPU that is lost gives way. */
  readonly device: KernelDevice
  readonly dims: number
  readonly rows: number
  readonly capacity: number
  /** Puts whole rows in from row `first` on, over what is there or right behind it. */
  put(first: number, vectors: Float32Array): void
  /**
   * As {@link put}, for rows that are int8 already: each number of a row is multiplied by the row's scale. An int8 matrix keeps these very
   * bytes. Throws INVALID_INPUT on a matrix of another precision.
   */
  putInt8(first: number, rows: Int8Array, scales: Float32Array): void
  /** Forgets the rows from `rows` on. */
  cut(rows: number): void
  /** A copy of `count` rows from `first` on; of an int8 matrix, what it kept of them. */
  read(first: number, count: number): Float32Array
  /** The dot product of `query` (`dims` floats) with every row. */
  dot(query: Float32Array): Promise<Float32Array>
  /** The `k` rows with the highest dot products, best first, of equal ones the lower row; all rows where there are fewer. */
  nearest(query: Float32Array, k: number, options?: NearestOptions): Promise<NearestRows>
  /** Gives the room back. Freeing twice is fine; any other call afterwards throws CLOSED. */
  free(): void
}

export interface NearestOptions {
  /** Only these rows can be found: rows of the matrix, each higher than the one before. Default: all. */
  readonly among?: Uint32Array | undefined
  /** Which of two rows with equal dot products comes first. Default: `lower`. */
  readonly ties?: 'lower' | 'higher' | undefined
  /** Rows that score less are left out, so that there may be fewer than `k`. Default: none is. */
  readonly least?: number | undefined
}

export interface NearestRows {
  readonly rows: Uint32Array
  /** Of the same rows, in the same order. */
  readonly scores: Float32Array
}
