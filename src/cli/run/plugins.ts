// `op-dbus plugins`: which plugins there are, what they can do, and why one is not available.
import type { CommandCall } from '../command.js'
import { pluginsText } from '../state-text.js'
import { type StateValues, withState } from './state.js'
import { jsonText, wantsJson } from './telling.js'

export function plugins({ values, terminal }: CommandCall<StateValues>): Promise<number> {
  return withState(values, terminal, async state => {
    const infos = await state.plugins({ signal: terminal.signal })
    await terminal.out(wantsJson(values, terminal) ? jsonText({ plugins: infos }) : pluginsText(infos))
    return 0
  })
}
