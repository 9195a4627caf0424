// The kernels on a GPU, through WebGPU. Serves only after it answered as the reference does; gives way to the host when lost.
import { messageOf, OpDbusError } from '../errors.js'
import type { KernelDevice, KernelMatrix, Kernels, MatrixOptions } from '../ports.js'
import { selfCheck } from './self-check.js'
import { Gpu } from './webgpu/gpu.js'
import { GpuMatrix } from './webgpu/matrix.js'

/**
 * Opens a GPU. `host` keeps every row as well, does what a GPU is not for (`int8`, normalising), and answers when
 * the GPU is lost; it stays its owner's. `onLost` is told why, once. `reference` is what the GPU has to agree with before it serves.
 * Rejects with DEVICE_UNAVAILABLE: no WebGPU, no adapter, no device, or wrong answers.
 */
export async function openWebGpuKernels(
  host: Kernels,
  reference: Kernels,
  onLost: (why: string) => void = () => {},
): Promise<Kernels> {
  const gpu = await Gpu.open(await requestDevice(), onLost).catch(error => {
    throw error instanceof OpDbusError ? error : unavailable(`its shaders do not compile: ${messageOf(error)}`, error)
  })
  const kernels = new WebGpuKernels(gpu, host)
  try {
    await selfCheck(kernels, reference)
    if (gpu.lost !== undefined) throw unavailable(gpu.lost)
    return kernels
  } catch (error) {
    kernels.close()
    throw error
  }
}

async function requestDevice(): Promise<GPUDevice> {
  const gpu = (globalThis as { navigator?: { gpu?: GPU } }).navigator?.gpu
  if (gpu === undefined) throw unavailable('this runtime has none (browsers: only on https and localhost)')
  try {
    const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' })
    if (adapter === null) throw new Error('there is no adapter')
    // The defaults are what every phone can; a matrix in one piece is faster.
    const { maxStorageBufferBindingSize, maxBufferSize } = adapter.limits
    return await adapter.requestDevice({ requiredLimits: { maxStorageBufferBindingSize, maxBufferSize } })
  } catch (error) {
    throw unavailable(messageOf(error), error)
  }
}

function unavailable(why: string, cause?: unknown): OpDbusError {
  return new OpDbusError('DEVICE_UNAVAILABLE', `no WebGPU kernels here: ${why}`, { cause })
}

class WebGpuKernels implements Kernels {
  readonly #gpu: Gpu
  readonly #host: Kernels
  readonly #matrices = new Set<GpuMatrix>()
  #closed = false

  constructor(gpu: Gpu, host: Kernels) {
    this.#gpu = gpu
    this.#host = host
  }

  get device(): KernelDevice {
    return this.#gpu.lost === undefined ? 'webgpu' : this.#host.device
  }

  async load(matrix: Float32Array, dims: number, options: MatrixOptions = {}): Promise<KernelMatrix> {
    this.#check()
    const inMemory = await this.#host.load(matrix, dims, options)
    if (options.precision === 'int8' || this.#gpu.lost !== undefined) return inMemory
    let loaded: GpuMatrix | undefined
    const refusal = await this.#gpu.refusalOf(() => {
      loaded = new GpuMatrix(this.#gpu, inMemory, matrix => this.#matrices.delete(matrix))
    })
    if (loaded !== undefined && refusal === undefined) {
      this.#matrices.add(loaded)
      return loaded
    }
    loaded?.free()
    inMemory.free()
    throw unavailable(`${inMemory.capacity} rows of ${dims} floats do not fit: ${refusal}`)
  }

  normalize(matrix: Float32Array, dims: number): void {
    this.#check()
    this.#host.normalize(matrix, dims)
  }

  close(): void {
    this.#closed = true
    for (const matrix of [...this.#matrices]) matrix.free()
    this.#gpu.device.destroy()
  }

  #check(): void {
    if (this.#closed) throw new OpDbusError('CLOSED', 'these kernels were closed')
  }
}
