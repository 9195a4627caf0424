// onnxruntime-web in a browser's worker, on WebGPU or WebAssembly, as BackendFactories. One build of it per worker.

import { OpDbusError } from '../errors.js'
import type { BackendFactory } from '../ports.js'
import { inHand, openError, openSession, QUIET, sessionBackend } from './ort-io.js'

/** The runtime's own build: with WebGPU, or half the size without. */
export type OrtBuild = 'wasm' | 'webgpu'

/** What one build loads beside its JavaScript. */
export interface OrtParts {
  /** The address of the glue between JavaScript and WebAssembly; threads start from it, too. */
  readonly mjs: string
  readonly wasm: Uint8Array<ArrayBuffer>
}

type Ort = typeof import('onnxruntime-web/wasm')

const IMPORTS: Readonly<Record<OrtBuild, () => Promise<Ort>>> = {
  wasm: () => import('onnxruntime-web/wasm'),
  webgpu: () => import('onnxruntime-web/webgpu'),
}

/**
 * WebGPU, then WebAssembly. The first that is opened decides the build: the one with WebGPU computes on WebAssembly as
 * well, so a lost GPU costs no second download. `only`: this build, whichever is opened first. `parts` rejects where the
 * build's files cannot be had.
 */
export function ortBrowser(parts: (build: OrtBuild) => Promise<OrtParts>, only?: OrtBuild): readonly BackendFactory[] {
  let loaded: Promise<Ort> | undefined
  const load = async (build: OrtBuild, threads: number): Promise<Ort> => {
    const { mjs, wasm } = await parts(build)
    const ort = await IMPORTS[build]()
    const { env } = ort
    env.wasm.wasmPaths = { mjs }
    env.wasm.wasmBinary = wasm
    env.wasm.numThreads = threads
    return ort
  }
  const factory = (device: OrtBuild): BackendFactory => ({
    device,
    async open({ model }, { threads, pooling }) {
      try {
        loaded ??= load(only ?? device, threads)
        const { InferenceSession, Tensor } = await loaded
        if (typeof model === 'string') throw new OpDbusError('INVALID_INPUT', 'a browser opens a model by its bytes')
        const create = (bytes: Uint8Array) =>
          InferenceSession.create(bytes, { executionProviders: [device], enableMemPattern: false, ...QUIET })
        return sessionBackend(device, await openSession(model, pooling, async () => inHand(model), create), Tensor)
      } catch (error) {
        // A build that could not be loaded stands in nobody's way.
        if (
          await loaded?.then(
            () => false,
            () => true,
          )
        )
          loaded = undefined
        throw openError(device, error)
      }
    },
  })
  return [factory('webgpu'), factory('wasm')]
}
