// To be written by its owner: the screen Lookup.
import { Empty, Panel } from './parts.js'
import type { ScreenProps } from './screen.js'

export function LookupScreen(_: ScreenProps) {
  return (
    <Panel id="lookup" title="Lookup">
      <Empty>Not there yet.</Empty>
    </Panel>
  )
}
