// All that speaks to systemd, loaded together at the first question. Decides nothing.
export { applyUnits } from './apply.js'
export { Bus } from './bus.js'
export { SharedBus } from './shared-bus.js'
export { Systemd, untilJoined } from './systemd1.js'
export { queryUnits } from './units.js'
export { watchUnits } from './watch.js'
