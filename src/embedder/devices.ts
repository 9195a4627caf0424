// Which devices may serve, and opening the first that can. Every attempt's reason is kept: nobody should have to guess.

import { messageOf, OpDbusError } from '../errors.js'
import type { Backend, BackendFactory, Call, Device, OnnxFile } from '../ports.js'
import { asFailure } from './batcher.js'
import type { DeviceReason, Opened } from './protocol.js'

/** Devices that this version can run a model on, in the order in which `auto` tries them. */
const SERVING = { node: ['cpu', 'wasm'], web: ['wasm'] } as const satisfies Record<string, readonly Device[]>
const PLANNED: readonly string[] = ['cuda', 'webgpu']

/**
 * The devices to try for the option `device`: `auto`, or one by name.
 * Throws INVALID_INPUT for a name that is none, DEVICE_UNAVAILABLE for one that cannot serve here.
 */
export function deviceOrder(name: string, runtime: 'node' | 'web'): readonly Device[] {
  const serving: readonly Device[] = SERVING[runtime]
  if (name === 'auto') return serving
  const device = serving.find(known => known === name)
  if (device) return [device]
  const choices = `here: auto, ${serving.join(', ')}`
  const reason = PLANNED.includes(name)
    ? 'not supported in this version'
    : name === 'cpu'
      ? 'not in browsers'
      : undefined
  if (reason === undefined)
    throw new OpDbusError('INVALID_INPUT', `unknown device ${JSON.stringify(name)}; ${choices}`, {
      details: { known: ['auto', ...serving] },
    })
  throw new OpDbusError('DEVICE_UNAVAILABLE', `device ${name}: ${reason}; ${choices}`, {
    details: { reasons: [{ device: name, reason }], known: ['auto', ...serving] },
  })
}

/**
 * Opens the first of `factories` that can, one at a time. Rejects with DEVICE_UNAVAILABLE (`details.reasons`) when none
 * can, and at once with UNSUPPORTED_MODEL: another device would not read the graph differently.
 */
export async function openFirst(
  factories: readonly BackendFactory[],
  file: OnnxFile,
  options: { readonly threads: number },
  call?: Call,
): Promise<{ backend: Backend; opened: Opened }> {
  const tried: DeviceReason[] = []
  for (const factory of factories) {
    try {
      const backend = await factory.open(file, options, call)
      return { backend, opened: { device: backend.device, tried } }
    } catch (error) {
      if (asFailure(error).code === 'UNSUPPORTED_MODEL') throw error
      tried.push({ device: factory.device, reason: messageOf(error) })
    }
  }
  const reasons = tried.map(({ device, reason }) => `${device}: ${reason}`).join('; ')
  throw new OpDbusError('DEVICE_UNAVAILABLE', `no device could open the model (${reasons || 'none allowed'})`, {
    details: { reasons: tried },
  })
}
