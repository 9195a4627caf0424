// About a megabyte of state, the same on every machine, for the diff that `op-dbus bench` measures. It asks no system.

import type { JsonObject } from '../../../json/json.js'
import { seeded } from '../../../sample-lines.js'
import type { StatePlugin } from '../../../state/plugin.js'

const SEED = 20_260_101
/** About 280 bytes each as JSON. */
const INTERFACES = 3600

/** A system of that state. */
export const samplePlugin: StatePlugin = {
  name: 'sample',
  version: '1',
  resources: { interfaces: { key: 'name' } },
  capabilities: { apply: false, atomic: false, rollback: false, watch: false },
  query: async () => ({ interfaces: interfacesOf() }),
}

/** All of it, with one interface's mtu another one in each round. */
export function sampleDesired(round: number) {
  const at = Math.abs(round * 37) % INTERFACES
  const interfaces = interfacesOf().map((one, i) => (i === at ? { ...one, mtu: 9000 + round } : one))
  return { version: 1, plugins: { [samplePlugin.name]: { interfaces } } }
}

let interfaces: readonly JsonObject[] | undefined

function interfacesOf(): readonly JsonObject[] {
  interfaces ??= makeInterfaces()
  return interfaces
}

function makeInterfaces(): JsonObject[] {
  const random = seeded(SEED)
  const below = (limit: number) => Math.floor(random() * limit)
  const hex = (digits: number) => Array.from({ length: digits }, () => below(16).toString(16)).join('')
  return Array.from({ length: INTERFACES }, (_, i) => ({
    name: `veth${i}i0`,
    type: 'ovs-port',
    mtu: 1500,
    mac: hex(12).replace(/..(?=.)/g, '$&:'),
    admin_state: 'up',
    bridge: `vmbr${below(16)}`,
    addresses: [`10.${below(256)}.${below(256)}.${below(256)}/24`, `fd00::${hex(4)}:${hex(4)}/64`],
    external_ids: {
      'attached-mac': hex(12),
      'iface-id': `${hex(8)}-${hex(4)}-${hex(12)}`,
      owner: `container-${100 + i}`,
    },
  }))
}
