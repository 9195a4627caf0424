// Which devices may serve a model here: a GPU is tried once, and what it proved is remembered by model, runtime and adapter.
// How a device is tried, and where things are remembered, is the runtime's.
import { abortError } from '../../errors.js'
import type { CallOptions, Clock, Device, Hash, Key, Store } from '../../ports.js'
import type { ModelSpec } from '../model/spec.js'
import type { DevicePlan, DeviceReason } from './order.js'
import { deviceOrder, isGpu } from './order.js'
import type { ProbeResult } from './probe.js'
import { referenceFromJson, referenceToJson } from './reference-json.js'
import type { Reference } from './self-check.js'

/** A device that failed is tried again after this long, in ms: somebody may have mended it. */
const FAILED_FOR_MS = 3_600_000
/** A probe that takes longer is ended, in ms. `doctor`, and who asks for a device by name, wait longer. */
const PROBE_MS = { auto: 30_000, named: 300_000 } as const

/** One device to be put to the test. */
export interface ProbeRequest extends CallOptions {
  readonly device: Device
  readonly spec: ModelSpec
  /** What it has to reproduce. */
  readonly reference: Reference | undefined
  /** A probe that takes longer is ended, in ms. */
  readonly limitMs: number
}

/** `inconclusive`: what a probe needs could not be had, which is no verdict on the device. */
export type ProbeOutcome = ProbeResult & { readonly inconclusive?: boolean }

/** What a runtime knows of its devices, and how it tries one. */
export interface DeviceRuntime {
  readonly name: 'node' | 'web'
  /** What a GPU has to be faster than, and what makes the reference. `called`: for people. */
  readonly floor: { readonly device: Device; readonly called: string }
  /** Which GPU, counted from 0, where there is a choice. */
  readonly gpuDevice?: number
  /** Why a GPU is not worth a probe; undefined where it is. `auto`: nobody asked for it by its name. */
  absent(device: Device, auto: boolean): Promise<string | undefined>
  /** A text that changes with whatever, beside the model, decides what the device can do: runtime, driver, adapter. */
  print(device: Device): Promise<string>
  /** Tries the device where a crash takes nothing else along. Never rejects; the signal ends it. */
  attempt(probe: ProbeRequest): Promise<ProbeOutcome>
  /** The model's own reference vectors as JSON; undefined where it brings none. */
  ownReference(spec: ModelSpec): Promise<unknown>
}

export interface DeviceSelectorOptions {
  readonly runtime: DeviceRuntime
  /** Keeps verdicts and references; without one, or with one that fails, everybody finds out anew. */
  readonly store: Pick<Store, 'getMany' | 'setMany'> | undefined
  readonly clock: Clock
  readonly hash: Hash
}

export interface ProbeCall extends CallOptions {
  /** Default: 5 minutes. */
  readonly limitMs?: number
}

/** A probe's result without its vectors, and when it was, in ms since the epoch. */
export type Verdict = Omit<ProbeResult, 'reference'> & { readonly at: number }

type Objection = Omit<DeviceReason, 'device'>

export class DeviceSelector {
  readonly #options: DeviceSelectorOptions
  readonly #known = new Map<Key, unknown>()
  /** Probes under way: two workers that start at once share one. */
  readonly #probing = new Map<Key, Promise<Verdict>>()

  constructor(options: DeviceSelectorOptions) {
    this.#options = options
  }

