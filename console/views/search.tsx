// To be written by its owner: the screen Search.
import { Empty, Panel } from './parts.js'
import type { ScreenProps } from './screen.js'

export function SearchScreen(_: ScreenProps) {
  return (
    <Panel id="search" title="Search">
      <Empty>Not there yet.</Empty>
    </Panel>
  )
}
