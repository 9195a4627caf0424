// To be written by its owner: the screen State.
import { Empty, Panel } from './parts.js'
import type { ScreenProps } from './screen.js'

export function StateScreen(_: ScreenProps) {
  return (
    <Panel id="state" title="State">
      <Empty>Not there yet.</Empty>
    </Panel>
  )
}
