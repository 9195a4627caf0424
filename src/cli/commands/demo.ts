// What `op-dbus demo` says of itself.
import { command } from '../command.js'
import { flagsOf } from '../flags.js'

export const demo = command({
  name: 'demo',
  about: 'the caches at work on real vectors, with measured times',
  more: 'In a folder of its own, which is removed at the end.',
  options: flagsOf('model'),
  examples: ['op-dbus demo', 'op-dbus demo --model medium'],
  exitCodes: [3, 4, 5, 8],
  run: async call => (await import('../run/demo.js')).demo(call),
})
