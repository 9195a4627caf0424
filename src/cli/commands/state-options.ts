// What several commands of a system's state take alike.
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

export const DESIRED_FILE = {
  usage: 'FILE|-',
  help: 'The desired state, as JSON; - is standard input.',
  completes: 'file',
} as const
