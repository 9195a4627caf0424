// What `op-dbus bench` says of itself.
import { command } from '../command.js'
import { flagsOf } from '../flags.js'

export const bench = command({
  name: 'bench',
  about: 'what caching saves on this machine, measured now',
  more:
    'Queries of each plugin, a vector, a diff of 1 MB and a block: computed, from disk, and from memory. In a folder of its own, which is ' +
    'removed at the end: your cache is neither asked nor changed, and nothing is applied.',
  options: {
    rounds: { value: 'N', help: 'Each number is the median of so many.', default: '20' },
    json: { help: 'The numbers as JSON.' },
    ...flagsOf('pluginModules'),
  },
  examples: ['op-dbus bench', 'op-dbus bench --rounds 100 --json', 'op-dbus bench --plugin-modules ./my-plugin.mjs'],
  exitCodes: [],
  run: async call => (await import('../run/bench.js')).bench(call),
})
