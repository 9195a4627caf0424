// Which bus is meant: `system`, `user` or an address, as the socket it lies at. Reads the environment it is given, and looks at no file.
import { OpDbusError } from '../../../errors.js'
import { splitOnce } from '../split-once.js'

type Env = Readonly<Record<string, string | undefined>>

export interface BusAddress {
  /** As D-Bus writes it: `unix:path=/run/dbus/system_bus_socket`. */
  readonly address: string
  /** A path, or a name of the abstract namespace behind a NUL. */
  readonly socket: string
}

/** The system bus of all Linux systems, by the D-Bus specification; /var/run is /run. */
const SYSTEM = 'unix:path=/run/dbus/system_bus_socket'

/**
 * The socket, or in one sentence why there is none.
 * @throws OpDbusError INVALID_INPUT for what is neither `system` nor `user` nor an address
 */
export function busAddress(bus: string, env: Env): BusAddress | string {
  if (bus === 'system') return socketOf(env.DBUS_SYSTEM_BUS_ADDRESS || SYSTEM)
  if (bus === 'user') {
    const address = env.DBUS_SESSION_BUS_ADDRESS || (env.XDG_RUNTIME_DIR && `unix:path=${env.XDG_RUNTIME_DIR}/bus`)
    return address
      ? socketOf(address)
      : 'no bus of this user is known: neither DBUS_SESSION_BUS_ADDRESS nor XDG_RUNTIME_DIR is set'
  }
  if (bus.includes(':')) return socketOf(bus)
  throw new OpDbusError(
    'INVALID_INPUT',
    `systemdBus is "system", "user" or a D-Bus address such as ${SYSTEM}, not "${bus}"`,
  )
}

/** The first address of a list (`a;b`) that is a local socket: the daemon lets us in by who we are, which only those tell. */
function socketOf(list: string): BusAddress | string {
  for (const address of list.split(';')) {
    const [transport, rest = ''] = splitOnce(address, ':')
    const pairs = new Map(rest.split(',').map(pair => splitOnce(pair, '=')))
    const [path, name] = [pairs.get('path'), pairs.get('abstract')]
    if (transport === 'unix' && path) return { address, socket: unescaped(path) }
    if (transport === 'unix' && name) return { address, socket: `\0${unescaped(name)}` }
  }
  return `the bus address ${list} names no local socket (unix:path=... or unix:abstract=...)`
}

/** Values in addresses write unusual bytes as %2f. */
function unescaped(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}
