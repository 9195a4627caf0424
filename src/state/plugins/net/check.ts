// What is wrong in a desired state of the network: fields that there are not, values that no system takes, ports that are to be in two
// places. Pure, and light: the entry file loads it. Goes by the table of fields, so that nothing is described twice.

import type { JsonObject, JsonValue } from '../../../json/json.js'
import { isObject } from '../../../json/plain.js'
import { step } from '../../../json/pointer.js'
import { nearest } from '../../../nearest.js'
import type { Problem } from '../../plugin.js'
import { OUR_WORDS } from '../../resources.js'
import { type Field, KERNEL_FIELDS, OVS_TYPES, ROOT_FIELDS, ROUTE_FIELDS, type Value, WRITABLE } from './fields.js'

const COLLECTIONS = ['interfaces', 'routes', 'ovs']

type Tell = (path: string, message: string) => void

/** All problems of a plugin's desired state, in its order. */
export function checkNet(desired: JsonObject): Problem[] {
  const problems: Problem[] = []
  const tell: Tell = (path, message) => problems.push({ path, message })
  known(desired, COLLECTIONS, '', tell)
  const interfaces = objects(desired.interfaces)
  interfaces.forEach((resource, i) => {
    checkInterface(resource, `/interfaces/${i}`, tell)
  })
  checkPlaces(interfaces, tell)
  objects(desired.routes).forEach((route, i) => {
    known(route, [...ROUTE_FIELDS, ...OUR_WORDS], `/routes/${i}`, tell)
    if (route.destination === 'default')
      tell(`/routes/${i}/destination`, 'say 0.0.0.0/0 or ::/0: "default" is the name of both')
  })
  const { ovs } = desired
  if (!isObject(ovs)) return problems
  known(ovs, [...ROOT_FIELDS.map(({ name }) => name), ...OUR_WORDS], '/ovs', tell)
  for (const field of ROOT_FIELDS) checkField(field, ovs[field.name], `/ovs/${field.name}`, tell)
  return problems
}

function checkInterface(resource: JsonObject, at: string, tell: Tell): void {
  const { type } = resource
  const ovs = typeof type === 'string' && Object.hasOwn(OVS_TYPES, type) ? OVS_TYPES[type] : undefined
  if (type !== undefined && typeof type !== 'string') tell(`${at}/type`, 'must be a text, such as "ovs-bridge"')
  // A type that is nearly one of ours was meant to be it; all others are the kernel's, and there are more of them than anybody lists.
  else if (typeof type === 'string' && !ovs) {
    const meant = nearest(type, Object.keys(OVS_TYPES))
    if (meant !== undefined) tell(`${at}/type`, `there is no type ${type}; did you mean ${meant}?`)
  }
  const writable = ovs ? [...ovs.fields.map(field => field.name), ...ovs.links] : [...WRITABLE]
  known(resource, ['name', 'type', ...writable, ...KERNEL_FIELDS, ...OUR_WORDS], at, tell)
  const fields = ovs ? ovs.fields : Object.values(OVS_TYPES).flatMap(({ fields }) => fields)
  for (const [name, field] of new Map(fields.map(field => [field.name, field]))) {
    checkField(field, resource[name], `${at}/${name}`, tell)
  }
  for (const list of ['ports', 'interfaces', 'controllers', 'members']) {
    const names = resource[list]
    if (names === undefined) continue
    if (names === null) {
      // Interfaces are not told of a port that has its own alone, and members of bridges of the kernel alone.
      if (list === 'ports' || list === 'controllers') tell(`${at}/${list}`, list === 'ports' ? NO_PORTS : ALWAYS.set)
      continue
    }
    checkList(names, entry => wrongWith({ is: 'text' }, entry), `${at}/${list}`, tell)
  }
  for (const family of ['ipv4', 'ipv6']) checkAddresses(resource[family], `${at}/${family}`, tell)
  checkKernel(resource, at, tell)
}

/** What is always there has a word for nothing; null, which takes a field away, would differ for ever. */
const ALWAYS: Readonly<Partial<Record<Field['kind'], string>>> & { readonly set: string } = {
  set: 'is always there: for an empty one write []',
  flag: 'is always there: write false',
  map: 'is always there: write null for each key that is to go',
}
const NO_PORTS = 'is always there: for an empty one write "ports": [] and "prune": true'

function checkField({ name, kind, value: of }: Field, value: JsonValue | undefined, at: string, tell: Tell): void {
  if (value === undefined) return
  if (value === null) {
    const always = name === 'ovs_type' ? 'is always there: write "system"' : ALWAYS[kind]
    if (always !== undefined) tell(at, always)
    return
  }
  if (kind === 'map') checkTexts(value, at, tell)
  else if (kind === 'set') checkList(value, entry => wrongWith(of, entry), at, tell)
  else {
    const problem = wrongWith(of, value)
    if (problem !== undefined) tell(at, problem)
  }
}

function checkTexts(value: JsonValue, at: string, tell: Tell): void {
  if (!isObject(value)) tell(at, 'must be an object of texts')
  for (const [key, entry] of isObject(value) ? Object.entries(value) : []) {
    if (entry === null || typeof entry === 'string') continue
    tell(at + step(key), `must be a text, in quotes: ${JSON.stringify(String(entry))}`)
  }
}

