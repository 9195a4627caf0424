// onnxruntime-web on WebAssembly, as a BackendFactory: the fallback on Node, the floor in browsers. No node:* here.

import type { BackendFactory } from '../ports.js'
import { openError, QUIET, sessionBackend } from './ort-io.js'

/** Memory only grows while a session lives: end its worker to give it back. */
export function ortWasm(): BackendFactory {
  return {
    device: 'wasm',
    async open(file, { threads }) {
      try {
        const { env, InferenceSession, Tensor } = await import('onnxruntime-web')
        env.wasm.numThreads = threads
        const options: Parameters<typeof InferenceSession.create>[1] = {
          executionProviders: ['wasm'],
          enableMemPattern: false,
          ...QUIET,
        }
        const session = await (typeof file.model === 'string'
          ? InferenceSession.create(file.model, options)
          : InferenceSession.create(file.model, options))
        return sessionBackend('wasm', { session }, Tensor)
      } catch (error) {
        throw openError('wasm', error)
      }
    },
  }
}
