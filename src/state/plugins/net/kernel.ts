// What the kernel says of links, addresses and routes, from `ip -json`. Reads; changes nothing.
//
// Left out, since it changes by itself: carrier and operational state, lifetimes of addresses and routes, temporary and link-local IPv6
// addresses (they come and go with the carrier) and their routes, queues, statistics, timers of bridges, indexes of links.
import { messageOf } from '../../../errors.js'
import type { JsonObject, JsonValue } from '../../../json/json.js'
import type { PluginTools } from '../../plugin.js'
import { pluginFailed } from '../errors.js'

type Raw = Readonly<Record<string, unknown>>
type Resource = Record<string, JsonValue>

/** Each line of what it reads is a command, and each answer one line. */
const IN_ONE = ['-json', '-details', '-batch', '-']
/** Some 50,000 links, or 500,000 routes. */
const MAX_BYTES = 64 << 20

export interface Kernel {
  /** By name. */
  readonly links: ReadonlyMap<string, JsonObject>
  readonly routes: readonly JsonObject[]
}

/** @throws OpDbusError PLUGIN_FAILED where `ip` fails or says what is not understood */
export async function readKernel(run: PluginTools['run'], signal: AbortSignal): Promise<Kernel> {
  const [links = [], routes = []] = await ask(run, ['address', 'route show table all'], signal)
  const main = routes.filter(isMain).map(routeOf)
  const defaults = main.filter(({ destination }) => destination === ANY4 || destination === ANY6)
  return { links: linksOf(links, defaults), routes: unique(main) }
}

/** The answers to commands, from one process: starting it is what takes the time. Nothing to tell is told as nothing by some versions. */
async function ask(run: PluginTools['run'], commands: readonly string[], signal: AbortSignal): Promise<Raw[][]> {
  const input = commands.map(command => `${command}\n`).join('')
  const { code, stdout, stderr } = await run('ip', IN_ONE, { signal, input, maxBytes: MAX_BYTES })
  if (code !== 0) throw failed(`ip ${IN_ONE.join(' ')} ended with ${code}: ${stderr.trim() || 'it did not say why'}`)
  return stdout
    .split('\n')
    .filter(line => line.trim() !== '')
    .map(listIn)
}

function listIn(line: string): Raw[] {
  let answer: unknown
  try {
    answer = JSON.parse(line)
  } catch (error) {
    throw failed(`ip ${IN_ONE.join(' ')} printed what is not JSON: ${messageOf(error)}`, error)
  }
  if (!Array.isArray(answer)) throw failed(`ip ${IN_ONE.join(' ')} printed no list`)
  // A link without anything asked for is an empty object.
  return answer.filter(entry => typeof entry === 'object' && entry !== null)
}

// ---- links ----------------------------------------------------------------------------------------------------------

function linksOf(answer: readonly Raw[], defaults: readonly Route[]): Map<string, JsonObject> {
  const links = new Map<string, Resource>()
  for (const raw of answer) if (typeof raw.ifname === 'string') links.set(raw.ifname, linkOf(raw, defaults))
  for (const [name, { master }] of links) {
    const bridge = links.get(String(master))
    if (bridge?.type === 'bridge') (bridge.members as JsonValue[]).push(name)
  }
  for (const link of links.values()) if (link.members) (link.members as string[]).sort()
  return links
}

function linkOf(raw: Raw, defaults: readonly Route[]): Resource {
  const name = String(raw.ifname)
  const info = (raw.linkinfo ?? {}) as Raw
  const data = (info.info_data ?? {}) as Raw
  const type = typeOf(raw, info)
  const link: Resource = { name, type }
  put(link, 'mac', raw.address)
  put(link, 'mtu', raw.mtu)
  link.up = Array.isArray(raw.flags) && raw.flags.includes('UP')
  // Of a port of Open vSwitch the master is its datapath, whichever bridge it belongs to.
  if (raw.master !== 'ovs-system') put(link, 'master', raw.master)
  put(link, type === 'veth' ? 'peer' : 'parent', raw.link ?? undefined)
  if (type === 'vlan') put(link, 'vlan_id', data.id)
  if (type === 'vxlan' || type === 'geneve') put(link, 'vni', data.id)
  if (type === 'bond' || type === 'macvlan' || type === 'ipvlan') put(link, 'mode', data.mode)
  put(link, 'local', data.local)
  put(link, 'remote', data.remote ?? data.group)
  if (type === 'bridge') {
    link.members = []
    link.stp = Number(data.stp_state) > 0
    link.vlan_filtering = Number(data.vlan_filtering) > 0
  }
  const addresses = ((raw.addr_info ?? []) as readonly Raw[]).filter(isSteady)
  link.ipv4 = addressesOf(addresses, 'inet', name, defaults)
  link.ipv6 = addressesOf(addresses, 'inet6', name, defaults)
  return link
}

