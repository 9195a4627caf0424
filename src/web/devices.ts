// The devices of this browser: a GPU is tried in a worker of its own. Part of the web root; its twin is node/devices.ts.
import { wrap } from 'comlink'
import { isGpu } from '../embedder/devices/order.js'
import type { DeviceRuntime, TrialOutcome, TrialRequest } from '../embedder/devices/selector.js'
import type { ModelSpec } from '../embedder/model/spec.js'
import { messageOf } from '../errors.js'
import type { WorkerHandle } from '../ports.js'
import { VERSION } from '../version.js'
import type { FileRef } from './fetch-file.js'
import type { GpuProbe } from './runtime.js'
import type { PageWorker } from './worker-protocol.js'

export interface WebDevicesOptions extends Pick<DeviceRuntime, 'ownReference'> {
  readonly spawn: () => WorkerHandle
  readonly probe: () => Promise<GpuProbe>
  /** What a trial of a GPU needs: brought before its time is taken. */
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
    attempt: trial => tryInWorker(trial, options),
    ownReference: options.ownReference,
  }
}

/** A worker of its own: one that hangs or dies takes only the trial along. */
async function tryInWorker(trial: TrialRequest, options: WebDevicesOptions): Promise<TrialOutcome> {
  const { device, spec, reference, limitMs, signal } = trial
  const { spawn, files, threads, timer } = options
  /** Until all files are there, nothing that goes wrong is the device's fault. */
  let inconclusive = true
  let handle: WorkerHandle | undefined
  let cancel: (() => void) | undefined
  const failed = (reason: string) => ({ device, works: false, reason, inconclusive })
  const end = () => void handle?.terminate()
  try {
    const worker = spawn()
    handle = worker
    signal?.addEventListener('abort', end, { once: true })
    if (signal?.aborted) end()
    const gone = new Promise<string>(resolve => worker.onExit(resolve))
    const remote = wrap<PageWorker>(worker.endpoint)
    // What a page has a worker may lack, which is found out before megabytes are fetched.
    const found = await Promise.race([remote.probeGpu(), gone])
    if (typeof found === 'string') return failed(found)
    if ('reason' in found) return { device, works: false, reason: `in workers, ${found.reason}`, absent: true }
    const brought = await Promise.race([remote.fetchFiles(files(spec)), gone])
    if (typeof brought === 'string') return failed(brought)
    if ('error' in brought) return failed(brought.error.message)
    inconclusive = false
    const late = new Promise<string>(resolve => {
      cancel = timer(limitMs, () => resolve(`no answer within ${limitMs / 1000} s`))
    })
    const result = await Promise.race([remote.tryDevice({ spec, device, threads, reference }), gone, late])
    return typeof result === 'string' ? failed(result) : result
  } catch (error) {
    return failed(messageOf(error))
  } finally {
    cancel?.()
    signal?.removeEventListener('abort', end)
    await handle?.terminate()
  }
}
