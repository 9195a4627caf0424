// The state of all units that somebody decides on, out of what systemd says. Changes nothing, and asks nothing that systemd would tell its
// listeners of: whoever asks because of a signal would be told again.
import type { JsonObject } from '../../../json/json.js'
import { isAnswered } from './bus.js'
import { isDecided, isInstance, isOurs, isTemplate } from './names.js'
import { NO_SUCH_FILE, NO_SUCH_UNIT, nameOfPath, type Systemd } from './systemd1.js'

/**
 * One unit. Left out on purpose: the sub state, which goes to and fro by itself (a timer waits and runs); the load state and the
 * description, which
 * systemd knows only of units that it happens to have in memory.
 */
export type Unit = {
  /**
   * What `systemctl is-active` says; a unit that reloads is `active`. Absent for templates. One that crashes and is started again goes
   * to and fro
   * between `active`, `failed` and `activating`, and so does its state here.
   */
  readonly active_state?: string
  /** `enabled` or `enabled-runtime`; what is static or generated is not. Absent for an alias: it is as the unit that it stands for. */
  readonly enabled?: boolean
  /** Nothing can start it: `masked` or `masked-runtime`. Absent for an alias. */
  readonly masked?: boolean
  /** What `systemctl is-enabled` says. Absent where no file is left of a unit that runs. */
  readonly unit_file_state?: string
}

/** `{ units: { name: Unit } }`, by name. */
export async function queryUnits(systemd: Systemd): Promise<JsonObject & { units: Readonly<Record<string, Unit>> }> {
  const [loaded, files] = await Promise.all([systemd.loadedUnits(), systemd.unitFiles()])
  const active = new Map(loaded.map(({ name, activeState }) => [name, activeState]))
  const fileStates = new Map(files.map(({ name, state }) => [name, state]))

  const ofFiles = files
    // What `systemd-run` made goes away with what it runs.
    .filter(({ name, state }) => isOurs(name) && state !== 'transient')
    .map(async ({ name, state }): Promise<[string, Unit]> => {
      if (isTemplate(name)) return [name, unitOf(undefined, state)]
      // systemd lists a unit under one of its names only.
      const real = state === 'alias' ? await realName(systemd, name) : name
      return [name, unitOf(active.get(real) ?? 'inactive', state)]
    })
  const ofMemory = loaded
    .filter(
      ({ name }) => !fileStates.has(name) && isDecided(name, socket => fileStates.has(socket) || active.has(socket)),
    )
    // Of a unit that others name and that is not there, nothing is known; instances may be enabled.
    .filter(({ name, activeState }) => activeState !== 'inactive' || isInstance(name))
    .map(async ({ name, activeState }): Promise<[string, Unit] | undefined> => {
      const unit = unitOf(activeState, await fileState(systemd, name))
      // systemd forgets those when it likes.
      return unit.active_state === 'inactive' && !unit.enabled && !unit.masked ? undefined : [name, unit]
    })

  const units = (await Promise.all([...ofFiles, ...ofMemory])).filter(unit => unit !== undefined)
  return { units: Object.fromEntries(units.sort(([a], [b]) => (a < b ? -1 : 1))) }
}

export function unitOf(activeState: string | undefined, fileState: string | undefined): Unit {
  return {
    ...(activeState !== undefined && { active_state: isActive(activeState) ? 'active' : activeState }),
    ...(fileState !== 'alias' && {
      enabled: fileState === 'enabled' || fileState === 'enabled-runtime',
      masked: fileState === 'masked' || fileState === 'masked-runtime',
    }),
    ...(fileState !== undefined && { unit_file_state: fileState }),
  }
}

/** It runs, and its configuration may just be read anew. */
export function isActive(activeState: string): boolean {
  return activeState === 'active' || activeState === 'reloading' || activeState === 'refreshing'
}

/** Undefined where there is no file. */
export async function fileState(systemd: Systemd, name: string): Promise<string | undefined> {
  try {
    return (await systemd.unitFileState(name)) || undefined
  } catch (error) {
    if (isAnswered(error, NO_SUCH_FILE) || isAnswered(error, NO_SUCH_UNIT)) return undefined
    throw error
  }
}

/** Of an alias, the name that its unit is listed under; its own where that is not loaded, and so not active. */
async function realName(systemd: Systemd, alias: string): Promise<string> {
  const path = await pathOf(systemd, alias)
  return path === undefined ? alias : nameOfPath(path)
}

/** Undefined where the unit is not loaded, and so not active. */
export async function pathOf(systemd: Systemd, name: string): Promise<string | undefined> {
  try {
    return await systemd.pathOf(name)
  } catch (error) {
    if (isAnswered(error, NO_SUCH_UNIT)) return undefined
    throw error
  }
}