function typeOf(raw: Raw, info: Raw): string {
  if (typeof info.info_kind === 'string') return info.info_kind
  return raw.link_type === 'ether' ? 'ethernet' : String(raw.link_type ?? 'unknown')
}

const isSteady = ({ family, scope, temporary, local }: Raw) =>
  typeof local === 'string' && !temporary && !(family === 'inet6' && scope === 'link')

/** In op-dbus's shape. `dhcp`: an address has a lifetime, so somebody renews it (DHCP, or a router's advertisements). */
function addressesOf(all: readonly Raw[], family: string, device: string, defaults: readonly Route[]): Resource {
  const own = all.filter(address => address.family === family)
  const found: Resource = {
    enabled: own.length > 0,
    dhcp: own.some(({ dynamic }) => dynamic === true),
    // In the kernel's order: the first of a network is the primary one.
    address: own.map(({ local, prefixlen }) => ({ ip: String(local), prefix: Number(prefixlen) })),
  }
  const destination = family === 'inet6' ? ANY6 : ANY4
  const through = defaults
    .filter(route => route.destination === destination && route.device === device && route.gateway !== undefined)
    .sort((a, b) => a.metric - b.metric)
  put(found, 'gateway', through[0]?.gateway)
  return found
}

// ---- routes ---------------------------------------------------------------------------------------------------------

interface Route extends JsonObject {
  readonly destination: string
  /** `-` where it leads through several devices, or none. */
  readonly device: string
  readonly metric: number
}

const ANY4 = '0.0.0.0/0'
const ANY6 = '::/0'

/** Of the table `main`, and made by somebody: each link brings its own route to fe80::/64 as its carrier comes. */
const isMain = (raw: Raw) => (raw.table ?? 'main') === 'main' && !(raw.dst === 'fe80::/64' && raw.protocol === 'kernel')

function routeOf(raw: Raw): Route {
  const via = (raw.via ?? {}) as Raw
  const gateway = raw.gateway ?? via.host
  const six = raw.pref !== undefined || String(raw.dst).includes(':')
  // Routes by type of service are others, though all else is the same.
  const tos = raw.tos === undefined ? '' : `,tos=${String(raw.tos)}`
  const route: Resource = {
    destination: (raw.dst === 'default' ? (six ? ANY6 : ANY4) : String(raw.dst)) + tos,
    device: typeof raw.dev === 'string' ? raw.dev : '-',
    metric: Number(raw.metric ?? 0),
  }
  // What most routes are is not told: ip says it where it is asked for details.
  put(route, 'type', raw.type === 'unicast' ? undefined : raw.type)
  put(route, 'gateway', gateway)
  put(route, 'protocol', raw.protocol === 'boot' ? undefined : raw.protocol)
  put(route, 'scope', raw.scope === 'global' ? undefined : raw.scope)
  put(route, 'source', raw.prefsrc)
  if (Array.isArray(raw.nexthops)) route.nexthops = raw.nexthops.map(hopOf)
  return route as Route
}

function hopOf(raw: Raw): Resource {
  const hop: Resource = {}
  put(hop, 'gateway', raw.gateway ?? ((raw.via ?? {}) as Raw).host)
  put(hop, 'device', raw.dev)
  put(hop, 'weight', raw.weight)
  return hop
}

/** One for each name: routes that differ in their gateway alone become the hops of one. */
function unique(routes: readonly Route[]): JsonObject[] {
  const byName = new Map<string, Resource>()
  for (const route of routes) {
    const name = JSON.stringify([route.destination, route.device, route.metric])
    const first = byName.get(name)
    if (!first) byName.set(name, { ...route })
    else first.nexthops = [...((first.nexthops as JsonValue[] | undefined) ?? [ownHop(first)]), ownHop(route)]
  }
  return [...byName.values()]
}

function ownHop({ gateway }: JsonObject): Resource {
  return gateway === undefined ? {} : { gateway }
}

// ---- both -----------------------------------------------------------------------------------------------------------

function put(into: Resource, name: string, value: unknown): void {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') into[name] = value
}

const failed = (message: string, cause?: unknown) => pluginFailed(message, { plugin: 'net', program: 'ip' }, cause)
