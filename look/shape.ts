// A mark as a path that canvases fill.
import { MARKS, type MarkOf } from './marks.js'

/** The outline of a source. Reading one costs more than drawing it: make it once for many points. */
export function shapeOf(mark: MarkOf): Path2D {
  return new Path2D(MARKS[mark])
}
