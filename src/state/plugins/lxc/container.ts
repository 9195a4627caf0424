// What a container is to the lxc plugin, and what asks and changes them. Types only.

/** Who runs the containers here; `cgroups`: that is not known, only which run. */
export type ContainerManager = 'lxc' | 'proxmox' | 'cgroups'

/** A network interface of a container, as it is configured. */
export interface ContainerNetwork {
  /** What it is called within the container. */
  readonly name?: string
  /** `veth`, `phys`, `empty`, … */
  readonly type?: string
  /** Or another link of the host that it is attached to. */
  readonly bridge?: string
  /** The host's end of the pair. Absent where a name is made up at each start. */
  readonly veth?: string
}

/** One container. Nothing of it changes by itself: addresses that were leased, processes, memory in use and load are left out. */
export interface Container {
  /** LXC's name of it, or Proxmox' number, as text. */
  readonly id: string
  /** Its host name. */
  readonly name?: string
  /** False only where it is stopped: a frozen one runs. Absent where there is an `error`. */
  readonly running?: boolean
  /** Why nothing else is known of it: its configuration cannot be loaded. */
  readonly error?: string
  readonly manager: ContainerManager
  /** Of its first network. */
  readonly bridge?: string
  /** Of its first network. */
  readonly veth?: string
  /** By `net0`, `net1`, … */
  readonly networks: Readonly<Record<string, ContainerNetwork>>
  /** As op-dbus' desired files say them, as text: `hostname`, and with Proxmox `memory` (MiB) and `cores`. */
  readonly properties: Readonly<Record<string, string>>
}

export interface Containers {
  /** @throws OpDbusError PLUGIN_FAILED */
  list(signal: AbortSignal): Promise<readonly Container[]>
  /** Whether each of them runs. */
  running(signal: AbortSignal): Promise<ReadonlyMap<string, boolean>>
  /** Comes back once it runs. @throws OpDbusError PLUGIN_FAILED with what the program said */
  start(id: string, signal: AbortSignal): Promise<void>
  /**
   * Asks it to shut down, and comes back once it has; a frozen one is thawed for that. It is never killed. @throws OpDbusError
   * PLUGIN_FAILED
   */
  stop(id: string, signal: AbortSignal): Promise<void>
}

/** The two fields that say it in short, of the first network. */
export function firstNetwork(networks: Container['networks']): Pick<Container, 'bridge' | 'veth'> {
  const { bridge, veth } = Object.values(networks)[0] ?? {}
  return { ...(bridge !== undefined && { bridge }), ...(veth !== undefined && { veth }) }
}
