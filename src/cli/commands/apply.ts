// What `op-dbus apply|rollback` say of themselves: the commands that change a system.
import { command } from '../command.js'
import { flagsOf } from '../flags.js'
import { FORMAT, pluginOption, VARIABLES } from './state-options.js'

const yes = { short: 'y', help: 'Do not ask. Without a terminal nothing is changed unless this is given.' } as const

export const apply = command({
  name: 'apply',
  about: 'make the system what a desired file says; asks first',
  more:
    'Shows what will be done, asks, writes a checkpoint, and tells of each resource what became of it. What the file does not ' +
    'declare stays as it is.',
  arguments: {
    usage: 'FILE|-',
    help: 'The desired state, as JSON; - is standard input. None where --plan gives a plan to carry out.',
    completes: 'file',
  },
  options: {
    'dry-run': { short: 'n', help: 'Show what would be done; neither the system nor the data folder is touched.' },
    yes,
    plan: {
      value: 'FILE',
      help:
        'With a desired file: write the plan there and change nothing. Without: carry out the plan in FILE, if the system is ' +
        'still what it was.',
      completes: 'file',
    },
    plugin: pluginOption('Only these plugins of the file'),
    format: FORMAT,
    json: { help: 'The same as --format json.' },
    ...flagsOf('data', 'state', 'dir'),
  },
  variables: [...VARIABLES, 'blockchain'],
  examples: [
    'op-dbus apply desired.json',
    'op-dbus apply desired.json --dry-run',
    'op-dbus apply desired.json --plan plan.json',
    'op-dbus apply --plan plan.json --yes',
  ],
  exitCodes: [6, 7, 10, 11],
  run: async call => (await import('../run/apply.js')).apply(call),
})

export const rollback = command({
  name: 'rollback',
  about: 'put back what an apply has changed; asks first',
  more: 'Works as apply does, and can itself be undone: it writes a checkpoint too.',
  arguments: { usage: '[CHECKPOINT]', help: 'Which; the newest without it.', completes: 'checkpoint' },
  options: {
    list: { help: 'Only list the checkpoints, newest first.' },
    'dry-run': { short: 'n', help: 'Show what would be done; neither the system nor the data folder is touched.' },
    yes,
    format: FORMAT,
    json: { help: 'The same as --format json.' },
    ...flagsOf('data', 'state', 'dir'),
  },
  variables: [...VARIABLES, 'blockchain'],
  examples: ['op-dbus rollback --list', 'op-dbus rollback', 'op-dbus rollback 20261127T171500.123Z-1a2b3c4d --dry-run'],
  exitCodes: [6, 7, 10, 11],
  run: async call => (await import('../run/apply.js')).rollback(call),
})