  /**
   * The devices to open for `choice`. Under `auto` a GPU is among them only if it has proved itself and is faster than the
   * CPU here; those left out are told with their reasons. May try GPUs, once each; `signal` ends that, with ABORTED.
   */
  async plan(choice: string, spec: ModelSpec, call: CallOptions = {}): Promise<DevicePlan> {
    const { name, gpuDevice } = this.#options.runtime
    const devices: Device[] = []
    const proven: Device[] = []
    const refused: DeviceReason[] = []
    for (const device of deviceOrder(choice, name)) {
      // A GPU that proved itself is the best there is here: a lesser one need not be tried.
      if (choice === 'auto' && isGpu(device) && proven.length > 0) continue
      const objection = isGpu(device) ? await this.#objection(device, spec, choice === 'auto', call) : undefined
      if (objection) refused.push({ device, ...objection })
      else devices.push(device)
      if (!objection && (isGpu(device) || (await this.#recall(device, spec))?.works)) proven.push(device)
    }
    const checked = devices.every(device => proven.includes(device))
    return { devices, proven, refused, reference: checked ? undefined : await this.#reference(spec), gpuDevice }
  }

  /** Notes that a device opened and passed the worker's own check. */
  async passed(device: Device, spec: ModelSpec): Promise<void> {
    if ((await this.#recall(device, spec))?.works) return
    await this.#remember(spec, { device, works: true, at: this.#options.clock.now() })
  }

  /** Tries `device` now, whatever is remembered. Rejects with ABORTED alone: what else goes wrong is the result. */
  async probe(device: Device, spec: ModelSpec, { limitMs = PROBE_MS.named, signal }: ProbeCall = {}): Promise<Verdict> {
    const key = await this.#verdictKey(device, spec)
    const probe =
      this.#probing.get(key) ?? this.#attempt(device, spec, limitMs, signal).finally(() => this.#probing.delete(key))
    this.#probing.set(key, probe)
    return probe
  }

  async #attempt(device: Device, spec: ModelSpec, limitMs: number, signal?: AbortSignal): Promise<Verdict> {
    const { runtime, clock } = this.#options
    const known = await this.#reference(spec, device)
    const outcome = await runtime.attempt({ device, spec, reference: known, limitMs, signal })
    const { reference, inconclusive, ...result } = outcome
    if (signal?.aborted) throw abortError(signal)
    if (reference) await this.#write(this.#referenceKey(spec), referenceToJson(reference))
    const verdict = { ...result, at: clock.now() }
    if (!inconclusive) await this.#remember(spec, verdict)
    return verdict
  }

  /** Why a GPU must not serve; undefined when it may. */
  async #objection(
    device: Device,
    spec: ModelSpec,
    auto: boolean,
    { signal }: CallOptions,
  ): Promise<Objection | undefined> {
    const { runtime, clock } = this.#options
    const absent = await runtime.absent(device, auto)
    if (absent !== undefined) return { kind: 'absent', reason: absent }
    const known = await this.#recall(device, spec)
    const fresh = known && (known.works || clock.now() - known.at < FAILED_FOR_MS)
    const limitMs = auto ? PROBE_MS.auto : PROBE_MS.named
    const verdict = fresh ? known : await this.probe(device, spec, { limitMs, signal })
    const { works, reason, textsPerSecond = 0, cpuTextsPerSecond = 0 } = verdict
    if (!works) return { kind: verdict.absent ? 'absent' : 'failed', reason: reason ?? 'it does not work' }
    if (!auto || textsPerSecond > cpuTextsPerSecond) return undefined
    const figures = `${textsPerSecond.toPrecision(2)} against ${cpuTextsPerSecond.toPrecision(2)} texts/s`
    return { kind: 'slower', reason: `it works, but slower than ${runtime.floor.called} here: ${figures}` }
  }

  /** What the CPU made in an earlier probe; for the CPU itself, and before any probe, the model's own vectors. */
  async #reference(spec: ModelSpec, device?: Device): Promise<Reference | undefined> {
    const { runtime } = this.#options
    const made = device === runtime.floor.device ? undefined : await this.#read(this.#referenceKey(spec))
    return referenceFromJson(made, spec.dims) ?? referenceFromJson(await runtime.ownReference(spec), spec.dims)
  }

  async #recall(device: Device, spec: ModelSpec): Promise<Verdict | undefined> {
    const known = (await this.#read(await this.#verdictKey(device, spec))) as Verdict | undefined
    return known?.device === device && typeof known.works === 'boolean' ? known : undefined
  }

  async #remember(spec: ModelSpec, verdict: Verdict): Promise<void> {
    await this.#write(await this.#verdictKey(verdict.device, spec), verdict)
  }

  async #verdictKey(device: Device, spec: ModelSpec): Promise<Key> {
    const { runtime, hash } = this.#options
    // The first number goes up with what a session has to be right in: of version 3 it pools by itself.
    return hash.sha256(JSON.stringify([3, device, spec.space, await runtime.print(device)])) as Key
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
