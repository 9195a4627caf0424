// The devices of this browser: a GPU is tried in a worker of its own. Part of the web root; its twin is node/devices.ts.
import { isGpu } from '../embedder/devices/order.js'
import type { DeviceRuntime, ProbeOutcome, ProbeRequest } from '../embedder/devices/selector.js'
import { Link } from '../embedder/link.js'
import type { ModelSpec } from '../embedder/model/spec.js'
import { messageOf, OpDbusError } from '../errors.js'
import type { WorkerHandle } from '../ports.js'
import { VERSION } from '../version.js'
import type { FileRef } from './fetch-file.js'
import type { GpuProbe } from './runtime.js'
import type { PageWorker } from './worker-protocol.js'

export interface WebDevicesOptions extends Pick<DeviceRuntime, 'ownReference'> {
  readonly spawn: () => WorkerHandle
  readonly probe: () => Promise<GpuProbe>
  /** What a probe of a GPU needs: brought before its time is taken. */
  readonly files: (spec: ModelSpec) => readonly FileRef[]
  readonly threads: number
  readonly timer: (ms: number, run: () => void) => () => void
}

export function webDevices(options: WebDevicesOptions): DeviceRuntime {
  let gpu: Promise<GpuProbe> | undefined
  const adapter = () => {
    gpu ??= options.probe()
    return gpu
  }
  return {
    name: 'web',
    floor: { device: 'wasm', called: 'WebAssembly' },
    async absent(_device, auto) {
      const found = await adapter()
      if ('reason' in found) return found.reason
      // It computes on the CPU, and several times slower than WebAssembly does.
      return auto && found.software ? 'there is no GPU but one that the browser plays in software' : undefined
    },
    async print(device) {
      const found = isGpu(device) ? await adapter() : undefined
      return JSON.stringify([VERSION, found && 'name' in found ? found.name : ''])
    },
    attempt: probe => tryInWorker(probe, options),
    ownReference: options.ownReference,
  }
}

/** A worker of its own: one that hangs or dies takes only the probe along. */
async function tryInWorker(probe: ProbeRequest, options: WebDevicesOptions): Promise<ProbeOutcome> {
  const { device, spec, reference, limitMs, signal } = probe
  const { spawn, files, threads, timer } = options
  /** Until all files are there, nothing that goes wrong is the device's fault. */
  let inconclusive = true
  let link: Link<PageWorker> | undefined
  let cancel: (() => void) | undefined
  const lost = (why: string) => new OpDbusError('WORKER_LOST', why)
  try {
    const worker = new Link<PageWorker>(spawn(), { lost })
    link = worker
    // What a page has a worker may lack, which is found out before megabytes are fetched.
    const found = await worker.call('probeGpu', undefined, { signal })
    if ('reason' in found) return { device, works: false, reason: `in workers, ${found.reason}`, absent: true }
    await worker.call('fetchFiles', files(spec), { signal })
    inconclusive = false
    cancel = timer(limitMs, () => void worker.end(lost(`no answer within ${limitMs / 1000} s`)))
    return await worker.call('probeDevice', { spec, device, threads, reference }, { signal })
  } catch (error) {
    return { device, works: false, reason: messageOf(error), inconclusive }
  } finally {
    cancel?.()
    await link?.end()
  }
}
