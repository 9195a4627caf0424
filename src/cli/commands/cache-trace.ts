// What `op-dbus cache trace` says of itself.
import { command } from '../command.js'
import { flagsOf } from '../flags.js'

export const cacheTrace = command({
  name: 'cache trace',
  about: 'record what is asked for, to tune the caches by it',
  more: 'on: every process on the cache folder records its requests from now on, the running ones within two seconds: time, cache, a hash of the key, size, tokens, how it was answered and how long that took; never texts. off ends it, status shows it, clear removes what was recorded, export writes it for other programs (--format): its keys are hashes of what was asked for, so that who has it can test a guess. `op-dbus cache tune` reads it.',
  arguments: {
    usage: 'on|off|status|export|clear',
    help: 'What to do; status, if nothing is said.',
    completes: ['on', 'off', 'status', 'export', 'clear'],
  },
  options: {
    for: { value: 'TIME', help: 'With on: how long, as 90s, 15m, 1h or 7d; without it until off.' },
    sample: { value: 'PART', help: 'With on: part of the keys to record, as 0.1. Default: all, fewer when busy.' },
    size: { value: 'MB', help: 'With on: megabytes of all recordings; the oldest go first. Default: 64.' },
    format: {
      value: 'NAME',
      help: 'With export: csv, or oracleGeneral, which libCacheSim reads. Default: csv.',
      completes: ['csv', 'oracleGeneral'],
    },
    output: { short: 'o', value: 'FILE', help: 'With export: where to. Default: standard output.', completes: 'file' },
    cache: {
      value: 'NAME',
      help: 'With export: one cache alone.',
      completes: ['embeddings', 'queries', 'diffs', 'blocks'],
    },
    json: { help: 'What there is, as JSON.' },
    ...flagsOf('cache'),
  },
  examples: [
    'op-dbus cache trace on --for 1h',
    'op-dbus cache trace',
    'op-dbus cache trace export --format oracleGeneral -o requests.bin',
  ],
  exitCodes: [],
  run: async call => (await import('../run/cache-trace.js')).trace(call),
})