/** The first entry that is wrong is told. */
function checkList(list: JsonValue, wrong: (entry: JsonValue) => string | undefined, at: string, tell: Tell): void {
  const entries = Array.isArray(list) ? (list as JsonValue[]) : []
  const first = entries.findIndex(entry => wrong(entry) !== undefined)
  if (!Array.isArray(list)) tell(at, 'must be a list')
  else if (first >= 0) tell(`${at}/${first}`, wrong(entries[first] as JsonValue) as string)
}

function wrongWith(of: Value, value: JsonValue): string | undefined {
  if (of.is === 'flag') return typeof value === 'boolean' ? undefined : 'must be true or false'
  if (of.is === 'text')
    return typeof value === 'string' && value !== ''
      ? undefined
      : 'must be a text that is not empty; null where there is to be none'
  if (of.is === 'one') {
    if (typeof value === 'string' && of.of.includes(value)) return undefined
    const meant = typeof value === 'string' ? nearest(value, of.of) : undefined
    return meant === undefined ? `must be one of ${of.of.join(', ')}` : `there is no ${value}; did you mean ${meant}?`
  }
  const right = typeof value === 'number' && Number.isInteger(value) && value >= of.min && value <= of.max
  return right ? undefined : `must be a whole number from ${of.min} to ${of.max}`
}

function checkAddresses(value: JsonValue | undefined, at: string, tell: Tell): void {
  if (value === undefined || value === null) return
  if (!isObject(value)) tell(at, 'must be an object, such as { "enabled": true, "dhcp": true }')
  const { address, gateway, ...flags } = isObject(value) ? value : {}
  known(isObject(value) ? value : {}, ['enabled', 'dhcp', 'address', 'gateway'], at, tell)
  for (const [flag, set] of Object.entries(flags)) {
    if (typeof set !== 'boolean') tell(at + step(flag), 'must be true or false')
  }
  if (gateway !== undefined && gateway !== null && typeof gateway !== 'string')
    tell(`${at}/gateway`, 'must be an address')
  if (address === undefined || address === null) return
  const most = at.endsWith('ipv6') ? 128 : 32
  if (!Array.isArray(address)) tell(`${at}/address`, 'must be a list, such as [{ "ip": "172.16.0.10", "prefix": 24 }]')
  for (const [i, each] of Array.isArray(address) ? address.entries() : []) {
    const here = `${at}/address/${i}`
    if (isObject(each)) known(each, ['ip', 'prefix'], here, tell)
    const { ip, prefix } = isObject(each) ? each : {}
    if (typeof ip !== 'string') tell(`${here}/ip`, 'must be an address, such as "172.16.0.10"')
    const wrong = wrongWith({ is: 'integer', min: 0, max: most }, prefix ?? '')
    if (wrong !== undefined) tell(`${here}/prefix`, wrong)
  }
}

function checkKernel(resource: JsonObject, at: string, tell: Tell): void {
  const kinds: readonly (readonly [string, readonly string[]])[] = [
    ['boolean', ['up', 'stp', 'vlan_filtering']],
    ['number', ['mtu', 'vlan_id', 'vni']],
    ['string', ['mac', 'master', 'parent', 'peer', 'local', 'remote', 'mode', 'bridge', 'port']],
  ]
  const words = { boolean: 'true or false', number: 'a number', string: 'a text' } as const
  for (const [kind, fields] of kinds) {
    for (const field of fields) {
      const value = resource[field]
      if (value === undefined || value === null || typeof value === kind) continue
      tell(`${at}/${field}`, `must be ${words[kind as keyof typeof words]}`)
    }
  }
}

/** One port is in one bridge: what the bridges list and what the ports say must agree. */
function checkPlaces(interfaces: readonly JsonObject[], tell: Tell): void {
  const places = new Map<string, string>()
  const absent = new Map<string, boolean>()
  for (const { name, ensure } of interfaces) absent.set(String(name), ensure === 'absent')
  const place = (port: string, bridge: string, at: string) => {
    const other = places.get(port)
    if (other !== undefined && other !== bridge) tell(at, `${port} is to be in ${other} and in ${bridge}`)
    else if (absent.get(port)) tell(at, `${port} is to be in ${bridge}, and to be absent`)
    else if (absent.get(bridge)) tell(at, `${port} is to be in ${bridge}, which is to be absent`)
    else places.set(port, bridge)
  }
  interfaces.forEach((resource, i) => {
    if (resource.ensure === 'absent') return
    const name = String(resource.name)
    if (typeof resource.bridge === 'string') place(name, resource.bridge, `/interfaces/${i}/bridge`)
    if (!Array.isArray(resource.ports)) return
    resource.ports.forEach((port, j) => {
      if (port === name) tell(`/interfaces/${i}/ports/${j}`, `a bridge has its local port by itself: leave ${name} out`)
      else if (typeof port === 'string') place(port, name, `/interfaces/${i}/ports/${j}`)
    })
  })
}

function known(object: JsonObject, names: readonly string[], at: string, tell: Tell): void {
  for (const name of Object.keys(object)) {
    if (names.includes(name)) continue
    const meant = nearest(name, names)
    tell(
      at + step(name),
      meant === undefined ? `there is no field ${name}` : `there is no field ${name}; did you mean ${meant}?`,
    )
  }
}

/** What is no object is the manager's to complain of. */
const objects = (value: JsonValue | undefined): JsonObject[] =>
  Array.isArray(value) ? value.map(entry => (isObject(entry) ? entry : {})) : []
