// The library's options as options of commands: whatever has a `flag` in the table of options.ts.
import { OPTIONS, type Option, type OptionGroup, type OptionName } from '../options.js'
import type { CommandOption } from './command.js'
import { OPTION_WORDS } from './option-words.js'

/** Flags of the library's options, by flag; what they mean says settings.ts. */
export type FlagValues = Readonly<Record<string, string | boolean | undefined>>

/** `maxQueue` is `--max-queue`. */
export function flagOf(name: string): string {
  return name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
}

/** Every option of the library that has a flag. */
export function flagged(): [name: OptionName, option: Option<unknown>][] {
  return (Object.entries(OPTIONS) as [OptionName, Option<unknown>][]).filter(([, { flag }]) => flag)
}

/** The flags of all options in these groups, and of those named. */
export function flagsOf(...which: readonly (OptionGroup | OptionName)[]): Readonly<Record<string, CommandOption>> {
  const chosen = flagged().filter(([name, { group }]) => which.includes(name) || which.includes(group))
  return Object.fromEntries(
    chosen.map(([name, { flag, variable, otherVariable, choices }]) => {
      const { help, default: without } = OPTION_WORDS[name]!
      const { short, value, completes = choices, alone } = flag!
      // A switch is off unless it is given.
      const option: CommandOption = {
        short,
        value,
        help: choices ? `${help} ${choices.join(', ')}.` : help,
        default: value === undefined ? undefined : without,
        variables: [variable, otherVariable?.name].filter(one => one !== undefined),
        completes,
        alone,
      }
      return [flagOf(name), option]
    }),
  )
}
