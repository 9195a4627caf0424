// Which devices the worker may open in this browser: a GPU is tried once, in a worker of its own, and what it proved is
// remembered by model, runtime and adapter. Part of the web root.
import { wrap } from 'comlink'
import { deviceOrder, isGpu } from '../embedder/devices/order.js'
import { referenceFromJson, referenceToJson } from '../embedder/devices/reference-json.js'
import type { Reference } from '../embedder/devices/self-check.js'
import type { TrialResult } from '../embedder/devices/trial.js'
import type { ModelSpec } from '../embedder/model/spec.js'
import type { DevicePlan, DeviceReason } from '../embedder/worker/protocol.js'
import { abortError, messageOf } from '../errors.js'
import type { Call, Clock, Device, Hash, Key, Store, WorkerHandle } from '../ports.js'
import { VERSION } from '../version.js'
import type { GpuProbe } from './page.js'
import type { FileRef } from './shelf.js'
import type { PageWorker } from './worker-protocol.js'

/** A device that failed is tried again after this long, in ms: somebody may have mended it. */
const FAILED_FOR_MS = 3_600_000
/** A trial that takes longer is ended, in ms; who asks for a device by name waits longer. Downloads do not count. */
const TRIAL_MS = { auto: 30_000, named: 300_000 } as const

export interface DeviceBookOptions {
  readonly spawn: () => WorkerHandle
  readonly probe: () => Promise<GpuProbe>
  /** What a trial of a GPU needs: brought before the time is taken. */
  readonly files: (spec: ModelSpec) => readonly FileRef[]
  /** The model's own reference vectors as JSON, where it brings some. */
  readonly ownReference: (spec: ModelSpec) => Promise<unknown>
  /** Keeps verdicts over visits; without one every page finds out for itself. */
  readonly store: Store | undefined
  readonly threads: number
  readonly clock: Clock
  readonly hash: Hash
  readonly timer: (ms: number, run: () => void) => () => void
}

/** A trial's result without its vectors, and when it was, in ms since the epoch. */
type Verdict = Omit<TrialResult, 'reference'> & { readonly at: number }

export class DeviceBook {
  readonly #options: DeviceBookOptions
  readonly #known = new Map<Key, unknown>()
  #gpu: Promise<GpuProbe> | undefined

  constructor(options: DeviceBookOptions) {
    this.#options = options
  }

