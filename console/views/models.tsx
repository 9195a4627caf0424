// To be written by its owner: the screen Models.
import { Empty, Panel } from './parts.js'
import type { ScreenProps } from './screen.js'

export function ModelsScreen(_: ScreenProps) {
  return (
    <Panel id="models" title="Models">
      <Empty>Not there yet.</Empty>
    </Panel>
  )
}
