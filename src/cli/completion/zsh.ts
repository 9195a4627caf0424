// Completion for zsh: a function for _arguments, to be put into a folder of fpath as _op-dbus, or to be sourced.
import type { Command, Completes } from '../command.js'
import {
  firstWords,
  groupsOf,
  LIST_CHECKPOINTS,
  LIST_SNAPSHOTS,
  type Offer,
  offersOf,
  quoted,
  secondWords,
  shortNames,
} from './words.js'

export function zshScript(commands: readonly Command[]): string {
  const one = (command: Command, word: string) => `    ${word})
      _arguments -s \\
${[...offersOf(command).map(specOf), ...argumentOf(command)].map(spec => `        ${spec}`).join(' \\\n')} && ret=0
      ;;`
  const group = (name: string) => `    ${[name, ...shortNames(name)].join(' | ')})
      state=
      _arguments -C '1: :->second' '*:: :->third' && ret=0
      case $state in
        second) ${described('second', secondWords(name, commands))} ;;
        third) _op-dbus-${name} && ret=0 ;;
      esac
      ;;`
  const groups = groupsOf(commands)
  const alone = commands.filter(({ name }) => !name.includes(' '))
  return `#compdef op-dbus
# Completion of op-dbus for zsh, made by: op-dbus completion zsh

${groups
  .map(
    name => `_op-dbus-${name}() {
  local ret=1
  case $words[1] in
${commands
  .filter(command => command.name.startsWith(`${name} `))
  .map(command => one(command, command.name.slice(name.length + 1)))
  .join('\n')}
  esac
  return ret
}
`,
  )
  .join('\n')}
_op-dbus-checkpoints() {
  compadd -- $(${LIST_CHECKPOINTS})
}

_op-dbus-snapshots() {
  compadd -- \${(f)"$(${LIST_SNAPSHOTS})"}
}

_op-dbus() {
  local curcontext=$curcontext state line ret=1
  local -a first second
  typeset -A opt_args
  _arguments -C '(- *)'{-h,--help}'[all commands]' '(- *)'{-V,--version}'[the version]' '1: :->first' '*:: :->rest' && ret=0
  if [[ $state == rest && $words[1] == help ]]; then
    _arguments -C '1: :->first' '*:: :->rest' && ret=0
  fi
  case $state in
    first) ${described('first', [...firstWords(commands), ['help', 'the help of a command']])}; return ret ;;
    rest) ;;
    *) return ret ;;
  esac
  case $words[1] in
${[...alone.map(command => one(command, command.name)), ...groups.map(group)].join('\n')}
  esac
  return ret
}

# Put into a folder of fpath, this file is the function; sourced, it says whose completion it is.
if [[ $funcstack[1] == _op-dbus ]]; then
  _op-dbus "$@"
else
  compdef _op-dbus op-dbus
fi
`
}

/** Words, each with what it is. */
function described(array: string, words: readonly (readonly [string, string])[]): string {
  const list = words.map(([word, about]) => quoted(`${word}:${about}`)).join(' ')
  return `${array}=(${list}); _describe -t commands command ${array} && ret=0`
}

function specOf({ flags, about, option: { value, alone, completes, repeated } }: Offer): string {
  const text = `[${about.replace(/[[\]]/g, '\\$&')}]`
  const takes = value === undefined ? '' : `${alone ? '::' : ':'}${value}:${actionOf(completes)}`
  // `=`: the value is the next word, or follows an equals sign; `=-`: only the latter. Letters take the next word.
  const [long, short] = flags
  // One that may be repeated is offered again.
  const again = repeated ? '*' : ''
  const sign = value === undefined ? '' : alone ? '=-' : '='
  if (short === undefined) return quoted(`${again}${long}${sign}${text}${takes}`)
  return `${quoted(again || `(${flags.join(' ')})`)}{${short}${value === undefined ? '' : '+'},${long}${sign}}${quoted(`${text}${takes}`)}`
}

function argumentOf({ arguments: takes }: Command): string[] {
  if (!takes) return []
  return [quoted(`*:argument:${actionOf(takes.completes)}`)]
}

function actionOf(completes: Completes | undefined): string {
  if (completes === undefined) return ' '
  if (completes === 'file') return '_files'
  if (completes === 'folder') return '_files -/'
  if (completes === 'checkpoint') return '_op-dbus-checkpoints'
  if (completes === 'snapshot') return '_op-dbus-snapshots'
  return `(${completes.join(' ')})`
}
