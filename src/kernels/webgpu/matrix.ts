// A matrix on a GPU. The host keeps the same rows: it reads them back, checks what is asked, and answers if the GPU cannot.
import { messageOf } from '../../errors.js'
import type { KernelDevice, KernelMatrix, NearestOptions, NearestRows } from '../../ports.js'
import { checkCount, checkVector } from '../checks.js'
import { topK } from '../top-k.js'
import type { Gpu } from './gpu.js'
import { DOT_ROWS, MAX_K, SORTED } from './shaders.js'

/** Bytes that go to the GPU in one piece. */
const PIECE = 16 << 20

/** Rows in one buffer: a GPU binds no more than so many bytes at once. */
interface Slab {
  readonly first: number
  readonly buffer: GPUBuffer
}

export class GpuMatrix implements KernelMatrix {
  readonly #gpu: Gpu
  readonly #host: KernelMatrix
  readonly #slabs: Slab[] = []
  readonly #slabRows: number
  /** vec4s of a row. */
  readonly #width: number
  readonly #query: GPUBuffer
  readonly #scores: GPUBuffer
  /** What passes of `topK` read and write in turn. */
  readonly #best: readonly [GPUBuffer, GPUBuffer]
  readonly #onFree: (matrix: GpuMatrix) => void
  #freed = false

  /** Takes `host` over: freed with this matrix, which `onFree` is told. */
  constructor(gpu: Gpu, host: KernelMatrix, onFree: (matrix: GpuMatrix) => void) {
    this.#gpu = gpu
    this.#host = host
    this.#onFree = onFree
    const { capacity, dims } = host
    this.#width = Math.ceil(dims / 4)
    const rowBytes = 16 * this.#width
    const { maxStorageBufferBindingSize, maxBufferSize } = gpu.device.limits
    this.#slabRows = Math.max(1, Math.floor(Math.min(maxStorageBufferBindingSize, maxBufferSize) / rowBytes))
    for (let first = 0; first < capacity; first += this.#slabRows) {
      const rows = Math.min(this.#slabRows, capacity - first)
      this.#slabs.push({ first, buffer: gpu.buffer(rows * rowBytes) })
    }
    this.#query = gpu.buffer(rowBytes)
    this.#scores = gpu.buffer(4 * capacity)
    const chunks = Math.ceil(capacity / SORTED)
    this.#best = [gpu.buffer(8 * MAX_K * chunks), gpu.buffer(8 * MAX_K * chunks)]
    this.#upload(0, host.read(0, host.rows))
  }

  get device(): KernelDevice {
    return this.#gpu.lost === undefined ? 'webgpu' : this.#host.device
  }

  get dims(): number {
    return this.#host.dims
  }

  get rows(): number {
    return this.#host.rows
  }

  get capacity(): number {
    return this.#host.capacity
  }

  put(first: number, vectors: Float32Array): void {
    this.#host.put(first, vectors)
    if (this.#gpu.lost === undefined) this.#upload(first, vectors)
  }

  /** Refused by the host: what a GPU has is float32. */
  putInt8(first: number, rows: Int8Array, scales: Float32Array): void {
    this.#host.putInt8(first, rows, scales)
  }

  cut(rows: number): void {
    this.#host.cut(rows)
  }

  read(first: number, count: number): Float32Array {
    return this.#host.read(first, count)
  }

  async dot(query: Float32Array): Promise<Float32Array> {
    const rows = this.#host.rows
    return this.#orHost(
      query,
      async () => {
        const bytes = await this.#gpu.answer(4 * rows, () => this.#multiply(query, rows))
        return new Float32Array(bytes)
      },
      () => this.#host.dot(query),
    )
  }

  async nearest(query: Float32Array, k: number, options: NearestOptions = {}): Promise<NearestRows> {
    checkCount(k, 'k')
    // The shaders know all rows, whatever they score, and ties that go to the lower one.
    const { among, ties, least } = options ?? {}
    if (among !== undefined || ties !== undefined || least !== undefined) return this.#host.nearest(query, k, options)
    const rows = this.#host.rows
    const wanted = Math.min(k, rows)
    if (wanted > MAX_K || wanted === 0) return topK(await this.dot(query), k)
    return this.#orHost(
      query,
      async () => {
        const bytes = await this.#gpu.answer(8 * wanted, () => this.#select(this.#multiply(query, rows), rows, wanted))
        const [scores, indices] = [new Float32Array(bytes), new Uint32Array(bytes)]
        return {
          rows: Uint32Array.from({ length: wanted }, (_, i) => indices[2 * i + 1]!),
          scores: Float32Array.from({ length: wanted }, (_, i) => scores[2 * i]!),
        }
      },
      () => this.#host.nearest(query, k),
    )
  }