  /**
   * The devices to open for `choice`. Under `auto` a GPU is among them only if it has proved itself and is faster than
   * WebAssembly here; those left out are told with their reasons. May try the GPU, once. The signal ends a trial.
   */
  async plan(choice: string, spec: ModelSpec, call: Call = {}): Promise<DevicePlan> {
    const devices: Device[] = []
    const proven: Device[] = []
    const refused: DeviceReason[] = []
    for (const device of deviceOrder(choice, 'web')) {
      const reason = isGpu(device) ? await this.#objection(device, spec, choice === 'auto', call) : undefined
      if (reason !== undefined) refused.push({ device, reason })
      else devices.push(device)
      if (reason === undefined && (isGpu(device) || (await this.#recall(device, spec))?.works)) proven.push(device)
    }
    const checked = devices.every(device => proven.includes(device))
    return { devices, proven, refused, reference: checked ? undefined : await this.#reference(spec) }
  }

  /** Notes that a device opened and passed the worker's own check. */
  async passed(device: Device, spec: ModelSpec): Promise<void> {
    if ((await this.#recall(device, spec))?.works) return
    await this.#remember(spec, { device, works: true, at: this.#options.clock.now() })
  }

  /** Why a GPU must not serve; undefined when it may. */
  async #objection(device: Device, spec: ModelSpec, auto: boolean, call: Call): Promise<string | undefined> {
    const gpu = await this.#adapter()
    if ('reason' in gpu) return gpu.reason
    // It computes on the CPU, and several times slower than WebAssembly does.
    if (auto && gpu.software) return 'there is no GPU but one that the browser plays in software'
    const known = await this.#recall(device, spec)
    const fresh = known && (known.works || this.#options.clock.now() - known.at < FAILED_FOR_MS)
    const verdict = fresh ? known : await this.#try(device, spec, auto ? TRIAL_MS.auto : TRIAL_MS.named, call)
    const { works, reason, textsPerSecond = 0, cpuTextsPerSecond = 0 } = verdict
    if (!works) return reason ?? 'it does not work'
    if (!auto || textsPerSecond > cpuTextsPerSecond) return undefined
    const figures = `${textsPerSecond.toPrecision(2)} against ${cpuTextsPerSecond.toPrecision(2)} texts/s`
    return `it works, but slower than WebAssembly here: ${figures}`
  }

  async #try(device: Device, spec: ModelSpec, limitMs: number, { signal }: Call): Promise<Verdict> {
    const { reference, begun, ...result } = await this.#inWorker(device, spec, limitMs, signal)
    if (signal?.aborted) throw abortError(signal)
    if (reference) await this.#write(this.#referenceKey(spec), referenceToJson(reference))
    const verdict = { ...result, at: this.#options.clock.now() }
    // What could not be fetched is no verdict on the device.
    if (begun) await this.#remember(spec, verdict)
    return verdict
  }

  /** A worker of its own: one that hangs or dies takes only the trial along. `begun`: all files were there. */
  async #inWorker(
    device: Device,
    spec: ModelSpec,
    limitMs: number,
    signal: AbortSignal | undefined,
  ): Promise<TrialResult & { readonly begun: boolean }> {
    const { spawn, files, threads, timer } = this.#options
    const reference = await this.#reference(spec)
    let begun = false
    let handle: WorkerHandle | undefined
    let cancel: (() => void) | undefined
    const failed = (reason: string) => ({ device, works: false, reason, begun })
    const end = () => void handle?.terminate()
    try {
      const worker = spawn()
      handle = worker
      signal?.addEventListener('abort', end, { once: true })
      if (signal?.aborted) end()
      const gone = new Promise<string>(resolve => worker.onExit(resolve))
      const remote = wrap<PageWorker>(worker.endpoint)
      const brought = await Promise.race([remote.fetchFiles(files(spec)), gone])
      if (typeof brought === 'string') return failed(brought)
      if ('error' in brought) return failed(brought.error.message)
      begun = true
      const late = new Promise<string>(resolve => {
        cancel = timer(limitMs, () => resolve(`no answer within ${limitMs / 1000} s`))
      })
      const result = await Promise.race([remote.tryDevice({ spec, device, threads, reference }), gone, late])
      return typeof result === 'string' ? failed(result) : { ...result, begun }
    } catch (error) {
      return failed(messageOf(error))
    } finally {
      cancel?.()
      signal?.removeEventListener('abort', end)
      await handle?.terminate()
    }
  }

  #adapter(): Promise<GpuProbe> {
    this.#gpu ??= this.#options.probe()
    return this.#gpu
  }

  /** What WebAssembly made in an earlier trial; before any, the model's own vectors. */
  async #reference(spec: ModelSpec): Promise<Reference | undefined> {
    const made = referenceFromJson(await this.#read(this.#referenceKey(spec)), spec.dims)
    return made ?? referenceFromJson(await this.#options.ownReference(spec), spec.dims)
  }

  async #recall(device: Device, spec: ModelSpec): Promise<Verdict | undefined> {
    const known = (await this.#read(await this.#verdictKey(device, spec))) as Verdict | undefined
    return known?.device === device && typeof known.works === 'boolean' ? known : undefined
  }

  async #remember(spec: ModelSpec, verdict: Verdict): Promise<void> {
    await this.#write(await this.#verdictKey(verdict.device, spec), verdict)
  }

  async #verdictKey(device: Device, spec: ModelSpec): Promise<Key> {
    const gpu = isGpu(device) ? await this.#adapter() : undefined
    const name = gpu && 'name' in gpu ? gpu.name : ''
    return this.#options.hash.sha256(JSON.stringify([1, device, spec.space, VERSION, name])) as Key
  }

  #referenceKey(spec: ModelSpec): Key {
    return `reference-${this.#options.hash.sha256(spec.space)}` as Key
  }

  /** What cannot be read or written costs time and nothing else. */
  async #read(key: Key): Promise<unknown> {
    if (this.#known.has(key)) return this.#known.get(key)
    try {
      const [bytes] = (await this.#options.store?.getMany([key])) ?? []
      return bytes && JSON.parse(new TextDecoder().decode(bytes))
    } catch {
      return undefined
    }
  }

  async #write(key: Key, value: unknown): Promise<void> {
    this.#known.set(key, value)
    try {
      await this.#options.store?.setMany([[key, new TextEncoder().encode(JSON.stringify(value))]])
    } catch {
      // As above.
    }
  }
}
