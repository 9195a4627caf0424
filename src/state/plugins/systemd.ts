// The plugin `systemd`: units, their active and enabled state, over D-Bus. Light: what speaks to a bus is loaded with the first question.
import { stat } from 'node:fs/promises'
import type { ApplyCall, PluginCall, PluginTools, StateAction, StatePlugin, Watch, Watcher } from '../plugin.js'
import { pluginUnavailable } from './errors.js'
import { busAddress } from './systemd/address.js'
import type { Bus } from './systemd/bus.js'
import { checkUnits } from './systemd/check.js'
import { initialUnits } from './systemd/initial.js'
import { whyUntold } from './systemd/names.js'
import { refusesUnit } from './systemd/refuses.js'
import type { SharedBus } from './systemd/shared-bus.js'

export interface SystemdOptions {
  /** `system`, `user` or a D-Bus address. Default: `system` for root, `user` for others. */
  readonly bus?: string
  /** So long after its start a unit is looked at again that does not say itself that it is ready. Default 200 ms. */
  readonly settleMs?: number | undefined
}

/** A connection that nobody asks over is closed after so long. */
const IDLE_MS = 5_000
/** systemd starts the buses of users, and joins each within so long. */
const JOIN_MS = 500

/**
 * State: `{ units: { 'ssh.service': { active_state, enabled, masked, unit_file_state } } }`, as `systemctl is-active` and
 * `is-enabled` say it (`units.ts` says of which units). `active_state`, `enabled` and `masked` can be declared.
 * @throws OpDbusError INVALID_INPUT for a `bus` that is none
 */
export function systemdPlugin(tools: Pick<PluginTools, 'env'>, options: SystemdOptions = {}): StatePlugin {
  const bus = options.bus ?? (process.getuid?.() === 0 ? 'system' : 'user')
  const at = busAddress(bus, tools.env)
  let shared: SharedBus | undefined

  const open = async (signal: AbortSignal): Promise<Bus> => {
    if (typeof at === 'string') throw pluginUnavailable('systemd', at)
    const { Bus, untilJoined } = await import('./systemd/systemd-bus.js')
    const opened = await Bus.open(at.address, at.socket, signal)
    try {
      if (bus !== 'system') await untilJoined(opened, signal, JOIN_MS)
      return opened
    } catch (error) {
      opened.close()
      throw error
    }
  }

  return {
    name: 'systemd',
    version: '1',
    ...(typeof at !== 'string' && { scope: at.address }),
    resources: {
      units: {
        summary: ['active_state', 'enabled', 'masked'],
        // Units crash, are started again, and come to an end by themselves.
        volatile: ['active_state'],
        absent: name => (whyUntold(name) ? undefined : { active_state: 'inactive', enabled: false, masked: false }),
      },
    },
    capabilities: { apply: true, atomic: false, rollback: true, watch: true },
    // A unit may be a network's, Open vSwitch itself, or a container.
    affects: ['net', 'lxc'],

    async unavailable() {
      if (typeof at === 'string') return at
      if (at.socket.startsWith('\0')) return undefined
      const found = await stat(at.socket).catch(() => undefined)
      return found?.isSocket() ? undefined : `there is no bus at ${at.socket}: systemd is asked over D-Bus`
    },

    async query({ signal }: PluginCall) {
      const { SharedBus, Systemd, queryUnits } = await import('./systemd/systemd-bus.js')
      shared ??= new SharedBus(open, IDLE_MS)
      return shared.use(signal, bus => queryUnits(new Systemd(bus, signal)))
    },

    initial: initialUnits,
    check: checkUnits,
    refuses: refusesUnit,

    async apply(actions: readonly StateAction[], call: ApplyCall) {
      const { Systemd, applyUnits } = await import('./systemd/systemd-bus.js')
      const bus = await open(call.signal)
      try {
        await applyUnits(new Systemd(bus, call.signal), actions, call, options.settleMs)
      } finally {
        bus.close()
      }
    },

    async watch(watcher: Watcher, { signal }: PluginCall): Promise<Watch> {
      const { watchUnits } = await import('./systemd/systemd-bus.js')
      return watchUnits(await open(signal), watcher, signal)
    },

    close: () => shared?.close(),
  }
}
