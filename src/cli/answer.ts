// A command line's answer: the command that it names, a help, or the version. Says the exit code; catches nothing.
import { VERSION } from '../version.js'
import { COMMANDS } from './commands.js'
import { parse } from './parse.js'
import type { Terminal } from './terminal.js'

/** Rejects with what the command rejects with, and with INVALID_INPUT for what is no command line of ours. */
export async function answer(argv: readonly string[], terminal: Terminal): Promise<number> {
  const { values, command, group, help, args } = parse(argv, COMMANDS)
  if (values.version) {
    await terminal.out(`${VERSION}\n`)
    return 0
  }
  if (command && !help) return await command.run({ values, args, terminal, commands: COMMANDS })
  const { commandHelp, groupHelp, mainHelp } = await import('./help.js')
  const text = command ? commandHelp(command) : group ? groupHelp(group, COMMANDS) : mainHelp(COMMANDS, VERSION)
  await terminal.out(text)
  return help ? 0 : 2
}
