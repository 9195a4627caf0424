// The key that a log signs with is made with the first thing that needs it; whoever caused that is told.
import type { Chain, LogKey } from '../../../blockchain.js'
import { visible } from '../../../format.js'
import type { Terminal } from '../../terminal.js'
import type { ChainValues } from './chain.js'

/** For what signs: the key is there afterwards. @throws OpDbusError CONFLICT, STORE, ABORTED */
export async function withKey(chain: Chain, { quiet }: ChainValues, terminal: Terminal): Promise<void> {
  const key = await chain.key({ signal: terminal.signal })
  if (!quiet)
    tellNewKey(key, terminal, '\n  to give the log a name: op-dbus blockchain key --renew --name example.org/log')
}

export function tellNewKey({ created, origin, file }: LogKey, terminal: Terminal, next = ''): void {
  if (created) terminal.say(`op-dbus: made a key for ${visible(origin)}; its private half is ${visible(file)}${next}`)
}
