// What the name of a unit says. Pure.

/** Units whose state somebody decides. Scopes and devices come and go by themselves. */
const TYPES = new Set(['service', 'socket', 'timer', 'path', 'target', 'mount', 'automount', 'swap', 'slice'])
/** Of these also those that no file defines; mounts, swaps and slices without a file are made by the kernel and by sessions. */
const TYPES_WITHOUT_FILE = new Set(['service', 'socket', 'timer', 'path', 'target'])
/** Made by each login. */
const OF_SESSIONS = /^(user|user-runtime-dir)@/
/** A service for each connection that a socket accepts: `sshd@3-10.0.0.1:22-10.0.0.9:41234.service`, `local@7-4711-1000.service`. */
const OF_CONNECTIONS = /^[^@]+@\d+-(.+:\d+|\d+-\d+)\.service$/

/** By systemd.unit(5): a name, perhaps `@` and an instance, and a type; at most 255 characters. */
const UNIT_NAME = /^[A-Za-z0-9:_.\\-]+(@[A-Za-z0-9:_.\\@-]*)?\.([a-z]+)$/

export function typeOf(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1)
}

export function isUnitName(name: string): boolean {
  const match = UNIT_NAME.exec(name)
  return match !== null && name.length <= 255 && TYPES.has(match[2] ?? '')
}

export function isOurs(name: string): boolean {
  return TYPES.has(typeOf(name))
}

/** Why a unit of that name may be there although no state tells it, as what follows the name; undefined: it is not there then. */
export function whyUntold(name: string): string | undefined {
  if (OF_SESSIONS.test(name)) return 'is made by each login: its state cannot be declared'
  if (OF_CONNECTIONS.test(name)) return 'may be made by a socket for one connection: its state cannot be declared'
  if (TYPES_WITHOUT_FILE.has(typeOf(name))) return undefined
  return 'has no unit file: mounts, swaps and slices without one are made by the kernel and by sessions, and cannot be declared'
}

/**
 * Whether a loaded unit that has no file is one that somebody decides on. `hasSocket`: of templates, whether a socket of that name is
 * there.
 */
export function isDecided(name: string, hasSocket: (socket: string) => boolean): boolean {
  if (!TYPES_WITHOUT_FILE.has(typeOf(name)) || OF_SESSIONS.test(name)) return false
  return !(OF_CONNECTIONS.test(name) && hasSocket(`${name.slice(0, name.indexOf('@'))}.socket`))
}

/** `getty@.service`: what instances are made of. It is never active itself. */
export function isTemplate(name: string): boolean {
  return /@\.[a-z]+$/.test(name)
}

/** `getty@tty1.service`: there as long as it is active or enabled, and made by naming it. */
export function isInstance(name: string): boolean {
  return name.includes('@') && !isTemplate(name)
}
