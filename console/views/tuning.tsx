// To be written by its owner: the screen Tuning.
import { Empty, Panel } from './parts.js'
import type { ScreenProps } from './screen.js'

export function TuningScreen(_: ScreenProps) {
  return (
    <Panel id="tuning" title="Tuning">
      <Empty>Not there yet.</Empty>
    </Panel>
  )
}
