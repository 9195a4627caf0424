// What `op-dbus bench` says of itself.
import { command } from '../command.js'
import { flagsOf } from '../flags.js'

export const bench = command({
  name: 'bench',
  about: 'what caching saves on this machine, measured now',
  more:
    'Queries of each plugin, a vector, a diff of 1 MB and a block: computed, from disk, and from memory. In a folder of its own, which is ' +
    'removed at the end: your cache is neither asked nor changed, and nothing is applied. With --workload: one list of requests under each ' +
    'eviction policy, and what each saves.',
  options: {
    rounds: { value: 'N', help: 'Each number is the median of so many; of a workload the best.', default: '20' },
    workload: {
      value: 'NAME|FILE',
      help:
        'Replay zipf, scan, loop, shift, real (lines of a log), a trace (see `op-dbus cache trace`), or a text file with a request in each ' +
        'line, `-` for standard input.',
      completes: 'file',
    },
    capacity: {
      value: 'N',
      help: 'Entries of the memory that a workload is replayed in. Default: 1 % and 10 % of its keys.',
    },
    json: { help: 'The numbers as JSON.' },
    ...flagsOf('pluginModules'),
  },
  examples: [
    'op-dbus bench',
    'op-dbus bench --rounds 100 --json',
    'op-dbus bench --plugin-modules ./my-plugin.mjs',
    'op-dbus bench --workload zipf',
    'op-dbus bench --workload ./app.log --capacity 10000',
  ],
  exitCodes: [],
  run: async call => (await import('../run/bench.js')).bench(call),
})
