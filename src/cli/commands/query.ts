// What `op-dbus init|query|plugins` say of themselves: the commands that only ask a system.
import { command } from '../command.js'
import { NO_DAEMON } from '../daemon.js'
import { flagsOf } from '../flags.js'
import { FORMAT, PLUGIN_NAMES, pluginOption, VARIABLES } from './state-options.js'

export const init = command({
  name: 'init',
  about: 'a desired file that says what the system is now',
  more:
    'A file to begin with, of what apply can change and somebody has set: verify says that it is equal. Remove what you do not want to be ' +
    'held to, and change the rest.',
  arguments: {
    usage: '[FILE]',
    help: 'Where it is written; standard output without it, or with -.',
    completes: 'file',
  },
  options: {
    plugin: pluginOption('Only of these plugins'),
    force: { help: 'Also over a file that is there.' },
    ...flagsOf('data', 'state'),
  },
  variables: VARIABLES,
  examples: ['op-dbus init desired.json', 'op-dbus init -p net > net.json'],
  exitCodes: [11],
  run: async call => (await import('../run/init.js')).init(call),
})

export const query = command({
  name: 'query',
  about: 'what the system is now: network, containers, units',
  more:
    'From the cache where that is known to be good, else from the system; the letter says which (M memory, D disk, C asked now). ' +
    'JSON where standard output is no terminal.',
  arguments: {
    usage: '[PLUGIN[/COLLECTION[/NAME]]...]',
    help:
      'Which plugins, or which part of one (net/interfaces/eth0, with all its fields); all that are available without it. One that is ' +
      'named and does not answer is an error.',
    completes: PLUGIN_NAMES,
  },
  options: {
    fresh: { help: 'Ask the system, whatever is cached.' },
    ...NO_DAEMON,
    watch: { help: 'Go on until Ctrl+C, and tell each change. As JSON: the whole state, one document a line.' },
    plugin: pluginOption('The same as to name plugins without it'),
    format: FORMAT,
    json: { help: 'The same as --format json.' },
    ...flagsOf('data', 'state', 'dir'),
  },
  variables: VARIABLES,
  examples: [
    'op-dbus query',
    'op-dbus query net/interfaces/eth0',
    "op-dbus query net --fresh --json | jq '.plugins.net.interfaces'",
    'op-dbus query --watch',
  ],
  exitCodes: [11],
  run: async call =>
    call.values.watch
      ? (await import('../run/query-watch.js')).watchQuery(call)
      : (await import('../run/query.js')).query(call),
})

export const plugins = command({
  name: 'plugins',
  about: 'which plugins there are, and why one is not available',
  options: { format: FORMAT, json: { help: 'The same as --format json.' }, ...flagsOf('data', 'state', 'dir') },
  variables: VARIABLES,
  examples: ['op-dbus plugins', 'op-dbus plugins --json'],
  exitCodes: [],
  run: async call => (await import('../run/plugins.js')).plugins(call),
})
