// What the name of a unit says. Pure.

/** Units whose state somebody decides. Scopes and devices come and go by themselves. */
const TYPES = new Set(['service', 'socket', 'timer', 'path', 'target', 'mount', 'automount', 'swap', 'slice'])
/** Of these also those that no file defines; mounts, swaps and slices without a file are made by the kernel and by sessions. */
const TYPES_WITHOUT_FILE = new Set(['service', 'socket', 'timer', 'path', 'target'])
/** Made by each login. */
const OF_SESSIONS = /^(user|user-runtime-dir)@/

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

/** Whether a loaded unit that has no file is one that somebody decides on. `hasSocket`: of templates, whether a socket of that name is there. */
export function isDecided(name: string, hasSocket: (socket: string) => boolean): boolean {
  if (!TYPES_WITHOUT_FILE.has(typeOf(name)) || OF_SESSIONS.test(name)) return false
  const at = name.indexOf('@')
  // A service for each connection that a socket accepts: `sshd@3-10.0.0.1:22-10.0.0.9:41234.service`.
  return !(at > 0 && /^\d+-/.test(name.slice(at + 1)) && hasSocket(`${name.slice(0, at)}.socket`))
}

/** `getty@.service`: what instances are made of. It is never active itself. */
export function isTemplate(name: string): boolean {
  return /@\.[a-z]+$/.test(name)
}

/** `getty@tty1.service`: there as long as it is active or enabled, and made by naming it. */
export function isInstance(name: string): boolean {
  return name.includes('@') && !isTemplate(name)
}
