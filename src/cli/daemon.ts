// Whether a daemon serves this cache folder: one look at a file, so that a command that works alone loses nothing. What speaks to it is loaded
// only then.
import { lstatSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { CommandOptions } from './command.js'
import type { DaemonClient } from './daemon-client.js'
import type { Terminal } from './terminal.js'

/** For commands that ask a daemon where there is one. */
export const NO_DAEMON = {
  'no-daemon': {
    help: 'Work alone, also where a daemon (op-dbus serve) runs on this cache folder. OPDBUS_DAEMON=off says the same.',
    variables: ['OPDBUS_DAEMON'],
  },
} as const satisfies CommandOptions

export interface DaemonValues {
  readonly 'no-daemon'?: boolean
}

/** Everybody may write there, and moves nothing of others. */
const STICKY = 0o1000

/**
 * The socket of a daemon of this very user; undefined where there is none, or none is to be asked. In a folder that others may write to
 * anybody may have moved it there: what answers is believed, so nobody is asked.
 */
export function daemonSocket(dir: string | undefined, values: DaemonValues): string | undefined {
  if (dir === undefined || values['no-daemon'] || /^(off|no|false|0)$/i.test(process.env.OPDBUS_DAEMON ?? ''))
    return undefined
  const path = join(dir, 'daemon.sock')
  try {
    const found = lstatSync(path, { throwIfNoEntry: false })
    if (!found?.isSocket() || found.uid !== process.getuid?.()) return undefined
    const folder = statSync(dirname(path))
    const onlyOurs = (folder.mode & 0o022) === 0 || (folder.mode & STICKY) !== 0
    return onlyOurs && [found.uid, 0].includes(folder.uid) ? path : undefined
  } catch {
    return undefined
  }
}

/** What answers there, if that is a daemon of a version that we understand, within half a second. It is said where it is left to itself later. */
export async function openDaemon(
  socket: string | undefined,
  terminal: Pick<Terminal, 'say' | 'signal'>,
): Promise<DaemonClient | undefined> {
  if (socket === undefined) return undefined
  const { connectDaemon } = await import('./daemon-client.js')
  return connectDaemon(socket, terminal)
}
