// A plugin that has about a megabyte of state, the same on every machine, for the diff that `op-dbus bench` measures. It asks no system.
import { seeded } from '../../../sample-lines.js'
import type { JsonObject } from '../../../state/json.js'
import type { StatePlugin } from '../../../state/plugin.js'

const SEED = 20_260_101
/** About 330 bytes each as JSON. */
const INTERFACES = 3200

export const SAMPLE = 'sample'

export interface SamplePlugin extends StatePlugin {
  /** The state that it has in round `round`: one interface's mtu differs from that of every other round. */
  stateOf(round: number): JsonObject
  /** What it answers from now on. */
  round: number
}

export function samplePlugin(): SamplePlugin {
  const interfaces = makeInterfaces()
  return {
    name: SAMPLE,
    version: '1',
    resources: { interfaces: { key: 'name' } },
    capabilities: { apply: false, atomic: false, rollback: false, watch: false },
    round: 0,
    stateOf(round) {
      const at = (round * 37) % INTERFACES
      return { interfaces: interfaces.map((one, i) => (i === at ? { ...one, mtu: 9000 + round } : one)) }
    },
    async query() {
      return this.stateOf(this.round)
    },
  }
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
