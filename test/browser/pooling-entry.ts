// A WebGPU session in a page, as the embedding worker opens it, and how much is read back from the device. Bundled for the test.
import { ortBrowser } from '../../src/backends/ort-browser.js'
import { runBatch, type VectorSpec } from '../../src/embedder/devices/run-batch.js'

export interface PageRun {
  readonly spec: VectorSpec
  /** Token ids of each text. */
  readonly texts: readonly (readonly number[])[]
  /** The session pools, not the page. */
  readonly pools: boolean
}

export interface PageVectors {
  readonly matrix: Float32Array
  /** Bytes that were mapped to be read, of the last of two runs. */
  readonly readBack: number
  readonly unpooled: string | undefined
}

const RUNTIME = '/ort/ort-wasm-simd-threaded.asyncify'
const factory = ortBrowser(async () => ({ mjs: `${RUNTIME}.mjs`, wasm: await bytes(`${RUNTIME}.wasm`) })).find(
  ({ device }) => device === 'webgpu',
)!

/** Opens `/model/model.onnx` and runs `texts` as one batch, twice: the first run compiles. */
export async function vectorsOf({ spec, texts, pools }: PageRun): Promise<PageVectors> {
  const backend = await factory.open(
    { model: await bytes('/model/model.onnx') },
    { threads: 1, ...(pools && { pooling: spec.pooling }) },
  )
  const run = () =>
    runBatch(
      backend,
      spec,
      texts.map(ids => ({ ids })),
      new Float64Array(spec.dims),
    )
  await run()
  const count = countReads()
  const { matrix } = await run()
  const readBack = count()
  await backend.close()
  return { matrix, readBack, unpooled: backend.unpooled }
}

async function bytes(url: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await (await fetch(url)).arrayBuffer())
}

/** `GPUMapMode.READ`. */
const READ = 1

/** Counts from now on; calling what it returns ends that and tells. */
function countReads(): () => number {
  const { prototype } = GPUBuffer
  const { mapAsync } = prototype
  let read = 0
  prototype.mapAsync = function (this: GPUBuffer, mode: number, offset = 0, size = this.size - offset) {
    if (mode & READ) read += size
    return mapAsync.call(this, mode, offset, size)
  }
  return () => {
    prototype.mapAsync = mapAsync
    return read
  }
}
