// Root of the process in which a device is put to the test: a driver that crashes or hangs takes only this one along.
import { readFile } from 'node:fs/promises'
import { ortNode } from '../backends/ort-node.js'
import { ortWasm } from '../backends/ort-web.js'
import { endWithStarter } from '../backends/process-node.js'
import { type ProbeResult, probeDevice } from '../embedder/devices/probe.js'
import type { Reference } from '../embedder/devices/self-check.js'
import type { ModelSpec } from '../embedder/model/spec.js'
import { tokenizerOf } from '../embedder/tokenizer/load-tokenizer.js'
import { messageOf } from '../errors.js'
import type { Device } from '../ports.js'
import { nodeClock } from './runtime.js'

/** What the parent sends, once. The answer is a {@link ProbeResult}. */
export interface ProbeJob {
  readonly spec: ModelSpec
  readonly device: Device
  readonly threads: number
  readonly gpuDevice: number
  readonly reference?: Reference
}

endWithStarter()

process.once('message', (job: ProbeJob) => {
  void attempt(job).then(result => {
    process.send!(result, () => process.exit(0))
  })
})

async function attempt({ spec, device, threads, gpuDevice, reference }: ProbeJob): Promise<ProbeResult> {
  try {
    const tokenize = await tokenizerOf(spec, file => readFile(file.path, 'utf8'))
    const factory = device === 'wasm' || device === 'custom' ? ortWasm() : ortNode(device)
    const file = { model: spec.files.model.path }
    return await probeDevice(factory, ortNode('cpu'), {
      spec,
      file,
      tokenize,
      options: { threads, gpuDevice },
      reference,
      clock: nodeClock(),
    })
  } catch (error) {
    return { device, works: false, reason: messageOf(error) }
  }
}