  free(): void {
    this.#host.free()
    if (this.#freed) return
    this.#freed = true
    this.#onFree(this)
    for (const { buffer } of this.#slabs) buffer.destroy()
    for (const buffer of [this.#query, this.#scores, ...this.#best]) buffer.destroy()
  }

  /** The GPU's answer, or the host's. */
  async #orHost<T>(query: Float32Array, onGpu: () => Promise<T>, onHost: () => Promise<T>): Promise<T> {
    checkVector(query, this.dims)
    if (this.#gpu.lost !== undefined || this.#freed || this.#host.rows === 0) return onHost()
    try {
      return await onGpu()
    } catch (error) {
      // Freed on the way: the host says so. Otherwise it was the GPU.
      if (!this.#freed) this.#gpu.lose(messageOf(error))
      return onHost()
    }
  }

  #multiply(query: Float32Array, rows: number): GPUBuffer {
    const padded = new Float32Array(4 * this.#width)
    padded.set(query)
    this.#gpu.device.queue.writeBuffer(this.#query, 0, padded)
    for (const { first, buffer } of this.#slabs) {
      const count = Math.min(this.#slabRows, rows - first)
      if (count <= 0) break
      const buffers = [buffer, this.#query, this.#scores]
      this.#gpu.run(this.#gpu.dotRows, [count, this.#width, first], buffers, Math.ceil(count / DOT_ROWS))
    }
    return this.#scores
  }

  /** The first `k` entries of the buffer that comes back are the best of all, in order. */
  #select(scores: GPUBuffer, rows: number, k: number): GPUBuffer {
    let [from, to] = this.#best
    for (let count = rows, plain = 1; ; plain = 0) {
      const chunks = Math.ceil(count / SORTED)
      this.#gpu.run(this.#gpu.topK, [count, k, plain], [scores, from, to], chunks)
      if (chunks === 1) return to
      count = chunks * k
      ;[from, to] = [to, from]
    }
  }

  #upload(first: number, vectors: Float32Array): void {
    const { dims } = this
    const pieceRows = Math.max(1, Math.floor(PIECE / (16 * this.#width)))
    const count = vectors.length / dims
    for (let done = 0; done < count; ) {
      const row = first + done
      const slab = this.#slabs[Math.floor(row / this.#slabRows)]!
      const rows = Math.min(count - done, pieceRows, slab.first + this.#slabRows - row)
      const piece = this.#padded(vectors.subarray(done * dims, (done + rows) * dims), rows)
      this.#gpu.device.queue.writeBuffer(slab.buffer, (row - slab.first) * 16 * this.#width, piece)
      done += rows
    }
  }

  /** The same rows, each with zeros up to a whole number of vec4s. */
  #padded(vectors: Float32Array, rows: number): Float32Array<ArrayBuffer> {
    const { dims } = this
    const width = 4 * this.#width
    if (width === dims) return vectors as Float32Array<ArrayBuffer>
    const padded = new Float32Array(rows * width)
    for (let row = 0; row < rows; row++) padded.set(vectors.subarray(row * dims, (row + 1) * dims), row * width)
    return padded
  }
}
