// About a megabyte of state, the same on every machine, for the diff that `op-dbus bench` measures. It asks no system.
import { seeded } from '../../../sample-lines.js'
import type { JsonObject } from '../../../state/json.js'

const SEED = 20_260_101
/** About 280 bytes each as JSON. */
const INTERFACES = 3600

/** A plugin as far as a diff needs one. */
export const SAMPLE = {
  name: 'sample',
  version: '1',
  resources: { interfaces: { key: 'name' } },
} as const

/** One interface's mtu differs from that of every other round. */
export function sampleState(round: number): JsonObject {
  interfaces ??= makeInterfaces()
  const at = Math.abs(round * 37) % INTERFACES
  return { interfaces: interfaces.map((one, i) => (i === at ? { ...one, mtu: 9000 + round } : one)) }
}

let interfaces: readonly JsonObject[] | undefined

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
