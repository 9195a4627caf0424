// Which devices the worker may open on this machine: each GPU is tried once in a process of its own, and what it proved
// is remembered by model, runtime and adapter. Part of the Node root.
import { type ChildProcess, fork } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { deviceOrder, isGpu } from '../embedder/devices/order.js'
import { referenceFromJson, referenceToJson } from '../embedder/devices/reference-json.js'
import type { Reference } from '../embedder/devices/self-check.js'
import type { TrialResult } from '../embedder/devices/trial.js'
import type { ModelSpec } from '../embedder/model/spec.js'
import type { DevicePlan, DeviceReason } from '../embedder/worker/protocol.js'
import { abortError } from '../errors.js'
import type { Call, Device, Key } from '../ports.js'
import { openFileStore } from '../stores/files.js'
import { cudaLibrary, hasGpu, machinePrint } from './machine.js'
import { crc32, nodeClock, nodeHash } from './runtime.js'
import type { TrialJob } from './trial.js'

/** A device that failed is tried again after this long, in ms: somebody may have mended it. */
const FAILED_FOR_MS = 3_600_000
/** A trial that takes longer is ended, in ms. `doctor`, and who asks for a device by name, wait longer. */
const TRIAL_MS = { auto: 30_000, named: 300_000 } as const
/** Verdicts and references kept, of all models together. */
const MAX_ENTRIES = 200
/** What of a dying process's last words is kept. */
const STDERR_BYTES = 16_384

export interface DeviceBookOptions {
  /** The cache folder; without one every process finds out for itself. */
  readonly dir: string | undefined
  /** Where a model keeps vectors that every device must reproduce, if it has any. */
  readonly referenceFile?: ((spec: ModelSpec) => string | undefined) | undefined
  readonly threads: number
  readonly gpuDevice: number
}

export interface TrialCall extends Call {
  /** Default: 5 minutes. */
  readonly limitMs?: number | undefined
}

/** A trial's result without its vectors, and when it was, in ms since the epoch. */
export type Verdict = Omit<TrialResult, 'reference'> & { readonly at: number }

export class DeviceBook {
  readonly #options: DeviceBookOptions
  readonly #known = new Map<string, Verdict>()
  /** Trials under way: two workers that start at once share one. */
  readonly #trying = new Map<string, Promise<Verdict>>()
  readonly #clock = nodeClock()
  #machine: string | undefined

  constructor(options: DeviceBookOptions) {
    this.#options = options
  }

