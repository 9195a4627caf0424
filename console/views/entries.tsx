// To be written by its owner: the screen Entries.
import { Empty, Panel } from './parts.js'
import type { ScreenProps } from './screen.js'

export function EntriesScreen(_: ScreenProps) {
  return (
    <Panel id="entries" title="Entries">
      <Empty>Not there yet.</Empty>
    </Panel>
  )
}
