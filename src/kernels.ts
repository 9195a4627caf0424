// Composition root of `op-dbus/kernels`: vector arithmetic for pages, workers and Node alike. Imports nothing of Node.
import { invalid } from './errors.js'
import { checkOptions, shown } from './kernels/checks.js'
import { type ChosenKernels, chooseKernels, type KernelChoice } from './kernels/choose.js'
import { JsKernels } from './kernels/js.js'
import { openWasmKernels } from './kernels/wasm.js'
import { openWebGpuKernels } from './kernels/webgpu.js'

export { ERROR_CODES, type ErrorCode, isOpDbusError, OpDbusError } from './errors.js'
export { type ChosenKernels, KERNEL_CHOICES, type KernelChoice } from './kernels/choose.js'
export { int8Error } from './kernels/int8.js'
export { type Projection, project } from './kernels/project.js'
export { type Neighbour, VectorIndex, type VectorIndexOptions, type VectorMap } from './kernels/vector-index.js'
export type { KernelDevice, KernelMatrix, Kernels, MatrixOptions, NearestOptions, NearestRows } from './ports.js'

export interface KernelOptions {
  /** Default: `auto`, the fastest that is there, for each matrix by its rows and dims. */
  readonly device?: KernelChoice | undefined
  /** Of the WebAssembly memory. Default: 4 GiB. What does not fit is done in JavaScript's memory. */
  readonly maxWasmBytes?: number | undefined
}

/**
 * Opens kernels; the code is in the bundle, nothing is fetched. With `auto` it never rejects.
 * Rejects with DEVICE_UNAVAILABLE where a device was chosen that is not there or answers wrongly, and with INVALID_INPUT
 * for options that mean nothing.
 */
export async function openKernels(options: KernelOptions = {}): Promise<ChosenKernels> {
  checkOptions(options, 'the options')
  const { maxWasmBytes } = options
  if (maxWasmBytes !== undefined && !(typeof maxWasmBytes === 'number' && maxWasmBytes >= 0))
    throw invalid(`maxWasmBytes must be a number of bytes, 0 or more; got ${shown(maxWasmBytes)}`)
  return chooseKernels(
    {
      js: () => new JsKernels(),
      wasm: () => openWasmKernels({ maxBytes: maxWasmBytes }),
      webgpu: openWebGpuKernels,
      monotonic: () => performance.now(),
    },
    options.device,
  )
}
