// What `op-dbus embed` says of itself.
import { command } from '../command.js'
import { NO_DAEMON } from '../daemon.js'
import { flagsOf } from '../flags.js'

export const embed = command({
  name: 'embed',
  about: 'vectors of texts; from memory, disk or the model',
  more:
    'Rows come in the order of the texts, as soon as they are there; a text that fails is a row too. Memory stays bounded. Where ' +
    'a daemon (op-dbus serve) with the same model runs on the cache folder, it computes.',
  arguments: {
    usage: 'TEXT... | --file FILE | -',
    help: 'Texts, one an argument. - reads standard input, one text a line.',
  },
  options: {
    file: {
      short: 'f',
      value: 'FILE',
      help: 'Read texts from FILE, one a line; - is standard input.',
      completes: 'file',
    },
    output: {
      short: 'o',
      value: 'FILE',
      help: 'Write to FILE instead of standard output, as a whole or not at all; devices, FIFOs and - in place.',
      completes: 'file',
    },
    format: {
      value: 'NAME',
      help:
        'How rows are written: text, json or npy. JSON is one object a line: text, source, device, dims, ms, truncated, ' +
        'vector. npy is a matrix for NumPy, and needs -o.',

      default: 'text',
      completes: ['text', 'json', 'npy'],
    },
    json: { help: 'The same as --format json.' },
    'no-vector': { help: 'Leave the vector out of the JSON.' },
    ...NO_DAEMON,
    ...flagsOf('cache', 'model', 'device', 'patterns'),
  },
  examples: [
    'op-dbus embed "Created container 100" --json',
    'journalctl -o cat | op-dbus embed - --json --no-vector',
    'op-dbus embed --file events.log --format npy -o vectors.npy',
    'op-dbus embed --patterns "Created container 100" "Created container 101"',
    'OPDBUS_EMBEDDING_CACHE_SIZE=50000 op-dbus embed --file big.log --json',
  ],
  exitCodes: [3, 4, 5, 8],
  run: async call => (await import('../run/embed.js')).embed(call),
})
