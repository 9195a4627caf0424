// systemd's own interface on the bus, as far as the plugin speaks it:
// https://www.freedesktop.org/software/systemd/man/org.freedesktop.systemd1.html
// Says what is asked and answered; decides nothing.
import type { Bus, BusCall } from './bus.js'

const SYSTEMD = 'org.freedesktop.systemd1'
const BUS = 'org.freedesktop.DBus'
const MANAGER = { destination: SYSTEMD, path: '/org/freedesktop/systemd1', interface: `${SYSTEMD}.Manager` }
export const UNIT_PATHS = '/org/freedesktop/systemd1/unit'

/** systemd does not know the unit, loaded or at all. */
export const NO_SUCH_UNIT = `${SYSTEMD}.NoSuchUnit`
/** There is no unit file of that name. */
export const NO_SUCH_FILE = 'org.freedesktop.DBus.Error.FileNotFound'

/** A unit that systemd has in memory. */
export interface LoadedUnit {
  readonly name: string
  readonly activeState: string
}

/** A file that defines a unit, or that stands for one (an alias, a mask). */
export interface UnitFile {
  readonly name: string
  /** What `systemctl is-enabled` says. */
  readonly state: string
}

/** What happens to units, as rules for {@link Bus.listen}; {@link subscribe} is what makes systemd tell it. */
export const MANAGER_SIGNALS = rule({ sender: SYSTEMD, interface: MANAGER.interface })
export const UNIT_SIGNALS = rule({
  sender: SYSTEMD,
  interface: 'org.freedesktop.DBus.Properties',
  member: 'PropertiesChanged',
  path_namespace: UNIT_PATHS,
  arg0: `${SYSTEMD}.Unit`,
})
export const OWNER_SIGNALS = rule({ sender: BUS, interface: BUS, member: 'NameOwnerChanged', arg0: SYSTEMD })
export const JOB_SIGNALS = `${MANAGER_SIGNALS},member='JobRemoved'`

/** A match rule of the D-Bus specification. */
function rule(of: Readonly<Record<string, string>>): string {
  return Object.entries({ type: 'signal', ...of })
    .map(([key, value]) => `${key}='${value}'`)
    .join(',')
}

/**
 * Waits for systemd to be on the bus, for `patienceMs` at most: the bus of a user is started by its first client, and systemd joins a
 * little later.
 * Where it does not, the first question is told so.
 */
export async function untilJoined(bus: Bus, signal: AbortSignal, patienceMs: number): Promise<void> {
  if (await isJoined(bus, signal)) return
  let joined = () => {}
  const told = new Promise<void>(resolve => {
    joined = resolve
  })
  await bus.listen([OWNER_SIGNALS], joined, signal)
  if (await isJoined(bus, signal)) return
  const timer = setTimeout(joined, patienceMs)
  bus.onLost(joined)
  await told
  clearTimeout(timer)
}

async function isJoined(bus: Bus, signal: AbortSignal): Promise<boolean> {
  const [joined] = await bus.call(
    {
      destination: BUS,
      path: '/',
      interface: BUS,
      member: 'NameHasOwner',
      signature: 's',
      body: [SYSTEMD],
      reply: 'b',
    },
    signal,
  )
  return joined === true
}

/** The calls of one connection, under one deadline. */
export class Systemd {
  constructor(
    readonly bus: Bus,
    readonly signal: AbortSignal,
  ) {}

  async loadedUnits(): Promise<LoadedUnit[]> {
    // Name, description, load state, active state, sub state, followed unit, path, and the id, type and path of a job.
    const [units] = await this.#ask<[string[][]]>('ListUnits', 'a(ssssssouso)')
    return units.map(([name = '', , , activeState = '']) => ({ name, activeState }))
  }

  async unitFiles(): Promise<UnitFile[]> {
    const [files] = await this.#ask<[[path: string, state: string][]]>('ListUnitFiles', 'a(ss)')
    return files.map(([path, state]) => ({ name: path.slice(path.lastIndexOf('/') + 1), state }))
  }

