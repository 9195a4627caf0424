// onnxruntime-node on the CPU, as a BackendFactory. Loads the native binding only when a session is opened.

import type { BackendFactory } from '../ports.js'
import { openError, QUIET, sessionBackend } from './ort-io.js'

/** Sessions block the thread that runs them: open them in a worker. */
export function ortNode(): BackendFactory {
  return {
    device: 'cpu',
    async open(file, { threads }) {
      // ONNX Runtime 1.30 reports home on Linux unless this is set before it loads; what the user set wins.
      process.env.ORT_DISABLE_TELEMETRY ??= '1'
      try {
        const { InferenceSession, Tensor } = await import('onnxruntime-node')
        const session = await InferenceSession.create(file.model as string, {
          executionProviders: ['cpu'],
          intraOpNumThreads: threads,
          interOpNumThreads: 1,
          // Plans memory per input shape; shapes here differ from batch to batch, so plans would only pile up.
          enableMemPattern: false,
          // Otherwise the other threads spin for some 30 ms after every run: measured, 40 ms of CPU for one short text.
          extra: { session: { force_spinning_stop: '1' } },
          ...QUIET,
        })
        return sessionBackend('cpu', session, Tensor)
      } catch (error) {
        throw openError('cpu', error)
      }
    },
  }
}
