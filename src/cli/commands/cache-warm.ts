// What `op-dbus cache warm` says of itself.
import { command } from '../command.js'
import { NO_DAEMON } from '../daemon.js'
import { flagsOf } from '../flags.js'

export const cacheWarm = command({
  name: 'cache warm',
  about: 'have embeddings ready before they are asked for',
  more: 'FILE is short for --from FILE --embed. What is on disk already is not computed, so one that was stopped or killed goes on where it was when it is begun again. A daemon (op-dbus serve) with the same model on the cache folder does it, where there is one, and has it in memory then; alone, this command has only the disk read it once.',
  arguments: {
    usage: '[FILE|-]',
    help: 'Texts, one a line; - reads standard input. Empty lines are left out.',
    completes: 'file',
  },
  options: {
    from: { value: 'FILE|-', help: 'Texts, one a line: those that are on disk.', completes: 'file' },
    trace: {
      value: 'FILE',
      help: 'What was asked for while it was traced (op-dbus cache trace), by how often. It holds no texts, so nothing is computed.',
      completes: 'file',
    },
    hot: { value: 'N', help: 'The last N that the memory of a process with warm start held. Nothing is computed.' },
    embed: { help: 'Texts that are not on disk are computed.' },
    'dry-run': {
      short: 'n',
      help: 'Only say what there is to do, and how long it would take: some of it is done for that, and nothing is kept.',
    },
    json: { help: 'What was done, as JSON.' },
    ...NO_DAEMON,
    ...flagsOf('cache', 'model', 'device', 'patterns'),
  },
  examples: [
    'op-dbus cache warm events.log',
    'journalctl -o cat | op-dbus cache warm -',
    'op-dbus cache warm --from events.log --embed --dry-run',
    'op-dbus cache warm --hot 10000',
  ],
  exitCodes: [3, 4, 5, 6, 8],
  run: async call => (await import('../run/warm.js')).warm(call),
})
