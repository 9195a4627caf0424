// What runs on this machine and what does not, with the reason of each: for `op-dbus doctor`. Part of the Node root.
import { accessSync, constants } from 'node:fs'
import { dirname } from 'node:path'
import { deviceOrder } from '../embedder/devices/order.js'
import type { ProbeResult } from '../embedder/devices/probe.js'
import type { DeviceSelector } from '../embedder/devices/selector.js'
import type { ModelSpec } from '../embedder/model/spec.js'
import { messageOf } from '../errors.js'
import { findModel, localModels } from '../hub/find.js'
import { modelPlaces } from '../hub/places.js'
import type { CallOptions, Device } from '../ports.js'
import { VERSION } from '../version.js'
import { deviceSelector } from './devices.js'
import { installedVersion, isThere } from './machine.js'
import { type OpenOptions, readOptions } from './options.js'

/** One device with this model. Absent figures were not measured. */
export interface DeviceReport extends Omit<ProbeResult, 'reference'> {
  /** CUDA and WebGPU are called working only where they ran: false where nobody could try. */
  readonly verified: boolean
}

export interface Diagnosis {
  readonly versions: Readonly<Record<string, string>>
  readonly devices: readonly DeviceReport[]
  /** What embeds under these settings; absent where nothing can. */
  readonly serving?: Device
  readonly model: {
    readonly name: string
    readonly description?: Readonly<Record<string, string | number | boolean>>
    readonly error?: string
  }
  readonly folders: readonly { readonly what: string; readonly path: string; readonly note: string }[]
}

/**
 * Tries the model on every device, or on the one that `options.device` names, each in a process of its own. Writes what
 * it found into the cache folder, where later processes look it up, and the digest memo.
 */
export async function diagnose(options: OpenOptions = {}, call: CallOptions = {}): Promise<Diagnosis> {
  const { config, dir, hub } = readOptions(options)
  let model: Diagnosis['model'] = { name: config.model }
  let spec: ModelSpec | undefined
  try {
    if (config.model === 'none') throw new Error('embedding is switched off')
    const { dtype, dimensions, pooling } = config
    spec = await findModel(config.model, hub, { dtype, dimensions, pooling })
    model = { name: config.model, description: { ...spec.description, file: spec.files.model.path } }
  } catch (error) {
    model = { name: config.model, error: messageOf(error) }
  }
  const selector = deviceSelector(config, dir)
  const devices = await deviceReports(selector, spec, config.device, call)
  const plan = spec && (await selector.plan(config.device, spec, call).catch(() => undefined))
  const serving = plan?.devices.find(device => devices.some(report => report.device === device && report.works))
  return {
    versions: versions(),
    devices,
    serving,
    model,
    folders: [
      { what: 'cache', path: dir ?? '(none)', note: dir === undefined ? 'no home folder' : access(dir) },
      { what: 'models', path: modelPlaces(hub)[0]?.dir ?? '(none)', note: 'where models are fetched to' },
      { what: 'found', path: (await localModels(hub)).join(', '), note: 'names that --model takes now' },
    ],
  }
}

async function deviceReports(
  selector: DeviceSelector,
  spec: ModelSpec | undefined,
  asked: string,
  call: CallOptions,
): Promise<DeviceReport[]> {
  const order = deviceOrder(asked, 'node')
  const reports = new Map<Device, DeviceReport>()
  // The CPU first: what it computes is what the others are compared with.
  for (const device of [...order].sort((a, b) => Number(b === 'cpu') - Number(a === 'cpu'))) {
    const probe = spec
      ? await selector.probe(device, spec, call)
      : { device, works: false, reason: 'not tried: there is no model' }
    reports.set(device, { ...probe, verified: probe.works || 'cosine' in probe })
  }
  return order.map(device => reports.get(device)!)
}

function versions(): Record<string, string> {
  const of = (name: string) => installedVersion(name) ?? 'not installed'
  return {
    'op-dbus': VERSION,
    node: `${process.version} on ${process.platform}-${process.arch}`,
    'onnxruntime-node': of('onnxruntime-node'),
    'onnxruntime-web': of('onnxruntime-web'),
  }
}

/** Whether entries can be written there, or the folder be made. */
function access(dir: string): string {
  let path = dir
  while (!isThere(path) && dirname(path) !== path) path = dirname(path)
  try {
    accessSync(path, constants.W_OK | constants.X_OK)
    return path === dir ? 'writable' : 'not there yet; made at the first write'
  } catch {
    return path === dir ? 'not writable: memory only' : `cannot be made in ${path}: memory only`
  }
}
