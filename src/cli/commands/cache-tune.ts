// What `op-dbus cache tune` says of itself.
import { command } from '../command.js'
import { flagsOf } from '../flags.js'

export const cacheTune = command({
  name: 'cache tune',
  about: 'how large each cache should be, and with which policy',
  more: 'Reads what `op-dbus cache trace` recorded, or the traces named, and simulates every policy at many sizes: how often it would have answered, and how much time that saves. Long traces by a sample of their keys, which takes about a second. It changes nothing.',
  options: {
    trace: {
      value: 'FILE|DIR',
      help: 'A trace, or a folder of traces, in place of those of the cache folder; may be given several times.',
      repeated: true,
      completes: 'file',
    },
    full: { help: 'Simulate every request instead of a sample: minutes for a long trace.' },
    auto: { help: 'Replay the trace with OPDBUS_AUTOTUNE on, and show what it would have changed.' },
    svg: { value: 'FILE', help: 'The curves as a picture; - is standard output.', completes: 'file' },
    json: { help: 'Curves and advice as JSON.' },
    ...flagsOf('cache'),
  },
  examples: [
    'op-dbus cache tune',
    'op-dbus cache tune --svg curves.svg',
    'op-dbus cache tune --auto',
    "op-dbus cache tune --json | jq -r '.caches[].advice[]'",
  ],
  exitCodes: [],
  run: async call => (await import('../run/tune.js')).tune(call),
})
