// What the WebGPU tests run in a page: both sides are computed there, only what differs comes back.

import { JsKernels } from '../../src/kernels/js.js'
import { openWebGpuKernels } from '../../src/kernels/webgpu.js'
import {
  isOpDbusError,
  type KernelChoice,
  type KernelMatrix,
  type Kernels,
  openKernels,
  project,
} from '../../src/kernels.js'
import { farthest, randomMatrix } from './kernels.js'

export interface Compared {
  readonly device: string
  readonly rows: number
  /** Largest difference of a score. */
  readonly apart: number
  /** Places where another row stands, with a score that is no tie. */
  readonly misplaced: number
}

/** Opened once in a page: compiling its shaders takes a second without a GPU. */
let opened: Promise<Kernels> | undefined
const js = new JsKernels()
function openGpu(): Promise<Kernels> {
  opened ??= openWebGpuKernels(js, new JsKernels())
  return opened
}

/** Same matrix and query on WebGPU and in JavaScript, in vectors of length 1. `twins` makes every fourth row a copy. */
export async function compare(
  rows: number,
  dims: number,
  k: number,
  twins = false,
  maxBinding?: number,
): Promise<Compared> {
  if (maxBinding !== undefined) limitBinding(maxBinding)
  const gpu = await openGpu()
  const matrix = randomMatrix(rows, dims)
  js.normalize(matrix, dims)
  for (let row = 4; twins && row < rows; row += 4) matrix.copyWithin(row * dims, 0, dims)
  const query = randomMatrix(1, dims, 99)
  js.normalize(query, dims)
  const [asked, known] = [await gpu.load(matrix, dims), await js.load(matrix, dims)]
  const exact = await known.dot(query)
  const scores = await asked.dot(query)
  const [found, expected] = [await asked.nearest(query, k), await known.nearest(query, k)]
  let misplaced = found.rows.length === expected.rows.length ? 0 : 1e9
  for (const [place, row] of expected.rows.entries()) {
    const other = found.rows[place]!
    const tie = Math.abs(exact[other]! - exact[row]!)
    if (other !== row && !(tie > 0 && tie < 1e-6)) misplaced++
  }
  const compared = { device: asked.device, rows: asked.rows, apart: farthest(scores, exact), misplaced }
  asked.free()
  known.free()
  return compared
}

/** The largest difference between the map that the GPU draws and the reference's, signs of axes apart. */
export async function maps(rows: number, dims: number): Promise<number> {
  // Three directions, each less than half as wide as the one before: two axes that no rounding turns.
  const [along, axes] = [randomMatrix(rows, 3), randomMatrix(3, dims, 7)]
  const matrix = Float32Array.from({ length: rows * dims }, (_, i) => {
    const [row, d] = [Math.floor(i / dims), i % dims]
    return [1, 0.4, 0.02].reduce((sum, width, a) => sum + width * along[3 * row + a]! * axes[a * dims + d]!, 0)
  })
  const gpu = await openGpu()
  const [ours, known] = [
    await project(gpu, await gpu.load(matrix, dims)),
    await project(js, await js.load(matrix, dims)),
  ].map(({ points }) => [0, 1].map(axis => points.filter((_, i) => i % 2 === axis)))
  const apart = [0, 1].map(axis => {
    const [a, b] = [ours![axis]!, known![axis]!]
    return Math.min(
      farthest(a, b),
      farthest(
        a,
        b.map(value => -value),
      ),
    )
  })
  return Math.max(...apart)
}

/** Random puts and cuts on both sides; the largest difference on the way. */
export async function changes(seed: number): Promise<number> {
  const gpu = await openGpu()
  const dims = 6
  const [asked, known] = [js, gpu].map(kernels => kernels.load(new Float32Array(0), dims, { capacity: 50 }))
  const [a, b] = [await asked!, await known!]
  let most = 0
  for (let step = 0; step < 30; step++) {
    const random = randomMatrix(8, dims, seed + step)
    const rows = 1 + (step % 7)
    const first = step % 3 === 0 ? a.rows >> 1 : a.rows
    for (const matrix of [a, b]) {
      if (step % 5 === 4) matrix.cut(first >> 1)
      else matrix.put(first, random.subarray(0, Math.min(rows, 50 - first) * dims))
    }
    const query = random.subarray(0, dims)
    most = Math.max(most, farthest(await b.dot(query), await a.dot(query)))
  }
  return most
}

