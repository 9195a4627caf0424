// What tests of the plugin `net` share: its tools on this machine, and a way from a desired state to what became of it.
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import type { JsonObject } from '../../src/json/json.js'
import { normaliseState } from '../../src/state/normalise.js'
import type { ApplyCall, Outcome, PluginTools, StateAction, StatePlugin } from '../../src/state/plugin.js'
import type { NetOptions } from '../../src/state/plugins/net.js'
import { netPlugin } from '../../src/state/plugins/net.js'
import { Ovs } from '../real/ovs.js'
import { toolsIn } from './plugin-tools.js'

/** The environment without `ip`: only Open vSwitch is asked. */
export const NO_IP = { PATH: '/nowhere' }

const clock = { now: () => Date.now(), monotonic: () => performance.now() }

const plugins: StatePlugin[] = []

/** Asks Open vSwitch alone unless told otherwise; is closed by {@link closePlugins}. */
export function netOf(options: NetOptions, env: PluginTools['env'] = NO_IP, warnings: string[] = []): StatePlugin {
  const plugin = netPlugin(toolsIn(env, warnings, clock), options)
  plugins.push(plugin)
  return plugin
}

export async function closePlugins(): Promise<void> {
  for (const plugin of plugins.splice(0)) await plugin.close?.()
}

export const never = new AbortController().signal

/** The state as everybody works with it: in its order. */
export const query = async (plugin: StatePlugin) => normaliseState(await plugin.query({ signal: never }), plugin)

export async function interfaceOf(plugin: StatePlugin, name: string): Promise<JsonObject | undefined> {
  const { interfaces } = await query(plugin)
  return (interfaces as readonly JsonObject[]).find(resource => resource.name === name)
}

/** What was reported, by resource. */
export async function applied(
  plugin: StatePlugin,
  actions: readonly StateAction[],
  how: (call: ApplyCall) => Promise<void> = call => plugin.apply!(actions, call),
): Promise<Record<string, Outcome>> {
  const outcomes: Record<string, Outcome> = {}
  const report: ApplyCall['report'] = ({ name }, outcome) => {
    outcomes[name] = outcome
  }
  await how({ signal: never, report })
  return outcomes
}

const resource = (name: string) => ({ collection: 'interfaces', name })

export const create = (name: string, fields: JsonObject): StateAction => {
  return { kind: 'create', resource: resource(name), new: { name, ...fields } }
}
export const remove = (old: JsonObject): StateAction => ({ kind: 'delete', resource: resource(String(old.name)), old })
export const modify = (name: string, ...changes: (readonly [string, unknown, unknown])[]): StateAction => {
  const one = ([path, old, now]: readonly [string, unknown, unknown]) => {
    return { path, ...(old !== undefined && { old }), ...(now !== undefined && { new: now }) }
  }
  return { kind: 'modify', resource: resource(name), changes: changes.map(one) as never }
}

/** A real Open vSwitch for the tests of a file, empty before each, and the plugin that asks it. */
export function useOvs(): { ovs: () => Ovs; net: () => StatePlugin } {
  let ovs: Ovs
  let net: StatePlugin
  beforeAll(async () => {
    ovs = await Ovs.start()
  })
  afterAll(() => ovs.close())
  beforeEach(() => {
    net = netOf({ ovsdb: ovs.socket })
  })
  afterEach(async () => {
    await closePlugins()
    await ovs.empty()
  })
  return { ovs: () => ovs, net: () => net }
}