  /**
   * The devices to open for `choice`. Under `auto` a GPU is among them only if it has proved itself and is faster than
   * the CPU here; those left out are told with their reasons. May try GPUs, once each; `signal` ends that, with ABORTED.
   */
  async plan(choice: string, spec: ModelSpec, call: Call = {}): Promise<DevicePlan> {
    const devices: Device[] = []
    const proven: Device[] = []
    const refused: DeviceReason[] = []
    for (const device of deviceOrder(choice, 'node')) {
      // A GPU that proved itself is the best there is here: a lesser one need not be tried.
      if (choice === 'auto' && isGpu(device) && proven.length > 0) continue
      const reason = isGpu(device) ? await this.#objection(device, spec, choice === 'auto', call) : undefined
      if (reason !== undefined) refused.push({ device, reason })
      else devices.push(device)
      if (reason === undefined && (isGpu(device) || this.#recall(device, spec)?.works)) proven.push(device)
    }
    const { gpuDevice } = this.#options
    const reference = devices.every(device => proven.includes(device)) ? undefined : await this.#reference(spec)
    return { devices, proven, refused, reference, gpuDevice }
  }

  /** Notes that a device opened and passed the worker's own check. */
  passed(device: Device, spec: ModelSpec): void {
    if (!this.#recall(device, spec)?.works) this.#remember(spec, { device, works: true, at: this.#clock.now() })
  }

  /**
   * Tries `device` now, in a process of its own, whatever is remembered. Rejects with ABORTED alone: what else goes wrong
   * is the result.
   */
  try(device: Device, spec: ModelSpec, { limitMs = TRIAL_MS.named, signal }: TrialCall = {}): Promise<Verdict> {
    const key = this.#verdictKey(device, spec)
    const trial =
      this.#trying.get(key) ?? this.#attempt(device, spec, limitMs, signal).finally(() => this.#trying.delete(key))
    this.#trying.set(key, trial)
    return trial
  }

  async #attempt(device: Device, spec: ModelSpec, limitMs: number, signal?: AbortSignal): Promise<Verdict> {
    const { threads, gpuDevice } = this.#options
    const job = { spec, device, threads, gpuDevice, reference: await this.#reference(spec, device) }
    const missing = device === 'cuda' && cudaLibrary() === undefined
    const { reference, ...result }: TrialResult = missing
      ? { device, works: false, reason: 'its libraries are not installed: see CUDA in the README' }
      : await tryInProcess(job, limitMs, signal)
    if (signal?.aborted) throw abortError(signal)
    if (reference) this.#write(this.#referenceKey(spec), referenceToJson(reference))
    const verdict = { ...result, at: this.#clock.now() }
    this.#remember(spec, verdict)
    return verdict
  }

  /** Why a GPU must not serve; undefined when it may. */
  async #objection(device: Device, spec: ModelSpec, auto: boolean, { signal }: Call): Promise<string | undefined> {
    if (auto && !hasGpu()) return 'no GPU found on this machine'
    const known = this.#recall(device, spec)
    const fresh = known && (known.works || this.#clock.now() - known.at < FAILED_FOR_MS)
    const limitMs = auto ? TRIAL_MS.auto : TRIAL_MS.named
    const verdict = fresh ? known : await this.try(device, spec, { limitMs, signal })
    const { works, reason, textsPerSecond = 0, cpuTextsPerSecond = 0 } = verdict
    if (!works) return reason ?? 'it does not work'
    if (!auto || textsPerSecond > cpuTextsPerSecond) return undefined
    const figures = `${textsPerSecond.toPrecision(2)} against ${cpuTextsPerSecond.toPrecision(2)} texts/s`
    return `it works, but slower than the CPU here: ${figures}`
  }

  #recall(device: Device, spec: ModelSpec): Verdict | undefined {
    const key = this.#verdictKey(device, spec)
    const known = this.#known.get(key) ?? (this.#read(key) as Verdict | undefined)
    return known?.device === device && typeof known.works === 'boolean' ? known : undefined
  }

  #remember(spec: ModelSpec, verdict: Verdict): void {
    const key = this.#verdictKey(verdict.device, spec)
    this.#known.set(key, verdict)
    this.#write(key, verdict)
  }

  /** What the CPU made in an earlier trial; for the CPU itself, and before any trial, the model's own reference vectors. */
  async #reference(spec: ModelSpec, device?: Device): Promise<Reference | undefined> {
    const made = device === 'cpu' ? undefined : referenceFromJson(this.#read(this.#referenceKey(spec)), spec.dims)
    const file = this.#options.referenceFile?.(spec)
    if (made || file === undefined) return made
    return referenceFromJson(JSON.parse(await readFile(file, 'utf8')), spec.dims)
  }

  #verdictKey(device: Device, spec: ModelSpec): Key {
    const { gpuDevice } = this.#options
    this.#machine ??= machinePrint()
    return nodeHash.sha256(JSON.stringify([1, device, gpuDevice, spec.space, this.#machine])) as Key
  }

  #referenceKey(spec: ModelSpec): Key {
    return `reference-${nodeHash.sha256(spec.space)}` as Key
  }

  /** Without a folder, or with one that cannot be used, nothing is remembered: that costs time and nothing else. */
  #read(key: Key): unknown {
    try {
      const bytes = this.#store()?.getSync(key)
      return bytes && JSON.parse(new TextDecoder().decode(bytes))
    } catch {
      return undefined
    }
  }

  #write(key: Key, value: unknown): void {
    try {
      this.#store()?.setSync(key, new TextEncoder().encode(JSON.stringify(value)))
    } catch {
      // As above.
    }
  }

  #store() {
    const { dir } = this.#options
    if (dir === undefined) return undefined
    const path = join(dir, 'devices')
    return openFileStore({
      name: 'device',
      dir: path,
      maxEntries: MAX_ENTRIES,
      hash: nodeHash,
      clock: this.#clock,
      crc32,
    })
  }
}

/** Runs one trial in a child process and waits for its result, its death or the time limit. `signal` ends the process. */
function tryInProcess(job: TrialJob, limitMs: number, signal?: AbortSignal): Promise<TrialResult> {
  const { device } = job
  return new Promise(resolve => {
    const failed = (reason: string): TrialResult => ({ device, works: false, reason })
    let child: ChildProcess
    try {
      child = fork(fileURLToPath(new URL('./node-trial.js', import.meta.url)), {
        stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
        serialization: 'advanced',
        execArgv: [],
      })
    } catch (error) {
      return resolve(failed(`cannot start a process to try it in: ${(error as Error).message}`))
    }
    let result: TrialResult | undefined
    let stderr = ''
    const end = (why: string) => {
      result ??= failed(why)
      child.kill('SIGKILL')
    }
    const limit = setTimeout(() => end(`no answer within ${limitMs / 1000} s`), limitMs)
    const leave = () => end('ended by its caller')
    if (signal?.aborted) leave()
    signal?.addEventListener('abort', leave, { once: true })
    child.stderr?.on('data', (chunk: Buffer) => {
      stderr = (stderr + chunk.toString('utf8')).slice(-STDERR_BYTES)
    })
    child.once('message', message => {
      result ??= message as TrialResult
    })
    child.once('error', error => {
      result ??= failed(`cannot start a process to try it in: ${error.message}`)
    })
    child.once('close', (code, killedBy) => {
      clearTimeout(limit)
      signal?.removeEventListener('abort', leave)
      const found = result ?? failed(`the process that tried it ended with ${killedBy ?? `code ${code}`}`)
      resolve(found.reason === undefined ? found : { ...found, reason: withCause(found.reason, stderr) })
    })
    child.send(job, () => {})
  })
}

/** The runtime's words without its source paths, and why it could not load a library, which it tells only stderr. */
function withCause(reason: string, stderr: string): string {
  const plain = reason
    .split('\n')[0]!
    .replace(/^\/\S+\s+.*? was false\. /, '')
    .replace(/^(Failed to get a WebGPU adapter).*/, '$1: no GPU driver (Vulkan, Metal or Direct3D 12) answers')
  const cause = /with error: (?:\S*\/)?(\S+: [^\n\x1b]+)/.exec(stderr)?.[1]
  return cause === undefined ? plain : `${plain} (${cause})`
}
