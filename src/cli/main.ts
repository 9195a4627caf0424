#!/usr/bin/env node
// The CLI: turns what a command throws into three short lines and an exit code. Knows no command: `--version` loads none.
import { VERSION } from '../version.js'
import { complain } from './complain.js'
import { ENDED_BY, type EndingSignal, exitCodeOf } from './exit-codes.js'
import { openTerminal } from './terminal.js'

const terminal = openTerminal()
process.exitCode = await main(process.argv.slice(2))
if (terminal.endedBy) endBy(terminal.endedBy)

async function main(argv: readonly string[]): Promise<number> {
  try {
    const code = asksForVersion(argv) ? await tellVersion() : await answer(argv)
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
  // Node 22 on keeps what it makes of our code, where it keeps that of other tools: reading code is most of what an answer from disk
  // takes. Not in the cache folder, which others may write: what lies there is data, and must stay it.
  const loader = process.getBuiltinModule('node:module') as { enableCompileCache?(): unknown }
  loader.enableCompileCache?.()
  const commands = await import('./answer.js')
  return await commands.answer(argv, terminal)
}

function asksForVersion([first, ...others]: readonly string[]): boolean {
  return (first === '--version' || first === '-V') && others.length === 0
}

async function tellVersion(): Promise<number> {
  await terminal.out(`${VERSION}\n`)
  return 0
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
