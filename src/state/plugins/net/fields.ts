// The table of what a network's resources are made of: each field, what it may hold, and where Open vSwitch keeps it. What reads,
// checks, compares and writes goes by this table, so a field is added here and nowhere else. Pure.
//
// Left out, since daemons write it and it changes by itself (also where the schema does not call it ephemeral):
//   Interface     admin_state, duplex, error, ifindex, lacp_current, link_resets, link_speed, link_state, mac_in_use, mtu, ofport,
//                 statistics, status, bfd_status and all that cfm_ tells but cfm_mpid
//   Port          bond_active_slave, rstp_statistics, rstp_status, statistics, status
//   Bridge        datapath_id, datapath_version, rstp_status, status
//   Controller    is_connected, role, status
//   Open_vSwitch  cur_cfg, next_cfg, datapaths, dpdk_*, datapath_types, iface_types, statistics, and the versions and the system's name that are
//                 written at each start
// Left out, since it is not modelled in this version; a checkpoint keeps it all the same:
//   Interface     bfd, cfm_mpid, ingress_policing_*, lldp, mac
//   Port          bond_downdelay, bond_updelay, bond_fake_iface, cvlans, fake_bridge, mac, protected, qos
//   Bridge        auto_attach, flow_tables, ipfix, mirrors, netflow, sflow; of a controller all but its target
//   Open_vSwitch  manager_options, ssl (apply never touches them)
//   All that is set of the port and the interface of a bridge's own name: that one resource is the bridge.
import type { JsonObject, JsonValue } from '../../../json/json.js'
import { type Atom, elements, entriesOf, mapOf, type Row, setOf, sorted } from './rows.js'

/** What a field, or an element of its list, may hold. */
export type Value =
  | { readonly is: 'text' }
  | { readonly is: 'flag' }
  | { readonly is: 'integer'; readonly min: number; readonly max: number }
  | { readonly is: 'one'; readonly of: readonly string[] }

export interface Field {
  readonly name: string
  readonly column: string
  /** `text`: a string that is empty where there is none; `optional`: a set of at most one. */
  readonly kind: 'text' | 'optional' | 'flag' | 'set' | 'map'
  readonly value: Value
}

const text: Value = { is: 'text' }
const integer = (min: number, max: number): Value => ({ is: 'integer', min, max })
const one = (...of: string[]): Value => ({ is: 'one', of })
const field = (kind: Field['kind'], name: string, value: Value, column = name): Field => ({ kind, name, value, column })
const flag = (name: string) => field('flag', name, { is: 'flag' })
const map = (name: string, column = name) => field('map', name, text, column)

export const ROOT_FIELDS: readonly Field[] = [map('external_ids'), map('other_config')]

export const BRIDGE_FIELDS: readonly Field[] = [
  field('text', 'datapath_type', text),
  field('optional', 'fail_mode', one('secure', 'standalone')),
  field('set', 'protocols', one('OpenFlow10', 'OpenFlow11', 'OpenFlow12', 'OpenFlow13', 'OpenFlow14', 'OpenFlow15')),
  field('set', 'flood_vlans', integer(0, 4095)),
  flag('stp_enable'),
  flag('rstp_enable'),
  flag('mcast_snooping_enable'),
  map('external_ids'),
  map('other_config'),
]

export const PORT_FIELDS: readonly Field[] = [
  field('optional', 'tag', integer(0, 4095)),
  field('set', 'trunks', integer(0, 4095)),
  field('optional', 'vlan_mode', one('access', 'dot1q-tunnel', 'native-tagged', 'native-untagged', 'trunk')),
  field('optional', 'bond_mode', one('active-backup', 'balance-slb', 'balance-tcp')),
  field('optional', 'lacp', one('active', 'off', 'passive')),
  map('external_ids'),
  map('other_config'),
]

/** Of the one interface that a port has by its own name, told as fields of the port; and of each interface of a bond. */
export const INTERFACE_FIELDS: readonly Field[] = [
  field('text', 'ovs_type', text, 'type'),
  map('options'),
  field('optional', 'mtu_request', integer(68, 65535)),
  field('optional', 'ofport_request', integer(1, 65279)),
  map('interface_external_ids', 'external_ids'),
  map('interface_other_config', 'other_config'),
]

/** By what a resource is: the fields that apply can change, beside `type` and what says where it belongs. */
export const OVS_TYPES: Readonly<
  Record<string, { readonly fields: readonly Field[]; readonly links: readonly string[] }>
> = {
  'ovs-bridge': { fields: BRIDGE_FIELDS, links: ['ports', 'controllers'] },
  'ovs-port': { fields: [...PORT_FIELDS, ...INTERFACE_FIELDS], links: ['bridge', 'interfaces'] },
  'ovs-interface': { fields: INTERFACE_FIELDS, links: ['port'] },
}

/** What the kernel says of a link: read, and not changed. */
export const KERNEL_FIELDS: readonly string[] = [
  ...['mac', 'mtu', 'up', 'master', 'members', 'parent', 'peer', 'vlan_id', 'vni', 'remote', 'local', 'mode'],
  ...['stp', 'vlan_filtering', 'ipv4', 'ipv6'],
]

export const ROUTE_FIELDS = [
  'destination',
  'device',
  'metric',
  'type',
  'gateway',
  'protocol',
  'scope',
  'source',
  'nexthops',
]

const sets = Object.values(OVS_TYPES).flatMap(({ fields }) => fields.filter(({ kind }) => kind === 'set'))
/** Lists that have no order in the system. */
export const UNORDERED: readonly string[] = [...sets.map(({ name }) => name), 'controllers', 'interfaces', 'members']

const writable = Object.values(OVS_TYPES).flatMap(({ fields, links }) => [...fields.map(({ name }) => name), ...links])
/** Fields that apply can change, of whatever type. */
export const WRITABLE: ReadonlySet<string> = new Set(writable)

/** The fields of a row, as a resource says them. Lists and maps are there also where they are empty: a desired state may say so. */
export function readFields(fields: readonly Field[], row: Row): Record<string, JsonValue> {
  const found: Record<string, JsonValue> = {}
  for (const { name, column, kind } of fields) {
    const value = row[column]
    if (kind === 'map') found[name] = entriesOf(value)
    else if (kind === 'set') found[name] = sorted(elements(value))
    else if (kind === 'flag') found[name] = value === true
    else {
      const [first] = elements(value)
      if (name === 'ovs_type') found[name] = first === '' || first === undefined ? 'system' : first
      else if (first !== undefined && first !== '') found[name] = first
    }
  }
  return found
}

/** One field of a resource, as a column of a row. What is not there is the column's own default. */
export function columnOf({ name, kind }: Field, resource: JsonObject): JsonValue {
  const value = resource[name] ?? undefined
  if (kind === 'map') return mapOf((value ?? {}) as Record<string, JsonValue>)
  if (kind === 'set') return setOf((value ?? []) as readonly Atom[])
  if (kind === 'flag') return value === true
  if (kind === 'text') return value === undefined || (name === 'ovs_type' && value === 'system') ? '' : value
  return setOf(value === undefined ? [] : [value])
}
