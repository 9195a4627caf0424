// One query of the network: what Open vSwitch and the kernel say, asked at the same time, as one list of resources.
import type { JsonObject, JsonValue } from '../../../json/json.js'
import type { PluginTools } from '../../plugin.js'
import type { OvsdbClient } from './client.js'
import { type Kernel, readKernel } from './kernel.js'
import { readSnapshot, resourcesOf, rootResource, type Snapshot, unconfigured } from './snapshot.js'

/** What there is to ask; undefined: it is not on this machine, and the rest is answered. */
export interface Sources {
  readonly client: (() => Promise<OvsdbClient>) | undefined
  readonly run: PluginTools['run'] | undefined
  readonly warn: PluginTools['warn']
  readonly signal: AbortSignal
}

/** @throws OpDbusError PLUGIN_FAILED where one that is there does not answer */
export async function queryNet({ client, run, warn, signal }: Sources): Promise<JsonObject> {
  const [kernel, snapshot] = await Promise.all([
    run && readKernel(run, signal),
    client?.().then(opened => readSnapshot(opened, signal)),
  ])
  const behind = snapshot && unconfigured(snapshot)
  if (behind !== undefined) warn(behind)
  return stateOf(snapshot, kernel)
}

/** What each of the two says; undefined: it is not on this machine. */
export function stateOf(snapshot: Snapshot | undefined, kernel: Kernel | undefined): JsonObject {
  const state: Record<string, JsonValue> = { interfaces: interfacesOf(snapshot, kernel) }
  if (kernel) state.routes = kernel.routes
  if (snapshot) state.ovs = rootResource(snapshot)
  return state
}

function interfacesOf(snapshot: Snapshot | undefined, kernel: Kernel | undefined): JsonObject[] {
  const resources = new Map(kernel?.links)
  for (const [name, resource] of snapshot ? resourcesOf(snapshot) : []) {
    resources.set(name, { ...kernelPart(resources.get(name), resource), ...resource })
  }
  return [...resources.values()]
}

/** Of a bridge's local link Open vSwitch chooses the address and the MTU anew with each port: they are no part of a state. */
function kernelPart(link: JsonObject | undefined, { type }: JsonObject): JsonObject {
  if (!link || type !== 'ovs-bridge') return link ?? {}
  const { mac, mtu, ...rest } = link
  return rest
}
