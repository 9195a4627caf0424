// What computes in a page: finds the model, chooses the devices, stands the worker behind the Embedder port. Part of the web root.
import type { ServingModel } from '../caches/embedding-cache.js'
import type { Config } from '../config.js'
import { WorkerEmbedder } from '../embedder/client/worker-embedder.js'
import { DeviceBook } from '../embedder/devices/book.js'
import type { Opened } from '../embedder/devices/order.js'
import { deviceOrder, unavailable } from '../embedder/devices/order.js'
import { Levels, levelOf } from '../embedder/model/levels.js'
import { spaceOf } from '../embedder/model/revision.js'
import { type ModelSpec, readModelSpec } from '../embedder/model/spec.js'
import { knownModel } from '../embedder/model/table.js'
import { OpDbusError } from '../errors.js'
import type { Call, Embedder, Running, Space, Store, WorkerHandle } from '../ports.js'
import { type Assets, readAssets } from './assets.js'
import { webDevices } from './devices.js'
import { Downloads } from './downloads.js'
import type { FileRef } from './fetch-file.js'
import { hubModel } from './hub.js'
import { type KnownFile, webFolder } from './model-folder.js'
import type { OpenOptions, Places } from './options.js'
import { probeGpu, timer, usableThreads, webClock, webHash } from './page.js'
import type { Shelf } from './shelf.js'
import { startWorker } from './start-worker.js'

/** Where the built-in model lies among the assets. */
const BUILTIN = 'models/builtin/'

export interface OpenModelCall extends Call, Pick<OpenOptions, 'onDownload'> {
  readonly places: Places
  readonly shelf: Shelf
  readonly warn: (message: string) => void
  /** Keeps what devices proved. */
  readonly verdicts: Store | undefined
}

/** One for the page: what gave way once stays away, so that no two caches of it differ in what `high` means. */
const levels = new Levels()

/**
 * The embedder of `config.model`. Reads its small files; a model of a hub is fetched whole when it is not there. Opens
 * none, unless a level may give way.
 */
export async function openModel(
  config: Config,
  call: OpenModelCall,
): Promise<{ readonly embedder: Embedder; readonly model: ServingModel }> {
  const { model: name, dtype, fallback } = config
  if (name === 'none') throw new OpDbusError('DISABLED', 'embedding is switched off (model "none")')
  // A name that is no device is told now; whether the device works, when the first text needs it.
  deviceOrder(config.device, 'web')
  const assets = await readAssets(call.places, call.shelf, { signal: call.signal, timer })
  const page = await pageParts(config, assets, call)
  // Where none can run, a lesser model can neither.
  const level = fallback && !page.useless ? levelOf(name) : undefined
  if (level === undefined) {
    const spec = await readSpec(name, config, assets, page, call)
    return { embedder: workerFor(spec, config, page, call), model: { asked: name, serves: name, gaveWay: [] } }
  }
  /** What the probe opened stays open: it is the one that will serve. */
  const probed = new Map<Space, Embedder>()
  const { spec, ranAs, gaveWay } = await levels.choose(level, {
    variant: dtype,
    // A dtype that was asked of a level is not one that the built-in model must have.
    bring: one =>
      readSpec(one, one === 'builtin' && level !== one ? { ...config, dtype: undefined } : config, assets, page, call),
    async probe(candidate) {
      const { proven = [] } = await page.book.plan(config.device, candidate, call)
      if (proven.length > 0) return
      const embedder = workerFor(candidate, config, page, call)
      try {
        await embedder.embed('Created container 100', { signal: call.signal })
        probed.set(candidate.space, embedder)
      } catch (error) {
        await embedder.close()
        throw error
      }
    },
  })
  for (const one of gaveWay) call.warn(`model ${one.name} gives way: ${one.reason}`)
  if (gaveWay.length > 0) {
    call.warn(`embedding with ${ranAs} (${spec.dims} dims) in place of ${name}: do not mix vectors of the two`)
  }
  const embedder = probed.get(spec.space) ?? workerFor(spec, config, page, call)
  return { embedder, model: { asked: name, serves: ranAs, gaveWay } }
}

/** What all models of one call share. */
interface PageParts {
  readonly threads: number
  readonly book: DeviceBook
  /** Why nothing can be computed here, whatever were fetched for it. */
  readonly useless: OpDbusError | undefined
  spawn(): WorkerHandle
}

