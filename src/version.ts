// The version of this package, put in by the build; a run from the sources says so.
declare const __OP_DBUS_VERSION__: string | undefined

/** Nobody built this. */
export const FROM_SOURCE = typeof __OP_DBUS_VERSION__ !== 'string'

export const VERSION = typeof __OP_DBUS_VERSION__ === 'string' ? __OP_DBUS_VERSION__ : '0.0.0-source'
