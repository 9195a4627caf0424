// Completion for bash, 3.2 and later: one function with everything in it, since a shell waits for no program of ours at each TAB.
import { type Command, type Completes, SHORT_GROUPS } from '../command.js'
import {
  firstWords,
  flagsWithValue,
  groupsOf,
  LIST_CHECKPOINTS,
  LIST_SNAPSHOTS,
  offersOf,
  secondWords,
} from './words.js'

export function bashScript(commands: readonly Command[]): string {
  const words = (list: readonly (readonly [string, string])[]) => list.map(([word]) => word).join(' ')
  const groups = groupsOf(commands)
  const values = commands.flatMap(command =>
    offersOf(command)
      .filter(({ option }) => option.value !== undefined)
      .map(({ flags, option }) => {
        const cases = flags.map(flag => `'${command.name} ${flag}'`).join(' | ')
        return `    ${cases}) ${offer(option.completes)}; return ;;`
      }),
  )
  const options = commands.map(command => {
    const flags = offersOf(command).map(({ flags: [long] }) => long)
    return `    '${command.name}') ${offer(flags)} ;;`
  })
  const args = commands
    .filter(command => command.arguments?.completes)
    .map(command => `    '${command.name}') ${offer(command.arguments?.completes)} ;;`)
  return `# Completion of op-dbus for bash, made by: op-dbus completion bash

_op_dbus_words() {
  COMPREPLY=($(compgen -W "$1" -- "$cur"))
}

_op_dbus_paths() {
  local IFS=$'\\n'
  compopt -o filenames 2>/dev/null
  COMPREPLY=($(compgen "$1" -- "$cur"))
}

_op_dbus_checkpoints() {
  _op_dbus_words "$(${LIST_CHECKPOINTS})"
}

_op_dbus_snapshots() {
  local name
  # So that readline quotes what a shell would take apart.
  compopt -o filenames 2>/dev/null
  while IFS= read -r name; do
    [[ $name != "$cur"* ]] || COMPREPLY+=("$name")
  done < <(${LIST_SNAPSHOTS})
}

_op_dbus() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} first= second= name= skip= word i
  COMPREPLY=()
  # bash takes --name=value apart, at the equals sign.
  if [[ $cur == = ]]; then cur=
  elif [[ $prev == = ]]; then prev=\${COMP_WORDS[COMP_CWORD-2]}
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [[ -n $skip ]]; then
      [[ $word == = ]] || skip=
      continue
    fi
    case $word in
      = | ${flagsWithValue(commands).join(' | ')}) skip=1 ;;
      -*) ;;
      help) [[ -z $first ]] || : "\${second:=$word}" ;;
      *) if [[ -z $first ]]; then first=$word; else : "\${second:=$word}"; fi ;;
    esac
  done
  case $first in
${Object.entries(SHORT_GROUPS)
  .map(([short, group]) => `    ${short}) first=${group} ;;`)
  .join('\n')}
  esac
  case $first in
    '')
      if [[ $cur == -* ]]; then _op_dbus_words '--help --version'
      else _op_dbus_words '${words(firstWords(commands))} help'
      fi
      return ;;
${groups
  .map(
    group =>
      `    ${group}) [[ -z $second ]] && { _op_dbus_words '${words(secondWords(group, commands))}'; return; }; name="$first $second" ;;`,
  )
  .join('\n')}
    *) name=$first ;;
  esac
  case "$name $prev" in
${values.join('\n')}
  esac
  if [[ $cur == -* ]]; then
    case $name in
${options.map(line => `  ${line}`).join('\n')}
    esac
    return
  fi
  case $name in
${args.join('\n')}
  esac
}

complete -F _op_dbus op-dbus
`
}

function offer(completes: Completes | undefined): string {
  if (completes === undefined) return ':'
  if (completes === 'file') return '_op_dbus_paths -f'
  if (completes === 'folder') return '_op_dbus_paths -d'
  if (completes === 'checkpoint') return '_op_dbus_checkpoints'
  if (completes === 'snapshot') return '_op_dbus_snapshots'
  return `_op_dbus_words '${completes.join(' ')}'`
}
