// What a command says of itself: enough for parsing, help and completion, without loading the code that it runs.
import type { OptionName } from '../options.js'
import type { Terminal } from './terminal.js'

/** What a shell offers in a place: files, folders, checkpoints or snapshots of the data folder, or these words. */
export type Completes = 'file' | 'folder' | 'checkpoint' | 'snapshot' | readonly string[]

export interface CommandOption {
  /** One letter: `-f`. */
  readonly short?: string
  /** What stands for the value in the help. Without it the option is a switch. */
  readonly value?: string
  /** Told in the help in a line or more. */
  readonly help: string
  readonly default?: string
  /** The variables that say the same, the first that is set. */
  readonly variables?: readonly string[]
  readonly completes?: Completes
  /** Where it may stand without a value: what it means then, and which next words are its value all the same. */
  readonly alone?: { readonly means: string; readonly unless: readonly string[] }
  /** May be given several times; then its value is a list. */
  readonly repeated?: true
  /** Understood, and told nowhere: another name of an option. */
  readonly hidden?: boolean
}

export type CommandOptions = Readonly<Record<string, CommandOption>>

/** What a command line gave: texts for options with a value, lists of them where one may be repeated, true for switches. */
export type ValuesOf<O extends CommandOptions> = {
  readonly [K in keyof O]?: O[K] extends { readonly repeated: true }
    ? readonly string[]
    : O[K] extends { readonly value: string }
      ? string
      : 'value' extends keyof O[K]
        ? string | boolean
        : boolean
}

/** One call of a command. */
export interface CommandCall<V> {
  readonly values: V
  /** What is no option, in order. */
  readonly args: readonly string[]
  readonly terminal: Terminal
  /** All commands that there are. */
  readonly commands: readonly Command[]
}

export interface Command<O extends CommandOptions = CommandOptions> {
  /** One word, or two: a group and its command. */
  readonly name: string
  /** One line of the main help: at most 62 characters. */
  readonly about: string
  /** What else there is to say in the command's own help. */
  readonly more?: string
  /** Undefined: it takes none. */
  readonly arguments?: { readonly usage: string; readonly help: string; readonly completes?: Completes }
  /** Its own; {@link COMMON_OPTIONS} come on top. */
  readonly options: O
  /** Options of the library that have no flag, and whose variables count here. */
  readonly variables?: readonly OptionName[]
  /** Command lines. */
  readonly examples: readonly string[]
  /** Exit codes beside those of every command. */
  readonly exitCodes: readonly number[]
  /** Loads the command's code, runs it and says the exit code. */
  run(call: CommandCall<ValuesOf<O> & ValuesOf<typeof COMMON_OPTIONS>>): Promise<number>
}

/** What every command takes. */
export const COMMON_OPTIONS = {
  quiet: { short: 'q', help: 'No progress, no confirmations.' },
  debug: { help: 'Show stack traces.' },
  help: { short: 'h', help: 'Show the help of the command.' },
  version: { short: 'V', help: 'Show the version.' },
} as const satisfies CommandOptions

/** Gives `run` the types of the command's own options. */
export function command<const O extends CommandOptions>(described: Command<O>): Command {
  return described as Command
}

/** Everything that `command` takes, name first. */
export function optionsOf({ options }: Command): [name: string, option: CommandOption][] {
  return Object.entries({ ...options, ...COMMON_OPTIONS })
}

/** Shorter names of groups. */
export const SHORT_GROUPS: Readonly<Record<string, string>> = Object.assign(Object.create(null), { bc: 'blockchain' })

/** `cache` for `cache stats`; undefined for a command of one word. */
export function groupOf({ name }: Command): string | undefined {
  return name.includes(' ') ? name.split(' ')[0] : undefined
}
