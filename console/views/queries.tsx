// To be written by its owner: the screen Queries.
import { Empty, Panel } from './parts.js'
import type { ScreenProps } from './screen.js'

export function QueriesScreen(_: ScreenProps) {
  return (
    <Panel id="queries" title="Queries">
      <Empty>Not there yet.</Empty>
    </Panel>
  )
}
