// What `op-dbus diff|verify` say of themselves: the commands that compare a system with a desired file.
import { command } from '../command.js'
import { flagsOf } from '../flags.js'
import { DESIRED_FILE, FORMAT, pluginOption, VARIABLES } from './state-options.js'

export const diff = command({
  name: 'diff',
  about: 'what separates the system from a desired file',
  more: 'Only what the file declares is compared. JSON where standard output is no terminal.',
  arguments: DESIRED_FILE,
  options: {
    plugin: pluginOption('Only these plugins of the file'),
    'exit-code': { help: 'End with 9 where something differs; with -q nothing is printed.' },
    format: {
      value: 'NAME',
      help: 'How it is told: text, json, or json-patch (RFC 6902, for the state as query prints it).',
      default: 'text on a terminal, else json',
      completes: ['text', 'json', 'json-patch'],
    },
    json: { help: 'The same as --format json.' },
    fresh: { help: 'Ask the system, whatever is cached.' },
    watch: { help: 'Go on until Ctrl+C, and tell the diff again when the system or the file changes.' },
    ...flagsOf('data', 'state', 'dir'),
  },
  variables: VARIABLES,
  examples: [
    'op-dbus diff desired.json',
    'op-dbus diff desired.json -p net --exit-code -q',
    'op-dbus diff - --format json-patch',
  ],
  exitCodes: [9, 11],
  run: async call =>
    call.values.watch
      ? (await import('../run/diff-watch.js')).watchDiff(call)
      : (await import('../run/diff.js')).diff(call),
})

export const verify = command({
  name: 'verify',
  about: 'whether the system is what a desired file says',
  more: 'Always asks the system. Says "equal", or what differs; with -q only the exit code tells.',
  arguments: DESIRED_FILE,
  options: {
    plugin: pluginOption('Only these plugins of the file'),
    format: FORMAT,
    json: { help: 'The same as --format json.' },
    ...flagsOf('data', 'state', 'dir'),
  },
  variables: VARIABLES,
  examples: ['op-dbus verify desired.json'],
  exitCodes: [9, 11],
  run: async call => (await import('../run/diff.js')).verify(call),
})