/** Many searches and changes at once, none awaited before the next: each has to see what was there when it was asked. */
export async function overlapping(): Promise<number[]> {
  const gpu = await openGpu()
  const matrix = await gpu.load(new Float32Array(40), 4)
  const answers: Promise<Float32Array>[] = []
  for (let i = 1; i <= 20; i++) {
    matrix.put(3, Float32Array.of(i, 0, 0, 0))
    answers.push(matrix.dot(Float32Array.of(i, 1, 1, 1)))
  }
  const found = (await Promise.all(answers)).map(scores => scores[3]!)
  return found
}

/** Loses the device while a search is under way, and says who answered what. */
export async function losing() {
  const devices = collectDevices()
  const kernels = await openKernels({ device: 'webgpu' })
  const matrix = randomMatrix(3000, 16)
  const loaded = await kernels.load(matrix, 16)
  const query = matrix.slice(16 * 77, 16 * 78)
  kernels.normalize(query, 16)
  const before = { device: loaded.device, rows: [...(await loaded.nearest(query, 5)).rows] }
  const underWay = [loaded.nearest(query, 5), loaded.nearest(query, 5)]
  for (const device of devices) device.destroy()
  const during = await Promise.all(underWay)
  loaded.put(77, new Float32Array(16))
  const after = await loaded.nearest(query, 5)
  const reloaded = await kernels.load(matrix, 16)
  const result = {
    before,
    during: during.map(({ rows }) => [...rows]),
    after: { device: loaded.device, rows: [...after.rows] },
    reloaded: { device: reloaded.device, rows: [...(await reloaded.nearest(query, 5)).rows] },
    refused: [...kernels.refused],
  }
  kernels.close()
  return result
}

/** The code of the error, or the device that answers; what the kernels call themselves. */
export async function opening(
  device: KernelChoice,
): Promise<{ answer: string; named?: string; refused: [string, string][] }> {
  try {
    const kernels = await openKernels({ device })
    const loaded = await kernels.load(Float32Array.of(1, 0, 0, 1), 2)
    await loaded.nearest(Float32Array.of(1, 0), 1)
    const [named, refused] = [kernels.device, [...kernels.refused]]
    kernels.close()
    return { answer: loaded.device, named, refused }
  } catch (error) {
    return { answer: isOpDbusError(error) ? `${error.code}: ${error.message}` : String(error), refused: [] }
  }
}

/** A GPU whose buffers come back with one number changed, as a broken driver would have it. */
export async function lying(): Promise<string> {
  const { getMappedRange } = GPUBuffer.prototype
  GPUBuffer.prototype.getMappedRange = function (...args) {
    const range = getMappedRange.apply(this, args)
    new Float32Array(range)[0]! += 0.01
    return range
  }
  return (await opening('webgpu')).answer
}

/** `auto`, on a matrix large enough for a GPU: the same answer as the reference, whoever gives it. */
export async function choosing(rows: number, dims: number) {
  const kernels = await openKernels()
  const matrix = randomMatrix(rows, dims)
  const loaded = await kernels.load(matrix, dims)
  const known = await new JsKernels().load(matrix, dims)
  const query = matrix.subarray(dims * 8000, dims * 8001)
  const result = {
    rows: [...(await loaded.nearest(query, 3)).rows],
    expected: [...(await known.nearest(query, 3)).rows],
    device: loaded.device,
    refused: [...kernels.refused],
  }
  kernels.close()
  return result
}

/** For people: milliseconds of one search on each device. */
export async function times(rows: number, dims: number): Promise<Record<string, number>> {
  const out: Record<string, number> = {}
  const matrix = randomMatrix(rows, dims)
  for (const device of ['js', 'wasm', 'webgpu'] as const) {
    const kernels = await openKernels({ device })
    const started = performance.now()
    const loaded: KernelMatrix = await kernels.load(matrix, dims)
    await loaded.nearest(matrix.subarray(0, dims), 10)
    out[`${device} load and first`] = performance.now() - started
    let least = Number.POSITIVE_INFINITY
    for (let round = 0; round < 5; round++) {
      const start = performance.now()
      for (let i = 0; i < 4; i++) await loaded.nearest(matrix.subarray(0, dims), 10)
      least = Math.min(least, (performance.now() - start) / 4)
    }
    out[device] = least
    kernels.close()
  }
  return out
}

function collectDevices(): GPUDevice[] {
  const devices: GPUDevice[] = []
  const { requestDevice } = GPUAdapter.prototype
  GPUAdapter.prototype.requestDevice = async function (...args) {
    const device = await requestDevice.apply(this, args)
    devices.push(device)
    return device
  }
  return devices
}

/** Makes the device that is asked for next bind no more than `bytes` at once: a matrix then lies in several buffers. */
function limitBinding(bytes: number): void {
  Object.defineProperty(GPUSupportedLimits.prototype, 'maxStorageBufferBindingSize', { get: () => bytes })
}
