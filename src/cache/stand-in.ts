// What a loader may answer instead of a value: told to whoever waits, kept by nobody. Data only.
import type { Source } from '../ports.js'

/** What a loader answers instead of a value of the id's own: told to those who wait, and stored nowhere. */
export class StandIn<V> {
  constructor(
    readonly value: V,
    readonly source: Source,
  ) {}
}
