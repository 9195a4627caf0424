// Opens what computes vectors: which model serves, on which devices, behind the Embedder port. The same in every runtime, which
// hands in where its models, devices and workers come from. Loads no model before the first text, unless a level may give way.
import { OpDbusError } from '../errors.js'
import type {
  BatchListener,
  CallOptions,
  Embedder,
  RunningEmbedder,
  ServingModel,
  Space,
  Timer,
  WorkerHandle,
} from '../ports.js'
import { embedText } from './client/embed-text.js'
import { WorkerEmbedder } from './client/worker-embedder.js'
import { deviceOrder, type Opened } from './devices/order.js'
import type { DeviceSelector } from './devices/selector.js'
import { type Levels, levelOf } from './model/levels.js'
import { spaceOf } from './model/revision.js'
import type { ModelOverrides, ModelSpec } from './model/spec.js'

/** Of all settings, those that decide which model computes, and how. */
export interface ModelSettings extends Pick<ModelOverrides, 'dtype' | 'dimensions' | 'pooling'> {
  /** `none` switches embedding off. */
  readonly model: string
  /** A level that cannot serve gives way to the next lower one. */
  readonly fallback: boolean
  readonly device: string
  readonly workers: number | undefined
  readonly maxQueue: number
  readonly idleUnloadMs: number
}

/** In what the runtimes differ. */
export interface ModelRuntime {
  readonly name: 'node' | 'web'
  /** What gave way, for as long as the process or the page lives. */
  readonly levels: Levels
  readonly timer: Timer
  /** Called once the settings are known to be sound. May read small files and look for a GPU; loads no model. */
  prepare(): Promise<ModelHost>
  /** What is worth a warning when a model is open for the first time: devices that should have served and did not. */
  complaint(opened: Opened): string | undefined
}

export interface ModelHost {
  readonly devices: Pick<DeviceSelector, 'plan' | 'passed'>
  /** Threads that compute on the CPU, of all workers together. */
  readonly threads: number
  /** Workers that share the threads where no setting says how many. */
  readonly workers: number
  /** Why nothing can be computed here, whatever were fetched for it. Then a lesser model would not help either. */
  readonly useless?: OpDbusError
  /** The spec of the model `name`, whose files are fetched where they are not here; rejects where it cannot be had. */
  specOf(name: string, overrides: ModelOverrides, call: CallOptions): Promise<ModelSpec>
  startWorker(): WorkerHandle
}

export interface OpenModelCall extends CallOptions {
  readonly warn: (message: string) => void
  /** Told of every batch that a worker computes. */
  readonly batches?: BatchListener
}

export interface OpenedModel {
  readonly embedder: Embedder
  readonly model: ServingModel
}

/** Embedded to find out whether a model opens. */
const PROBE_TEXT = 'Created container 100'

/**
 * The embedder of `settings.model`. Rejects with DISABLED, with INVALID_INPUT or DEVICE_UNAVAILABLE for a device that this
 * runtime does not have, and with what finding or fetching the model says.
 */
export async function openModel(
  settings: ModelSettings,
  runtime: ModelRuntime,
  call: OpenModelCall,
): Promise<OpenedModel> {
  const { warn, signal } = call
  const { model: asked, dtype, dimensions, pooling, fallback, device } = settings
  if (asked === 'none') {
    const variable = runtime.name === 'node' ? ', or OP_DBUS_VECTOR_LEVEL=none' : ''
    throw new OpDbusError('DISABLED', `embedding is switched off (model "none"${variable})`)
  }
  // A name that is no device is told now; whether the device works, when the first text needs it.
  deviceOrder(device, runtime.name)
  const host = await runtime.prepare()
  const workerFor = (spec: ModelSpec) => embedderFor(spec, settings, runtime, host, call)
  /** What the probe opened stays open: it is the one that will serve. */
  const probed = new Map<Space, Embedder>()
  const { spec, ranAs, gaveWay } = await runtime.levels.resolve(asked, {
    fallback: fallback && host.useless === undefined,
    variant: dtype,
    bring(name) {
      // A dtype that was asked of a level is not one that the built-in model must have.
      const lower = name === 'builtin' && levelOf(asked) !== 'builtin'
      return host.specOf(name, { dtype: lower ? undefined : dtype, dimensions, pooling }, { signal })
    },
    async probe(candidate) {
      // These very files were opened on this machine before: a process whose texts are all cached need not do it again.
      const { proven = [] } = await host.devices.plan(device, candidate, { signal })
      if (proven.length > 0) return
      const embedder = workerFor(candidate)
      try {
        await embedText(embedder, PROBE_TEXT, { signal })
        probed.set(candidate.space, embedder)
      } catch (error) {
        await embedder.close()
        throw error
      }
    },
  })
  for (const { name, reason } of gaveWay) warn(`model ${name} gives way: ${reason}`)
  if (gaveWay.length > 0) {
    warn(`embedding with ${ranAs} (${spec.dims} dims) in place of ${asked}: do not mix vectors of the two`)
  }
  return { embedder: probed.get(spec.space) ?? workerFor(spec), model: { asked, serves: ranAs, gaveWay } }
}

/** Workers for one model, started by the first text; none where they could only fail. */
function embedderFor(
  spec: ModelSpec,
  { device, workers, maxQueue, idleUnloadMs }: ModelSettings,
  { timer, complaint }: ModelRuntime,
  host: ModelHost,
  { warn, batches }: OpenModelCall,
): Embedder {
  const { devices, threads, useless } = host
  if (useless) return refusing(spec, useless, maxQueue, threads)
  let serving: Opened | undefined
  return new WorkerEmbedder({
    spec,
    spawn: () => host.startWorker(),
    plan: call => devices.plan(device, spec, call),
    threads,
    workers: workers ?? host.workers,
    timer,
    maxQueue,
    idleUnloadMs,
    batches,
    onOpen(opened) {
      void devices.passed(opened.device, spec)
      const warning = serving === undefined ? complaint(opened) : changed(serving, opened)
      if (warning !== undefined) warn(warning)
      serving = opened
    },
  })
}

function changed(before: Opened, { device, tried }: Opened): string | undefined {
  if (before.device === device) return undefined
  const lost = tried.find(attempt => attempt.device === before.device)
  return `embedding on ${device} from here on: ${before.device} ${lost?.reason ?? 'is gone'}`
}

/** Computes nothing, and fetches nothing to find that out. What is kept of its space still answers. */
function refusing(spec: ModelSpec, error: OpDbusError, maxQueue: number, threads: number): Embedder {
  const { space, description, dims } = spec
  return {
    space,
    spaceOf: text => spaceOf(spec, text),
    description,
    dims,
    room: maxQueue,
    running: {
      device: undefined,
      workers: 0,
      threads,
      batchTokens: undefined,
      refused: error.details.reasons as RunningEmbedder['refused'],
    },
    submit(job) {
      queueMicrotask(() => job.failed([...job.texts.keys()], error))
    },
    drop() {},
    close: async () => undefined,
  }
}
