// What the completion scripts of all shells are made of. Pure.
import { type Command, type CommandOption, groupOf, optionsOf, SHORT_GROUPS } from '../command.js'

/** An option as a shell offers it. */
export interface Offer {
  /** `--file`, and `-f` where it has a letter. */
  readonly flags: readonly [string, ...string[]]
  readonly about: string
  readonly option: CommandOption
}

/** What a command offers after `-`, hidden names left out. */
export function offersOf(command: Command): Offer[] {
  return optionsOf(command)
    .filter(([, { hidden }]) => !hidden)
    .map(([name, option]) => ({
      flags: option.short ? [`--${name}`, `-${option.short}`] : [`--${name}`],
      about: gist(option.help),
      option,
    }))
}

/** First words: commands of one word and groups, each with what it is. */
export function firstWords(commands: readonly Command[]): [word: string, about: string][] {
  const groups = new Map<string, string[]>()
  for (const command of commands) {
    const [word, second] = command.name.split(' ') as [string, string?]
    groups.set(word, second === undefined ? [command.about] : [...(groups.get(word) ?? []), second])
  }
  return [...groups].map(([word, parts]) => [word, parts.join(', ')])
}

/** Second words of a group. */
export function secondWords(group: string, commands: readonly Command[]): [word: string, about: string][] {
  return commands
    .filter(command => groupOf(command) === group)
    .map(({ name, about }) => [name.slice(group.length + 1), about])
}

export function groupsOf(commands: readonly Command[]): string[] {
  return [...new Set(commands.flatMap(command => groupOf(command) ?? []))]
}

/** What else a group may be called. */
export function shortNames(group: string): string[] {
  return Object.keys(SHORT_GROUPS).filter(short => SHORT_GROUPS[short] === group)
}

/** Flags of all commands whose value is the next word. */
export function flagsWithValue(commands: readonly Command[]): string[] {
  const offers = commands.flatMap(offersOf).filter(({ option }) => option.value !== undefined && !option.alone)
  return [...new Set(offers.flatMap(({ flags }) => flags))]
}

/** For every shell: the ids of checkpoints, a line each, as the files of the data folder are called. */
export const LIST_CHECKPOINTS = listedIn('ls -r', 'state/checkpoints', '-n "s/[.]json$//p"')

/** The same for the names of snapshots; what is half made begins with a dot. */
export const LIST_SNAPSHOTS = listedIn('ls', 'snapshots', '"/[.]tmp/d"')

/** What `ls` says of a folder of the data folder, through `sed`. */
function listedIn(ls: string, folder: string, sed: string): string {
  return `sh -c '
    if [ "$(id -u)" = 0 ]; then data=/var/lib/op-dbus; else data=\${XDG_DATA_HOME:-$HOME/.local/share}/op-dbus; fi
    ${ls} "\${OPDBUS_DATA_DIR:-$data}/${folder}" 2>/dev/null | sed ${sed}
  '`
}

/** As one word for a shell of the family of sh, and for fish where there is no backslash. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

/** The first clause of a help text; what is in brackets belongs to it. */
function gist(help: string): string {
  return help.split(/[.;](?: |$)(?![^(]*\))/)[0]!
}
