// What an error looks like on stderr. Decides no exit code.
import { isOpDbusError, messageOf } from '../errors.js'
import { visible } from '../format.js'
import type { Terminal } from './terminal.js'

/** What failed, why, what to do next: three short lines at most; the stack only for who asks. */
export function complain(error: unknown, debug: boolean, terminal: Terminal): void {
  const lines = messageOf(error).split('\n').map(visible)
  if (!isOpDbusError(error) && !debug) lines.push('this should not happen: run again with --debug and report it')
  for (const [i, line] of lines.slice(0, 3).entries()) terminal.say(i === 0 ? `op-dbus: ${line}` : `  ${line}`)
  if (debug && error instanceof Error) terminal.say((error.stack ?? '').split('\n').map(visible).join('\n'))
}
