// What the database of Open vSwitch holds, read in one transact, and the resources that it makes. Asks; changes nothing.
import type { JsonObject, JsonValue } from '../../../json/json.js'
import type { OvsdbClient, OvsdbOperation } from './client.js'
import { BRIDGE_FIELDS, type Field, INTERFACE_FIELDS, PORT_FIELDS, ROOT_FIELDS, readFields } from './fields.js'
import { elements, type Row, sorted, uuidOf } from './rows.js'

/** Rows by name; what belongs to what, by name as well. */
export interface Snapshot {
  readonly root: Row | undefined
  readonly bridges: ReadonlyMap<string, Row>
  readonly ports: ReadonlyMap<string, Row>
  readonly interfaces: ReadonlyMap<string, Row>
  /** By uuid. */
  readonly controllers: ReadonlyMap<string, Row>
  /** The names of a bridge's ports, without its local one; of a port's interfaces. */
  readonly portsOf: ReadonlyMap<string, readonly string[]>
  readonly interfacesOf: ReadonlyMap<string, readonly string[]>
  /** Where a port, and where an interface, belongs. */
  readonly bridgeOf: ReadonlyMap<string, string>
  readonly portOf: ReadonlyMap<string, string>
}

const columnsOf = (fields: readonly Field[], ...more: string[]) => [
  '_uuid',
  ...more,
  ...fields.map(({ column }) => column),
]

/** By table, the columns that are read; a monitor of the same columns tells each change of what a query answers. */
export const COLUMNS = {
  Open_vSwitch: columnsOf(ROOT_FIELDS, 'bridges'),
  Bridge: columnsOf(BRIDGE_FIELDS, 'name', 'ports', 'controller'),
  Port: columnsOf(PORT_FIELDS, 'name', 'interfaces'),
  Interface: columnsOf(INTERFACE_FIELDS, 'name'),
  Controller: ['_uuid', 'target'],
} as const

/** Read as well, and monitored by nobody: they change by themselves. */
const ASKED: Readonly<Record<string, readonly string[]>> = {
  Open_vSwitch: ['cur_cfg', 'next_cfg'],
  Bridge: ['datapath_id'],
}

/** What is committed and not carried out, in one sentence: no state says so, since it passes by itself. */
export function unconfigured({ root, bridges }: Snapshot): string | undefined {
  const [current, next] = [Number(root?.cur_cfg), Number(root?.next_cfg)]
  if (current < next)
    return `ovs-vswitchd has not carried out the newest configuration (${current} of ${next}): does it run?`
  // It counts on also where it could not make one; and who does not wait for it (`ovs-vsctl --no-wait`) does not count.
  const unmade = [...bridges.values()].filter(({ datapath_id: id }) => id !== undefined && elements(id).length === 0)
  if (unmade.length === 0) return undefined
  const names = sorted(unmade.map(({ name }) => String(name))).join(', ')
  return `ovs-vswitchd has not made ${names}: does it run, and what does its log say (a datapath_type that it does not have)?`
}

/** @throws OpDbusError PLUGIN_FAILED */
export async function readSnapshot(client: OvsdbClient, signal: AbortSignal): Promise<Snapshot> {
  const selects = Object.entries(COLUMNS).map(
    ([table, columns]): OvsdbOperation => ({
      op: 'select',
      table,
      where: [],
      columns: [...columns, ...(ASKED[table] ?? [])],
    }),
  )
  const [roots, bridges, ports, interfaces, controllers] = await client.read(selects, signal)
  return indexRows(roots?.[0], bridges ?? [], ports ?? [], interfaces ?? [], controllers ?? [])
}

type Rows = readonly Row[]

/**
 * What rows make together: names for uuids, and what belongs where. A bridge that was removed keeps its row as long as another table names
 * it, and is none any more: only what hangs on the root counts.
 */
export function indexRows(
  root: Row | undefined,
  bridgeRows: Rows,
  portRows: Rows,
  interfaceRows: Rows,
  controllers: Rows,
): Snapshot {
  const bridges = heldBy(root ? [root] : [], 'bridges', bridgeRows)
  const ports = heldBy(bridges, 'ports', portRows)
  const interfaces = heldBy(ports, 'interfaces', interfaceRows)
  const names = new Map([...ports, ...interfaces].map(row => [uuidOf(row), String(row.name)]))
  const members = (row: Row, column: string) =>
    sorted(elements(row[column]).map(uuid => names.get(String(uuid)) ?? String(uuid)))
  const portsOf = new Map(
    bridges.map(row => [String(row.name), members(row, 'ports').filter(name => name !== String(row.name))]),
  )
  const interfacesOf = new Map(ports.map(row => [String(row.name), members(row, 'interfaces')]))
  return {
    root,
    bridges: byName(bridges),
    ports: byName(ports),
    interfaces: byName(interfaces),
    controllers: new Map(controllers.map(row => [uuidOf(row), row])),
    portsOf,
    interfacesOf,
    bridgeOf: inverse(portsOf),
    portOf: inverse(interfacesOf),
  }
}

/** What Open vSwitch knows by this name, as a resource; undefined where it knows nothing. */
export function resourceOf(snapshot: Snapshot, name: string): JsonObject | undefined {
  const bridge = snapshot.bridges.get(name)
  if (bridge) {
    const targets = elements(bridge.controller).map(uuid => String(snapshot.controllers.get(String(uuid))?.target))
    const ports = snapshot.portsOf.get(name) ?? []
    return { name, type: 'ovs-bridge', ports, controllers: sorted(targets), ...readFields(BRIDGE_FIELDS, bridge) }
  }
  const port = snapshot.ports.get(name)
  const own = snapshot.interfaces.get(name)
  if (port) {
    const interfaces = snapshot.interfacesOf.get(name) ?? []
    const resource: Record<string, JsonValue> = { name, type: 'ovs-port', ...readFields(PORT_FIELDS, port) }
    const home = snapshot.bridgeOf.get(name)
    if (home !== undefined) resource.bridge = home
    if (interfaces.length !== 1 || interfaces[0] !== name) resource.interfaces = interfaces
    if (own && interfaces.includes(name)) Object.assign(resource, readFields(INTERFACE_FIELDS, own))
    return resource
  }
  if (!own) return undefined
  const home = snapshot.portOf.get(name)
  return {
    name,
    type: 'ovs-interface',
    ...(home === undefined ? {} : { port: home }),
    ...readFields(INTERFACE_FIELDS, own),
  }
}

/** All of them, by name. */
export function resourcesOf(snapshot: Snapshot): Map<string, JsonObject> {
  const names = new Set([...snapshot.bridges.keys(), ...snapshot.ports.keys(), ...snapshot.interfaces.keys()])
  return new Map([...names].map(name => [name, resourceOf(snapshot, name) as JsonObject]))
}

/** The resource that stands for the database as a whole. */
export const rootResource = ({ root }: Snapshot): JsonObject => readFields(ROOT_FIELDS, root ?? {})

function heldBy(owners: Rows, column: string, rows: Rows): Rows {
  const held = new Set(owners.flatMap(owner => elements(owner[column])))
  return rows.filter(row => held.has(uuidOf(row)))
}

const byName = (rows: readonly Row[]) => new Map(rows.map(row => [String(row.name), row]))

function inverse(members: ReadonlyMap<string, readonly string[]>): Map<string, string> {
  const owners = new Map<string, string>()
  for (const [owner, names] of members) for (const name of names) owners.set(name, owner)
  return owners
}
