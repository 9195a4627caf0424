// Whether a daemon serves this cache folder: one look at a file, so that a command that works alone loses nothing. What speaks to it is loaded
// only then.
import { lstatSync } from 'node:fs'
import { join } from 'node:path'
import type { CommandOptions } from './command.js'
import type { DaemonClient } from './daemon-client.js'

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

/** The socket of a daemon of this very user; undefined where there is none, or none is to be asked. */
export function daemonSocket(dir: string | undefined, values: DaemonValues): string | undefined {
  if (dir === undefined || values['no-daemon'] || /^(off|no|false|0)$/i.test(process.env.OPDBUS_DAEMON ?? ''))
    return undefined
  const path = join(dir, 'daemon.sock')
  try {
    const found = lstatSync(path, { throwIfNoEntry: false })
    return found?.isSocket() && found.uid === process.getuid?.() ? path : undefined
  } catch {
    return undefined
  }
}

/** What answers there, if that is a daemon of a version that we understand, within half a second. */
export async function openDaemon(socket: string | undefined, signal: AbortSignal): Promise<DaemonClient | undefined> {
  if (socket === undefined) return undefined
  const { connectDaemon } = await import('./daemon-client.js')
  return connectDaemon(socket, signal)
}
