// Completion for fish: one line for each thing that can stand on a command line, with the place where it can.
import { type Command, type Completes, SHORT_GROUPS } from '../command.js'
import {
  firstWords,
  flagsWithValue,
  groupsOf,
  LIST_CHECKPOINTS,
  LIST_SNAPSHOTS,
  type Offer,
  offersOf,
  secondWords,
} from './words.js'

export function fishScript(commands: readonly Command[]): string {
  const groups = groupsOf(commands)
  const lines = [
    ...firstWords(commands).map(([word, about]) => line('', `-a ${word}`, about)),
    line('', '-a help', 'the help of a command'),
    line('', '-s h -l help', 'all commands'),
    line('', '-s V -l version', 'the version'),
    ...groups.flatMap(group => secondWords(group, commands).map(([word, about]) => line(group, `-a ${word}`, about))),
    ...commands.flatMap(command => [
      ...offersOf(command).map(offer => line(command.name, optionOf(offer), offer.about)),
      ...argumentOf(command),
    ]),
  ]
  return `# Completion of op-dbus for fish, made by: op-dbus completion fish

# The command before the cursor is this one: its words, options and their values left out.
function __op_dbus_in
    set -l words
    set -l skip 0
    for token in (commandline -opc)[2..-1]
        if test $skip = 1
            set skip 0
            continue
        end
        switch $token
            case ${flagsWithValue(commands).join(' ')}
                set skip 1
            case '-*'
            case help
                set -q words[1]; and set -a words $token
            case '*'
                set -a words $token
        end
    end
    switch "$words[1]"
${Object.entries(SHORT_GROUPS)
  .map(([short, group]) => `        case ${short}\n            set words[1] ${group}`)
  .join('\n')}
    end
    if contains -- "$words[1]" ${groups.join(' ')}
        set words $words[1..2]
    else
        set words $words[1]
    end
    test "$words" = "$argv"
end

function __op_dbus_checkpoints
  ${LIST_CHECKPOINTS}
end

function __op_dbus_snapshots
  ${LIST_SNAPSHOTS}
end

complete -c op-dbus -f
${lines.join('\n')}
`
}

function line(where: string, what: string, about: string): string {
  return `complete -c op-dbus -n '__op_dbus_in ${where}' ${what} -d '${escaped(about)}'`.replace("_in '", "_in'")
}

function optionOf({ flags, option: { short, value, alone, completes } }: Offer): string {
  const names = `${short ? `-s ${short} ` : ''}-l ${flags[0].slice(2)}`
  if (value === undefined) return names
  // What may stand alone takes its value behind an equals sign only.
  return `${names} ${alone ? '' : '-r '}${actionOf(completes)}`.trimEnd()
}

function argumentOf({ name, arguments: takes }: Command): string[] {
  if (takes?.completes === undefined) return []
  return [`complete -c op-dbus -n '__op_dbus_in ${name}' ${actionOf(takes.completes)}`]
}

function actionOf(completes: Completes | undefined): string {
  if (completes === undefined) return '-f'
  if (completes === 'file') return '-F'
  if (completes === 'folder') return "-f -a '(__fish_complete_directories (commandline -ct))'"
  if (completes === 'checkpoint') return "-f -a '(__op_dbus_checkpoints)'"
  if (completes === 'snapshot') return "-f -a '(__op_dbus_snapshots)'"
  return `-f -a '${completes.join(' ')}'`
}

function escaped(text: string): string {
  return text.replace(/[\\']/g, '\\$&')
}
