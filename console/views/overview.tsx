// To be written by its owner: the screen Overview.
import { Empty, Panel } from './parts.js'
import type { ScreenProps } from './screen.js'

export function OverviewScreen(_: ScreenProps) {
  return (
    <Panel id="overview" title="Overview">
      <Empty>Not there yet.</Empty>
    </Panel>
  )
}
