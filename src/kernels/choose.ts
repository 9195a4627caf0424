// The fastest kernels that are there, for each matrix by its size. Knows no adapter: its maker hands them in.
import { isOpDbusError, messageOf, OpDbusError } from '../errors.js'
import type { KernelDevice, KernelMatrix, Kernels, MatrixOptions } from '../ports.js'
import { matrixShape, shown } from './checks.js'
import { type Pays, whereItPays } from './where-it-pays.js'

/**
 * `auto`: the fastest that is there. A device by its name: that one, or an error where it is not there. Once open, what a device has no room for goes to
 * the next one, and so does all when a GPU is lost.
 */
export type KernelChoice = 'auto' | KernelDevice
export const KERNEL_CHOICES: readonly KernelChoice[] = ['auto', 'js', 'wasm', 'webgpu']

export interface KernelParts {
  js(): Kernels
  /** Rejects where it is not there, as `webgpu` does. */
  wasm(): Promise<Kernels>
  /** Rejects by itself where it does not answer as `reference` does. */
  webgpu(host: Kernels, reference: Kernels, onLost: (why: string) => void): Promise<Kernels>
  /** Milliseconds from any start. */
  monotonic(): number
}

export interface ChosenKernels extends Kernels {
  /**
   * What serves matrices of every size: the device that was asked for by name, and with `auto` WebAssembly, or JavaScript
   * where that is missing. A matrix may be elsewhere, and says so by its own `device`: with `auto` on a GPU where that pays,
   * as int8 never on a GPU, and on the next device where one has no room or a GPU is lost (see `refused`). A GPU leaves
   * normalising to WebAssembly.
   */
  readonly device: KernelDevice
  /** What did not serve, and why: missing, wrong, lost, full, or not faster. A GPU is not tried before it could pay. */
  readonly refused: ReadonlyMap<KernelDevice, string>
}

/**
 * Floats below which a GPU is not even tried (8 MB of float32). WebAssembly searches those in about 0.3 ms; asking a GPU and
 * waiting for its answer took 0.8 ms at best in Chromium (SwiftShader), however little there was to multiply.
 */
export const GPU_TRIED_FROM = 1 << 21

/**
 * Opens kernels. `auto` never rejects: JavaScript is always there. WebAssembly was faster than JavaScript from a single row
 * on, so size does not come into it; for which rows and dims a GPU is faster is measured on the spot, once.
 * Rejects with DEVICE_UNAVAILABLE where a device was chosen that is not there or answers wrongly.
 */
export async function chooseKernels(parts: KernelParts, choice: KernelChoice = 'auto'): Promise<ChosenKernels> {
  if (!KERNEL_CHOICES.includes(choice))
    throw new OpDbusError('INVALID_INPUT', `kernels must be one of ${KERNEL_CHOICES.join(', ')}; got ${shown(choice)}`)
  const refused = new Map<KernelDevice, string>()
  const js = parts.js()
  if (choice === 'js') return new Chosen(js, js, js, refused)
  const host = await parts.wasm().catch(error => {
    if (choice === 'wasm') throw error
    refused.set('wasm', messageOf(error))
    return js
  })
  if (choice === 'wasm') return new Chosen(host, host, js, refused)
  const openGpu = () => parts.webgpu(host, js, why => refused.set('webgpu', `lost: ${why}`))
  if (choice === 'auto') {
    const gpu = new LateGpu(
      () => fasterGpu(openGpu, host, parts),
      why => refused.set('webgpu', why),
    )
    return new Chosen(host, host, js, refused, gpu)
  }
  try {
    return new Chosen(await openGpu(), host, js, refused)
  } catch (error) {
    host.close()
    throw error
  }
}

interface OpenGpu {
  readonly kernels: Kernels
  readonly pays: Pays
}

/** Rejects where there is no GPU, or none that is ever faster. */
async function fasterGpu(open: () => Promise<Kernels>, host: Kernels, { monotonic }: KernelParts): Promise<OpenGpu> {
  const kernels = await open()
  const pays = await whereItPays(kernels, host, monotonic)
  if (pays !== undefined) return { kernels, pays }
  kernels.close()
  throw new OpDbusError('DEVICE_UNAVAILABLE', `the GPU is never faster than ${host.device} here`)
}

/** A GPU that is opened, at most once, for the first matrix that is large enough to try it. */
class LateGpu {
  #gpu: Promise<OpenGpu | undefined> | undefined

  constructor(
    private readonly open: () => Promise<OpenGpu>,
    private readonly onRefused: (why: string) => void,
  ) {}

  /** The GPU where it pays, or undefined. */
  async for(rows: number, dims: number): Promise<Kernels | undefined> {
    if (rows * dims < GPU_TRIED_FROM) return undefined
    this.#gpu ??= this.open().catch(error => {
      this.onRefused(messageOf(error))
      return undefined
    })
    const gpu = await this.#gpu
    return gpu?.pays(rows, dims) ? gpu.kernels : undefined
  }

  close(): void {
    void this.#gpu?.then(gpu => gpu?.kernels.close())
  }
}

class Chosen implements ChosenKernels {
  #closed = false

  /** `first` serves every size and `host` works on this thread: the same, where `first` is no GPU. */
  constructor(
    private readonly first: Kernels,
    private readonly host: Kernels,
    private readonly js: Kernels,
    readonly refused: Map<KernelDevice, string>,
    private readonly late?: LateGpu,
  ) {}

  get device(): KernelDevice {
    return this.first.device
  }

  async load(matrix: Float32Array, dims: number, options: MatrixOptions = {}): Promise<KernelMatrix> {
    const { capacity, precision } = matrixShape(matrix, dims, options)
    const late = precision === 'int8' || this.#closed ? undefined : await this.late?.for(capacity, dims)
    for (const kernels of new Set([late, this.first, this.host])) {
      if (kernels === undefined || kernels === this.js) continue
      try {
        return await kernels.load(matrix, dims, options)
      } catch (error) {
        this.#giveWay(kernels, error)
      }
    }
    return this.js.load(matrix, dims, options)
  }

  normalize(matrix: Float32Array, dims: number): void {
    this.#onHost(kernels => kernels.normalize(matrix, dims))
  }

  close(): void {
    this.#closed = true
    this.late?.close()
    for (const kernels of [this.first, this.host, this.js]) kernels.close()
  }

  #onHost<T>(work: (kernels: Kernels) => T): T {
    if (this.host === this.js) return work(this.js)
    try {
      return work(this.host)
    } catch (error) {
      this.#giveWay(this.host, error)
      return work(this.js)
    }
  }

  /** Whoever has no room gives way to the next; JavaScript has the last word. Every other error is the caller's. */
  #giveWay(kernels: Kernels, error: unknown): void {
    if (!isOpDbusError(error, 'DEVICE_UNAVAILABLE')) throw error
    this.refused.set(kernels.device, error.message)
  }
}
