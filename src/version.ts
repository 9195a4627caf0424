// The version of this package, put in by the build; a run from the sources says so.
declare const __OP_DBUS_VERSION__: string | undefined

export const VERSION = typeof __OP_DBUS_VERSION__ === 'string' ? __OP_DBUS_VERSION__ : '0.0.0-source'
