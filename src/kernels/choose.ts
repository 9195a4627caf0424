// The fastest kernels that are there, for each matrix by its size. Knows no adapter: its maker hands them in.
import { isOpDbusError, messageOf, OpDbusError } from '../errors.js'
import type { KernelDevice, KernelMatrix, Kernels, MatrixOptions, PoolShape } from '../ports.js'
import { rowsOf } from './checks.js'
import { paysFrom } from './trial.js'

/** `auto`: the fastest that is there. Any other: that one, or an error. */
export type KernelChoice = 'auto' | KernelDevice
export const KERNEL_CHOICES: readonly KernelChoice[] = ['auto', 'js', 'wasm', 'webgpu']

export interface KernelParts {
  js(): Kernels
  /** Rejects where it is not there, as `webgpu` does. */
  wasm(): Promise<Kernels>
  /** Answers that are not `reference`'s are its own to refuse. */
  webgpu(host: Kernels, reference: Kernels, onLost: (why: string) => void): Promise<Kernels>
  /** Milliseconds from any start. */
  monotonic(): number
}

export interface ChosenKernels extends Kernels {
  /** What does not serve, and why: missing, wrong, lost, or not faster. A GPU is not tried before it could pay. */
  readonly refused: ReadonlyMap<KernelDevice, string>
}

/**
 * Floats below which a GPU is not even tried (8 MB of float32). WebAssembly searches those in about 0.3 ms; asking a GPU and
 * waiting for its answer took 0.8 ms at best in Chromium (SwiftShader), however little there was to multiply.
 */
export const GPU_TRIED_FROM = 1 << 21

/**
 * Opens kernels. `auto` never rejects: JavaScript is always there. WebAssembly was faster than JavaScript from a single row
 * on, so size does not come into it; from which size on a GPU is faster is measured on the spot, once.
 * Rejects with DEVICE_UNAVAILABLE where a device was chosen that is not there or answers wrongly.
 */
export async function chooseKernels(parts: KernelParts, choice: KernelChoice = 'auto'): Promise<ChosenKernels> {
  if (!KERNEL_CHOICES.includes(choice))
    throw new OpDbusError('INVALID_INPUT', `kernels must be one of ${KERNEL_CHOICES.join(', ')}; got ${choice}`)
  const refused = new Map<KernelDevice, string>()
  const js = parts.js()
  if (choice === 'js') return new Chosen(js, js, refused)
  const host = await parts.wasm().catch(error => {
    if (choice === 'wasm') throw error
    refused.set('wasm', messageOf(error))
    return js
  })
  if (choice === 'wasm') return new Chosen(host, js, refused)
  const openGpu = () => parts.webgpu(host, js, why => refused.set('webgpu', `lost: ${why}`))
  if (choice === 'auto') return new Chosen(host, js, refused, () => fasterGpu(openGpu, host, parts))
  try {
    const gpu = { kernels: await openGpu(), from: 0 }
    return new Chosen(host, js, refused, async () => gpu, 0)
  } catch (error) {
    host.close()
    throw error
  }
}

interface OpenGpu {
  readonly kernels: Kernels
  /** Floats from which on it pays. */
  readonly from: number
}

/** Rejects where there is no GPU, or none that is ever faster. */
async function fasterGpu(open: () => Promise<Kernels>, host: Kernels, { monotonic }: KernelParts): Promise<OpenGpu> {
  const kernels = await open()
  const from = await paysFrom(kernels, host, monotonic)
  if (from < Number.POSITIVE_INFINITY) return { kernels, from }
  kernels.close()
  throw new OpDbusError('DEVICE_UNAVAILABLE', `the GPU is never faster than ${host.device} here`)
}

class Chosen implements ChosenKernels {
  #gpu: Promise<OpenGpu | undefined> | undefined
  #closed = false

  /** `openGpu` is called at most once, for the first matrix of `triedFrom` floats or more. */
  constructor(
    private readonly host: Kernels,
    private readonly js: Kernels,
    readonly refused: Map<KernelDevice, string>,
    private readonly openGpu?: () => Promise<OpenGpu>,
    private readonly triedFrom = GPU_TRIED_FROM,
  ) {}

  /** Of what pools and normalises, and of matrices too small for a GPU. */
  get device(): KernelDevice {
    return this.host.device
  }

  async load(matrix: Float32Array, dims: number, options: MatrixOptions = {}): Promise<KernelMatrix> {
    const floats = Math.max(rowsOf(matrix, dims) * dims, (options.capacity ?? 0) * dims)
    const gpu = options.precision === 'int8' ? undefined : await this.#gpuFor(floats)
    // Whoever has no room gives way to the next; JavaScript has the last word.
    for (const kernels of [gpu, this.host]) {
      if (kernels === undefined || kernels === this.js) continue
      try {
        return await kernels.load(matrix, dims, options)
      } catch (error) {
        if (!isOpDbusError(error, 'DEVICE_UNAVAILABLE')) throw error
        this.refused.set(kernels.device, error.message)
      }
    }
    return this.js.load(matrix, dims, options)
  }

  normalize(matrix: Float32Array, dims: number): void {
    this.host.normalize(matrix, dims)
  }

  meanPool(hidden: Float32Array, mask: Uint8Array, shape: PoolShape): Float32Array {
    return this.host.meanPool(hidden, mask, shape)
  }

  close(): void {
    this.#closed = true
    void this.#gpu?.then(gpu => gpu?.kernels.close())
    this.host.close()
    this.js.close()
  }

  async #gpuFor(floats: number): Promise<Kernels | undefined> {
    if (this.openGpu === undefined || this.#closed || floats < this.triedFrom) return undefined
    this.#gpu ??= this.openGpu().catch(error => {
      this.refused.set('webgpu', messageOf(error))
      return undefined
    })
    const gpu = await this.#gpu
    return gpu !== undefined && floats >= gpu.from ? gpu.kernels : undefined
  }
}
