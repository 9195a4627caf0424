// To be written by its owner: the screen Blocks.
import { Empty, Panel } from './parts.js'
import type { ScreenProps } from './screen.js'

export function BlocksScreen(_: ScreenProps) {
  return (
    <Panel id="blocks" title="Blocks">
      <Empty>Not there yet.</Empty>
    </Panel>
  )
}