async function pageParts(config: Config, assets: Assets, call: OpenModelCall): Promise<PageParts> {
  const { shelf, verdicts, onDownload } = call
  const downloads = new Downloads(onDownload)
  const spawn = () =>
    startWorker(assets, shelf, {
      onNotice(notice) {
        if (notice.opDbus === 'warning') shelf.warnOnce(notice.message)
        else downloads.saw(notice)
      },
      warn: call.warn,
    })
  const threads = usableThreads(config.threads)
  const runtime = webDevices({
    spawn,
    probe: probeGpu,
    files: spec => [...modelFiles(spec), assets.ort('webgpu').wasm],
    ownReference: async spec => {
      const file = spec.id === 'builtin' ? assets.file(`${BUILTIN}op-dbus-reference.json`) : undefined
      return file && JSON.parse(await shelf.text(file))
    },
    threads,
    timer,
  })
  const book = new DeviceBook({ runtime, store: verdicts, clock: webClock, hash: webHash })
  const gone = config.device === 'webgpu' ? await runtime.absent('webgpu', false) : undefined
  const useless = gone === undefined ? undefined : unavailable([{ device: 'webgpu', reason: gone, kind: 'absent' }])
  return { threads, book, useless, spawn }
}

/** From the same small files as everywhere, so that the space is the same as everywhere. */
async function readSpec(name: string, config: Config, assets: Assets, page: PageParts, call: OpenModelCall) {
  const { dtype, dimensions, pooling, offline } = config
  const { shelf, places, signal } = call
  const known = knownModel(name)
  const files: ReadonlyMap<string, KnownFile> =
    name === 'builtin'
      ? assets.folder(BUILTIN)
      : await hubModel(name, {
          hub: places.hub,
          shelf,
          spawn: page.spawn,
          dtype,
          offline,
          useless: page.useless,
          signal,
        })
  return readModelSpec(webFolder(known?.hubId ?? name, files, shelf, { signal }), {
    dtype: dtype ?? known?.dtype,
    maxTokens: known?.maxTokens,
    dimensions,
    pooling,
  })
}

/** A worker for one model, started by the first text; none where that could only fail. */
function workerFor(spec: ModelSpec, config: Config, page: PageParts, { warn }: OpenModelCall): Embedder {
  const { threads, book, useless, spawn } = page
  if (useless) return refusing(spec, useless, config, page)
  let serving: Opened | undefined
  return new WorkerEmbedder({
    spec,
    spawn,
    plan: planning => book.plan(config.device, spec, planning),
    threads,
    workers: config.workers ?? 1,
    timer,
    maxQueue: config.maxQueue,
    idleUnloadMs: config.idleUnloadMs,
    onOpen(opened) {
      void book.passed(opened.device, spec)
      if (serving && serving.device !== opened.device) tellChange(serving, opened, warn)
      else if (!serving) tellRefused(opened, config, warn)
      serving = opened
    },
  })
}

/** Computes nothing, and fetches nothing to find that out. What is kept of its space still answers. */
function refusing(spec: ModelSpec, error: OpDbusError, { maxQueue }: Config, { threads }: PageParts): Embedder {
  const { space, description, dims } = spec
  const refused = error.details.reasons as Running['refused']
  return {
    space,
    spaceOf: text => spaceOf(spec, text),
    description,
    dims,
    room: maxQueue,
    running: { device: undefined, workers: 0, threads, batchTokens: undefined, ...(refused && { refused }) },
    embed: async () => {
      throw error
    },
    close: async () => undefined,
  }
}

function modelFiles({ files: { model, tokenizer, tokenizerConfig } }: ModelSpec): FileRef[] {
  const all = [model, tokenizer, ...(tokenizerConfig ? [tokenizerConfig] : [])]
  return all.map(({ path, sha256 }) => ({ url: path, digest: sha256 }))
}

function tellChange(before: Opened, { device, tried }: Opened, warn: (message: string) => void): void {
  const lost = tried.find(attempt => attempt.device === before.device)
  warn(`embedding on ${device} from here on: ${before.device} ${lost?.reason ?? 'is gone'}`)
}

/** A browser without a GPU, or with a slow one, is nothing to complain of: `stats` tells. A GPU that fails is. */
function tellRefused({ device, tried }: Opened, { device: choice }: Config, warn: (message: string) => void): void {
  const gpu = tried.find(attempt => attempt.device === 'webgpu')
  if (choice !== 'auto' || gpu?.kind !== 'failed') return
  warn(`embedding on ${device}: webgpu ${gpu.reason}`)
}
