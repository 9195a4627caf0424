// Help as text: all commands on one screen, a group, or one command with everything that it takes. Writes nowhere.
import { OPTIONS, type OptionName } from '../options.js'
import { type Command, type CommandOption, groupOf, optionsOf } from './command.js'
import { firstWords, shortNames } from './completion/words.js'
import { ENDED_BY, EXIT_CODES } from './exit-codes.js'
import { OPTION_WORDS } from './option-words.js'

const WIDTH = 80
/** What any command may end with. */
const ANY_EXIT = [0, 1, 2, 6, ...Object.values(ENDED_BY)]

/** At most 24 lines of 80 columns; a group is one of them. */
export function mainHelp(commands: readonly Command[], version: string): string {
  return `op-dbus ${version}: a cache in front of text embeddings, queries, diffs and blocks

Usage: op-dbus COMMAND [OPTIONS]
${list(firstWords(commands).map(row => shortened(row)))}

  op-dbus COMMAND --help   options, defaults, variables, examples and exit codes
  -q no progress   --debug stack traces   -h this text   -V the version
`
}

/** A group has a line, whose first commands are told where they are many: its own help has all. */
function shortened([word, about]: readonly [word: string, about: string]): [string, string] {
  const room = WIDTH - 16
  return [word, about.length <= room ? about : `${about.slice(0, about.lastIndexOf(', ', room - 5))}, ...`]
}

/** The commands of one group. */
export function groupHelp(group: string, commands: readonly Command[]): string {
  const own = commands.filter(command => groupOf(command) === group)
  const short = shortNames(group).map(name => `, or op-dbus ${name} for short`)
  return `Commands of op-dbus ${group}${short.join('')}
${list(own.map(({ name, about }) => [name, about]))}

  op-dbus ${group} COMMAND --help   options, examples and exit codes
`
}

/** Everything of one command. */
export function commandHelp(command: Command): string {
  const { name, about, more, arguments: takes, variables, examples, exitCodes } = command
  const options = optionsOf(command).filter(([, { hidden }]) => !hidden)
  const codes = [...new Set([...ANY_EXIT, ...exitCodes])].sort((a, b) => a - b)
  const sections = [
    `op-dbus ${name}: ${about}`,
    more && wrapped(more, '').join('\n'),
    `Usage: op-dbus ${name} [OPTIONS]${takes ? ` ${takes.usage}` : ''}${takes ? `\n${wrapped(takes.help, '  ').join('\n')}` : ''}`,
    `Options\n${options.map(([option, described]) => optionText(option, described)).join('\n')}`,
    variables && `Variables\n${variables.map(variableText).join('\n')}`,
    `Examples\n${examples.map(example => `  ${example}`).join('\n')}`,
    `Exit codes\n${codes.map(code => `  ${String(code).padStart(3)}  ${EXIT_CODES[code]}`).join('\n')}`,
  ]
  return `${sections.filter(section => section !== undefined).join('\n\n')}\n`
}

function list(rows: readonly (readonly [name: string, about: string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, about]) => `  ${name.padEnd(width)}  ${about}`).join('\n')
}

function optionText(
  name: string,
  { short, value, help, default: without, variables = [], alone }: CommandOption,
): string {
  const names = `${short ? `-${short}, ` : '    '}--${name}`
  const takes = value === undefined ? '' : alone ? `[=${value}]` : ` ${value}`
  const notes = [
    alone && `Without ${value}: ${alone.means}.`,
    without !== undefined && `Default: ${without}.`,
    variables.length > 0 && `Variable: ${variables.join(', else ')}.`,
  ]
  const text = [help, ...notes.filter(note => note)].join(' ')
  const lines = wrapped(text, ' '.repeat(24))
  const head = `  ${names}${takes}`
  return head.length < 23
    ? [head.padEnd(24) + lines[0]!.trimStart(), ...lines.slice(1)].join('\n')
    : [head, ...lines].join('\n')
}

function variableText(name: OptionName): string {
  const { help, default: without } = OPTION_WORDS[name]!
  const { variable, choices } = OPTIONS[name]
  const words = choices ? `${help} ${choices.join(', ')}.` : help
  return `  ${variable}\n${wrapped(`${words} Default: ${without}.`, ' '.repeat(24)).join('\n')}`
}

/** Lines of at most 80 columns; a word that is longer has a line of its own. */
function wrapped(text: string, indent: string): string[] {
  const lines: string[] = []
  let line = indent
  for (const word of text.split(' ')) {
    if (line.length > indent.length && line.length + 1 + word.length > WIDTH) {
      lines.push(line)
      line = indent
    }
    line += line.length > indent.length ? ` ${word}` : word
  }
  return [...lines, line]
}
