// A shape for each source, so that a picture never tells them apart by colour alone. Pure: outlines, no canvas.
import type { Source } from '../src/public.js'

/** `other` is for what no line of the table answers for. */
export type MarkOf = Source | 'other'

/** SVG path data around (0, 0), about 1 in each direction; alike in area, so that none looks like more. */
export const MARKS: Readonly<Record<MarkOf, string>> = {
  memory: 'M1 0A1 1 0 1 1-1 0A1 1 0 1 1 1 0Z',
  disk: 'M-.9-.9H.9V.9H-.9Z',
  shared: 'M0-1.25L1.25 0L0 1.25L-1.25 0Z',
  pattern: 'M0-1.2L1.25 1H-1.25Z',
  computed: 'M-1.1-.6L-.6-1.1L0-.5L.6-1.1L1.1-.6L.5 0L1.1.6L.6 1.1L0 .5L-.6 1.1L-1.1.6L-.5 0Z',
  other: 'M1 0A1 1 0 1 1-1 0A1 1 0 1 1 1 0ZM.5 0A.5.5 0 1 0-.5 0A.5.5 0 1 0 .5 0Z',
}
