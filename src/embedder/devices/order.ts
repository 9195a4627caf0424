// Which devices may serve, and opening the first that can and proves itself. Every attempt's reason is kept: nobody should have to guess.

import { asFailure, messageOf, OpDbusError } from '../../errors.js'
import type { Backend, BackendFactory, BackendOptions, Device, OnnxFile, Pooling, RefusalKind } from '../../ports.js'
import type { Reference } from './self-check.js'

/** Which devices a worker may open, and what is known of them already. */
export interface DevicePlan {
  /** In the order to be tried. */
  readonly devices: readonly Device[]
  /** Those of them that have proved themselves with this model on this machine: they serve without a new check. */
  readonly proven?: readonly Device[]
  /** Devices that are not tried, and why. */
  readonly refused?: readonly DeviceReason[]
  /** What a device must reproduce before it serves. */
  readonly reference?: Reference
  /** Which GPU, counted from 0. Default 0. */
  readonly gpuDevice?: number
}

/** Why a device does not serve. */
export interface DeviceReason {
  readonly device: Device
  readonly reason: string
  readonly kind: RefusalKind
}

/** Which device serves, and why those before it do not. */
export interface Opened {
  readonly device: Device
  readonly tried: readonly DeviceReason[]
}

/** Devices of each runtime, in the order in which `auto` tries them. */
const ORDER = {
  node: ['cuda', 'webgpu', 'cpu', 'wasm'],
  web: ['webgpu', 'wasm'],
} as const satisfies Record<string, readonly Device[]>

/** Devices whose arithmetic is not the reference's own: they serve only once they have reproduced known vectors. */
const GPUS: readonly Device[] = ['cuda', 'webgpu']

export function isGpu(device: Device): boolean {
  return GPUS.includes(device)
}

/**
 * The devices to try for the option `device`: `auto`, or one by name.
 * Throws INVALID_INPUT for a name that is none, DEVICE_UNAVAILABLE for one that this runtime does not have.
 */
export function deviceOrder(name: string, runtime: 'node' | 'web'): readonly Device[] {
  const order: readonly Device[] = ORDER[runtime]
  if (name === 'auto') return order
  const device = order.find(known => known === name)
  if (device) return [device]
  const choices = `here: auto, ${order.join(', ')}`
  const details = { known: ['auto', ...order] }
  if (!(ORDER.node as readonly string[]).includes(name))
    throw new OpDbusError('INVALID_INPUT', `unknown device ${JSON.stringify(name)}; ${choices}`, { details })
  throw unavailable([{ device: name as Device, reason: 'not in browsers', kind: 'absent' }], details)
}

/** What opening needs beside the model. */
export interface OpenPlan {
  readonly factories: readonly BackendFactory[]
  readonly options: BackendOptions
  /** How the model pools, which a GPU does by itself. */
  readonly pooling?: Pooling
  /** Devices refused before, told with the others. */
  readonly refused?: readonly DeviceReason[]
  /** Rejects with the reason why an open backend must not serve. */
  readonly check: (backend: Backend) => Promise<void>
}

/**
 * Opens the first of `factories` that can and passes its check, one at a time. Rejects with DEVICE_UNAVAILABLE
 * (`details.reasons`) when none does, and at once with UNSUPPORTED_MODEL: another device would not read the graph differently.
 */
export async function openFirst(
  file: OnnxFile,
  { factories, options, pooling, refused = [], check }: OpenPlan,
): Promise<{ backend: Backend; opened: Opened }> {
  const tried: DeviceReason[] = [...refused]
  for (const factory of factories) {
    let backend: Backend | undefined
    try {
      backend = await factory.open(file, optionsOn(factory.device, options, pooling))
      await check(backend)
      return { backend, opened: { device: backend.device, tried } }
    } catch (error) {
      await backend?.close().catch(() => undefined)
      if (asFailure(error).code === 'UNSUPPORTED_MODEL') throw error
      tried.push({ device: factory.device, reason: messageOf(error), kind: 'failed' })
    }
  }
  throw unavailable(tried)
}

/**
 * What a session on `device` is opened with: a GPU pools by itself, since what it answers has to cross to the CPU. On a CPU plain loops
 * are as fast (MiniLM: 0.99 to 1.03 of a batch), and a graph is extended in memory: 40 ms and the file's size more at opening.
 */
export function optionsOn(device: Device, options: BackendOptions, pooling?: Pooling): BackendOptions {
  return isGpu(device) ? { ...options, pooling } : options
}

/** DEVICE_UNAVAILABLE that says why, device by device. */
export function unavailable(tried: readonly DeviceReason[], details: object = {}): OpDbusError {
  const reasons = tried.map(({ device, reason }) => `${device}: ${reason}`).join('; ')
  return new OpDbusError('DEVICE_UNAVAILABLE', `no device can run the model (${reasons || 'none allowed'})`, {
    details: { ...details, reasons: tried },
  })
}
