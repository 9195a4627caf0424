// To be written by its owner (http): composition root of the daemon, on Node (`op-dbus/server`).
export type * from './server/api.js'
