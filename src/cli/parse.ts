// From a command line to a command and its values, or to an error that says what was meant. Runs nothing.
import { parseArgs } from 'node:util'
import { messageOf, OpDbusError } from '../errors.js'
import { nearest } from '../nearest.js'
import { type Command, type CommandOption, groupOf, optionsOf, SHORT_GROUPS } from './command.js'

type Values = Readonly<Record<string, string | boolean | undefined>>

export interface Parsed {
  /** A list for an option that may be repeated. */
  readonly values: Values
  /** Undefined where no command was named, or only a group. */
  readonly command: Command | undefined
  /** A group, where one was named alone. */
  readonly group: string | undefined
  /** `--help`, or `help` in front. */
  readonly help: boolean
  readonly args: readonly string[]
}

/** @throws OpDbusError INVALID_INPUT for a command, an option or an argument that is not known */
export function parse(argv: readonly string[], commands: readonly Command[]): Parsed {
  const known = new Map(commands.flatMap(optionsOf))
  // Commands may share a name that only some of them take several times.
  const repeated = new Set(commands.flatMap(optionsOf).flatMap(([name, option]) => (option.repeated ? [name] : [])))
  const args = withAlone(argv, known)
  const config = {
    args,
    options: Object.fromEntries([...known].map(([name, option]) => [name, forNode(option, repeated.has(name))])),
    allowPositionals: true,
  }
  let parsed: { values: Parsed['values']; positionals: string[] }
  try {
    parsed = parseArgs({ ...config, strict: true }) as typeof parsed
  } catch (error) {
    // Once more, whatever the options are, to find the command and what is not known of it.
    const { tokens, positionals } = parseArgs({ ...config, strict: false, tokens: true })
    const { command } = named(positionals, commands)
    const strange = tokens.find(token => token.kind === 'option' && !known.has(token.name))
    if (strange?.kind === 'option') throw unknownOption(strange.rawName, command, known)
    const dashed = tokens.find(
      token => token.kind === 'option' && token.inlineValue === false && /^-./.test(token.value),
    )
    if (dashed?.kind === 'option') {
      const { rawName, value } = dashed
      throw new OpDbusError(
        'INVALID_INPUT',
        `${rawName} needs a value, and "${value}" begins as an option does\nif it is the value: --${dashed.name}=${value}`,
        { cause: error },
      )
    }
    // Its first line says what is wrong; those that follow guess why.
    const [what] = messageOf(error).split('\n')
    throw new OpDbusError('INVALID_INPUT', `${what}\n${seeHelp(command)}`, { cause: error })
  }
  const { values, positionals } = parsed
  const { command, words, help } = named(positionals, commands)
  const group = words.length === 1 ? commands.map(groupOf).find(name => name === words[0]) : undefined
  const asked = help || values.help === true
  if (!command && !group && words.length > 0 && !values.version) throw unknownCommand(words, commands)
  const rest = command ? words.slice(command.name.split(' ').length) : []
  if (command && !asked) refuse(command, values, rest)
  return { values: listed(values, command), command, group, help: asked, args: rest }
}

/** The command that the first words name; `help` in front is none of them. */
function named(positionals: readonly string[], commands: readonly Command[]) {
  const help = positionals[0] === 'help'
  const words = (help ? positionals.slice(1) : positionals).map((word, i) =>
    i === 0 ? (SHORT_GROUPS[word] ?? word) : word,
  )
  const names = [words.slice(0, 2).join(' '), words[0]]
  const command = names.map(name => commands.find(one => one.name === name)).find(one => one !== undefined)
  return { command, words, help }
}

function forNode({ short, value }: CommandOption, multiple: boolean) {
  const type = value === undefined ? ('boolean' as const) : ('string' as const)
  return { type, multiple, ...(short !== undefined && { short }) }
}

/** Of an option that this command takes once, the last value counts. */
function listed(values: Values, command: Command | undefined): Values {
  const several = new Map(command ? optionsOf(command) : [])
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      Array.isArray(value) && !several.get(name)?.repeated ? value.at(-1) : value,
    ]),
  )
}

/** An option that may stand without a value, which parseArgs does not know, gets its value put in. */
function withAlone(argv: readonly string[], known: ReadonlyMap<string, CommandOption>): string[] {
  const end = argv.includes('--') ? argv.indexOf('--') : argv.length
  const args = [...argv]
  for (let i = end - 1; i >= 0; i--) {
    const alone = args[i]!.startsWith('--') ? known.get(args[i]!.slice(2))?.alone : undefined
    if (alone === undefined) continue
    const next = i + 1 < end ? argv[i + 1] : undefined
    const value = next !== undefined && alone.unless.includes(next) ? next : undefined
    args.splice(i, value === undefined ? 1 : 2, `${args[i]}=${value ?? alone.means}`)
  }
  return args
}

/** What this command does not take. */
function refuse(command: Command, values: Parsed['values'], rest: readonly string[]): void {
  const own = optionsOf(command).map(([name]) => name)
  const strange = Object.keys(values).find(name => !own.includes(name))
  if (strange !== undefined) throw invalid(`"${command.name}" has no option --${strange}`, seeHelp(command))
  if (rest.length > 0 && !command.arguments) {
    throw invalid(`"${command.name}" takes no argument "${rest[0]}"`, seeHelp(command))
  }
}

function unknownOption(
  rawName: string,
  command: Command | undefined,
  known: ReadonlyMap<string, CommandOption>,
): OpDbusError {
  const names = command ? optionsOf(command).filter(([, { hidden }]) => !hidden) : [...known]
  const near = rawName.startsWith('--')
    ? nearest(
        rawName.slice(2),
        names.map(([name]) => name),
      )
    : undefined
  const hint = near
    ? `; did you mean --${near}?`
    : command?.arguments
      ? '; a text that begins with "-" goes after --'
      : ''
  return invalid(`unknown option ${rawName}${hint}`, seeHelp(command))
}

function unknownCommand(words: readonly string[], commands: readonly Command[]): OpDbusError {
  const group = commands.filter(command => groupOf(command) === words[0])
  const candidates = group.length > 0 ? group : commands
  // `stats` alone is as near to `cache stats` as can be.
  const forms = candidates.flatMap(({ name }) => [name, name.split(' ').at(-1)!].map(form => [form, name] as const))
  const groups = commands.flatMap(command => groupOf(command) ?? []).map(name => [name, name] as const)
  const named = group.length > 0 ? forms : [...forms, ...groups]
  const known = named.map(([form]) => form)
  // Of a known group only its command is unknown; else what follows the first word may be an argument.
  const [first, second = ''] = words as [string, string?]
  const near =
    group.length > 0 ? nearest(second, known) : (nearest(`${first} ${second}`, known) ?? nearest(first, known))
  const meant = named.find(([form]) => form === near)?.[1]
  const unknown = group.length > 0 || near?.includes(' ') ? `${first} ${second}`.trimEnd() : first
  return invalid(
    `unknown command "${unknown}"${meant ? `; did you mean "${meant}"?` : ''}`,
    `there are: ${candidates.map(({ name }) => name).join(', ')}`,
  )
}

function seeHelp(command: Command | undefined): string {
  return `see op-dbus ${command ? `${command.name} ` : ''}--help`
}

function invalid(...lines: readonly string[]): OpDbusError {
  return new OpDbusError('INVALID_INPUT', lines.join('\n'))
}
