#!/usr/bin/env node
// The CLI: runs the command that was named, turns what it throws into three short lines and an exit code.
import { VERSION } from '../version.js'
import { COMMANDS } from './commands.js'
import { complain } from './complain.js'
import { ENDED_BY, type EndingSignal, exitCodeOf } from './exit-codes.js'
import { parse } from './parse.js'
import { openTerminal } from './terminal.js'

const terminal = openTerminal()
process.exitCode = await main(process.argv.slice(2))
if (terminal.endedBy) endBy(terminal.endedBy)

async function main(argv: readonly string[]): Promise<number> {
  try {
    const code = await answer(argv)
    // A command may have taken it for the failure of one of its parts.
    if (terminal.failure) throw terminal.failure
    return code
  } catch (error) {
    if (terminal.endedBy) return ENDED_BY[terminal.endedBy]
    // The reader went away (`| head -1`), which is no error; what failed because of it is none either.
    if (terminal.closed) return 0
    const first = terminal.failure ?? error
    complain(first, argv.includes('--debug'), terminal)
    return exitCodeOf(first)
  }
}

async function answer(argv: readonly string[]): Promise<number> {
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

/**
 * Ends as the signal would have ended us: a shell then ends its loop as well, and a pipe that nobody reads holds up nothing.
 * The first process of a container is spared by its own signals.
 */
function endBy(signal: EndingSignal): never {
  process.removeAllListeners(signal)
  // A signal runs none of what is to be done at an exit, such as ending processes of ours.
  process.emit('exit', ENDED_BY[signal])
  if (process.platform !== 'win32') process.kill(process.pid, signal)
  process.exit(ENDED_BY[signal])
}