  /** What `systemctl is-enabled` says. Also for instances, which have no file of their own. */
  async unitFileState(name: string): Promise<string> {
    const [state] = await this.#ask<[string]>('GetUnitFileState', 's', 's', [name])
    return state
  }

  /** The path of a unit that is loaded, under whichever of its names. Loads none: that would be told to all who listen. */
  async pathOf(name: string): Promise<string> {
    const [path] = await this.#ask<[string]>('GetUnit', 'o', 's', [name])
    return path
  }

  /** Whether the file says how it is enabled, and how many links were made. */
  async enable(name: string, runtime: boolean): Promise<{ carriesInstallInfo: boolean; links: number }> {
    const asked = [[name], runtime, false]
    const [carriesInstallInfo, links] = await this.#ask<[boolean, unknown[]]>(
      'EnableUnitFiles',
      'ba(sss)',
      'asbb',
      asked,
    )
    return { carriesInstallInfo, links: links.length }
  }

  async disable(name: string, runtime: boolean): Promise<void> {
    await this.#ask('DisableUnitFiles', 'a(sss)', 'asb', [[name], runtime])
  }

  async mask(name: string, runtime: boolean): Promise<void> {
    await this.#ask('MaskUnitFiles', 'a(sss)', 'asbb', [[name], runtime, false])
  }

  async unmask(name: string, runtime: boolean): Promise<void> {
    await this.#ask('UnmaskUnitFiles', 'a(sss)', 'asb', [[name], runtime])
  }

  /** Reads all unit files anew: what enabling and masking changed comes into force. */
  async reload(): Promise<void> {
    await this.#ask('Reload', '')
  }

  /** Loads the unit and keeps it in memory as long as this connection is open: what became of it can be asked. */
  async keep(name: string): Promise<void> {
    await this.#ask('RefUnit', '', 's', [name])
  }

  /** The path of the job that starts or stops the unit, which may end before this is answered. */
  async queue(verb: 'start' | 'stop', name: string): Promise<string> {
    const [job] = await this.#ask<[string]>(verb === 'start' ? 'StartUnit' : 'StopUnit', 'o', 'ss', [name, 'replace'])
    return job
  }

  /** That it failed is forgotten: it is inactive. */
  async resetFailed(name: string): Promise<void> {
    await this.#ask('ResetFailedUnit', '', 's', [name])
  }

  /** The folders that unit files lie in. */
  async unitFolders(): Promise<string[]> {
    return this.#get(MANAGER.path, 'Manager', 'UnitPath')
  }

  /** One property of a unit; `of` is an interface without its prefix (`Unit`, `Service`). */
  async property<T>(path: string, of: string, name: string): Promise<T> {
    return this.#get(path, of, name)
  }

  /** From now on this connection is told what happens; before, systemd sends no signals. */
  async subscribe(): Promise<void> {
    await this.#ask('Subscribe', '')
  }

  async #get<T>(path: string, of: string, name: string): Promise<T> {
    const get: BusCall = {
      destination: SYSTEMD,
      path,
      interface: 'org.freedesktop.DBus.Properties',
      member: 'Get',
      signature: 'ss',
      body: [`${SYSTEMD}.${of}`, name],
      reply: 'v',
    }
    return (await this.bus.call(get, this.signal))[0] as T
  }

  async #ask<Reply extends readonly unknown[]>(
    member: string,
    reply: string,
    signature?: string,
    body?: readonly unknown[],
  ): Promise<Reply> {
    const call: BusCall = { ...MANAGER, member, reply, ...(signature !== undefined && { signature, body }) }
    // The bus has checked that the answer is of that signature.
    return (await this.bus.call(call, this.signal)) as unknown as Reply
  }
}

/** `ssh.service` of `/org/freedesktop/systemd1/unit/ssh_2eservice`: all but letters and digits are written as _ and two hex digits. */
export function nameOfPath(path: string): string {
  const bytes = path
    .slice(path.lastIndexOf('/') + 1)
    .replace(/_([0-9a-f]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))
  return Buffer.from(bytes, 'latin1').toString()
}
