// What several commands of a system's state take alike.
import type { OptionName } from '../../options.js'
import type { CommandOption } from '../command.js'

/** Plugins that come with op-dbus, for completion; others are found when a command runs. */
export const PLUGIN_NAMES = ['net', 'lxc', 'systemd'] as const

/** `--plugin`, a list: an option is given once. */
export function pluginOption(help: string) {
  return {
    short: 'p',
    value: 'NAME',
    help: `${help}; several with commas between.`,
    completes: PLUGIN_NAMES,
  } as const satisfies CommandOption
}

/** What decides which system is asked, how long, and how old its answer may be. */
export const VARIABLES: readonly OptionName[] = [
  'ovsdb',
  'systemdBus',
  'lxcPath',
  'pluginTimeout',
  'queryCacheTtl',
  'queryPush',
]

/** `--format text`, also where a pipe reads it. */
export const FORMAT = {
  value: 'NAME',
  help: 'How it is told: text or json.',
  default: 'text on a terminal, else json',
  completes: ['text', 'json'],
} as const satisfies CommandOption

export const DESIRED_FILE = {
  usage: 'FILE|-',
  help: 'The desired state, as JSON; - is standard input.',
  completes: 'file',
} as const
