// What runs on this machine and what does not, with the reason of each: for `op-dbus doctor`. Part of the Node root.
import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { DEVICE_CHOICES, readConfig } from './config.js'
import { deviceOrder } from './embedder/devices.js'
import { findModel, localModels } from './embedder/hub.js'
import type { ModelSpec } from './embedder/model-spec.js'
import { WorkerEmbedder } from './embedder/worker-client.js'
import { messageOf } from './errors.js'
import { cacheDir, hubOptions, type OpenOptions, spawnWorker, timer } from './node-runtime.js'
import type { Device } from './ports.js'
import { VERSION } from './version.js'

export interface DeviceReport {
  readonly device: Exclude<Device, 'custom'>
  readonly works: boolean
  /** Why it does not, or what is to be known although it does. */
  readonly reason?: string
  /** Milliseconds of one short text with the model open. */
  readonly ms?: number
  /** Cosine between this device's vector and that of the first device that works. */
  readonly cosine?: number
}

export interface Diagnosis {
  readonly versions: Readonly<Record<string, string>>
  readonly devices: readonly DeviceReport[]
  readonly model: {
    readonly name: string
    readonly description?: Readonly<Record<string, string | number | boolean>>
    readonly error?: string
  }
  readonly folders: readonly { readonly what: string; readonly path: string; readonly note: string }[]
}

const TEXT = 'Created container 100'

/** Opens the model on every device of this version, one after another. Writes nothing but the digest memo. */
export async function diagnose(options: OpenOptions = {}): Promise<Diagnosis> {
  const { embedder: _embedder, onWarning = () => {}, ...settings } = options
  const config = readConfig(settings, process.env, onWarning)
  const dir = cacheDir(config)
  const hub = hubOptions(config, dir)
  let model: Diagnosis['model'] = { name: config.model }
  let spec: ModelSpec | undefined
  try {
    if (config.model === 'none') throw new Error('embedding is switched off')
    spec = await findModel(config.model, hub)
    model = { name: config.model, description: { ...spec.description, file: spec.files.model.path } }
  } catch (error) {
    model = { name: config.model, error: messageOf(error) }
  }
  return {
    versions: versions(),
    devices: await deviceReports(spec, config.threads ?? availableParallelism(), config.device),
    model,
    folders: [
      { what: 'cache', path: dir ?? '(none)', note: dir === undefined ? 'no home folder' : access(dir) },
      { what: 'models', path: hub.env.OP_DBUS_MODEL_DIR ?? '(OP_DBUS_MODEL_DIR is not set)', note: '' },
      { what: 'found', path: (await localModels(hub)).join(', '), note: 'names that --model takes now' },
    ],
  }
}

async function deviceReports(spec: ModelSpec | undefined, threads: number, asked: string): Promise<DeviceReport[]> {
  const reports: DeviceReport[] = []
  let reference: Float32Array | undefined
  for (const device of DEVICE_CHOICES) {
    if (device === 'auto' || (asked !== 'auto' && device !== asked)) continue
    try {
      const devices = deviceOrder(device, 'node')
      if (spec === undefined) throw new Error('not tried: there is no model')
      const { vector, ms } = await measure(spec, devices, threads)
      reference ??= vector
      reports.push({ device, works: true, ms, cosine: dot(vector, reference) / (norm(vector) * norm(reference)) })
    } catch (error) {
      reports.push({ device, works: false, reason: messageOf(error) })
    }
  }
  return reports
}

async function measure(spec: ModelSpec, devices: readonly Device[], threads: number) {
  const embedder = new WorkerEmbedder({ spec, plan: async () => ({ devices }), threads, spawn: spawnWorker, timer })
  try {
    const { vector } = await embedder.embed(TEXT)
    const start = performance.now()
    await embedder.embed(TEXT)
    return { vector, ms: performance.now() - start }
  } finally {
    await embedder.close()
  }
}

function versions(): Record<string, string> {
  const of = (name: string) => installedVersion(name) ?? 'not installed'
  return {
    'op-dbus': VERSION,
    node: `${process.version} on ${process.platform}-${process.arch}`,
    'onnxruntime-node': of('onnxruntime-node'),
    'onnxruntime-web': of('onnxruntime-web'),
    '@huggingface/tokenizers': of('@huggingface/tokenizers'),
  }
}

/** Read from the package's own file: packages need not export it. */
function installedVersion(name: string): string | undefined {
  const folders = createRequire(import.meta.url).resolve.paths(name) ?? []
  const file = folders.map(folder => join(folder, name, 'package.json')).find(path => existsSync(path))
  return file && (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}

/** Whether entries can be written there, or the folder be made. */
function access(dir: string): string {
  let path = dir
  while (!existsSync(path) && dirname(path) !== path) path = dirname(path)
  try {
    accessSync(path, constants.W_OK | constants.X_OK)
    return path === dir ? 'writable' : 'not there yet; made at the first write'
  } catch {
    return path === dir ? 'not writable: memory only' : `cannot be made in ${path}: memory only`
  }
}

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, x, i) => sum + x * b[i]!, 0)
}

function norm(a: Float32Array): number {
  return Math.sqrt(dot(a, a))
}
