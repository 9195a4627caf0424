// What a book of patterns needs to know: how much evidence it asks for, and whom it asks. Types alone.
import type { Hash, Masker, Space } from '../../ports.js'
import type { PatternShelf } from './shelf.js'

export interface PatternBookOptions {
  readonly masker: Masker
  /** The space of the exact vectors. */
  readonly space: Space
  readonly dims: number
  /** What a served vector is meant to be within, as `distance` measures it: checked on samples, proved for none. */
  readonly epsilon: number
  /** Different texts of a pattern that must agree before it serves. */
  readonly members: number
  /** Hits that are computed and compared, without one off the bound, before the first is served. */
  readonly trials: number
  /** Share of later hits that are computed and compared; the first of them more often. */
  readonly checkShare: number
  /** Different characters that its exact texts must have in a place before any character may stand there. */
  readonly variety: number
  readonly hash: Hash
  /** Numbers in [0, 1). */
  readonly random: () => number
  readonly shelf: PatternShelf
}
