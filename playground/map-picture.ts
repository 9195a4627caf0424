// The map as it is drawn: a mark a text, lines from the centre to its neighbours. Knows pixels; what is near is given.
import { MARKS, type MarkOf } from './marks.js'

export interface Picture {
  /** In CSS pixels. */
  readonly width: number
  readonly height: number
  /** `[x0, y0, x1, y1, …]` in CSS pixels, a pair a text. */
  readonly at: Float32Array
  /** Where the vector of each text came from. */
  readonly marks: readonly MarkOf[]
  /** Indices of texts. */
  readonly centre: number | undefined
  readonly neighbours: readonly number[]
  readonly pointed: number | undefined
  /** A token of tokens.css as a colour. */
  readonly color: (token: string) => string
}

const RADIUS = 3.5
const NEAR_RADIUS = 5

export function drawMap(canvas: HTMLCanvasElement, picture: Picture): void {
  const { width, height, at, centre, neighbours, pointed, color } = picture
  const ratio = devicePixelRatio
  canvas.width = Math.round(width * ratio)
  canvas.height = Math.round(height * ratio)
  const pen = canvas.getContext('2d')
  if (!pen) return
  pen.scale(ratio, ratio)
  const x = (index: number) => at[2 * index]!
  const y = (index: number) => at[2 * index + 1]!
  const ring = (index: number, radius: number) => {
    pen.beginPath()
    pen.arc(x(index), y(index), radius, 0, 2 * Math.PI)
    pen.stroke()
  }
  pen.strokeStyle = color('--quiet')
  pen.lineWidth = 1
  if (centre !== undefined) {
    for (const other of neighbours) {
      pen.beginPath()
      pen.moveTo(x(centre), y(centre))
      pen.lineTo(x(other), y(other))
      pen.stroke()
    }
  }
  for (const [mark, path] of pathsOf(picture)) {
    pen.fillStyle = color(mark === 'other' ? '--quiet' : `--${mark}`)
    pen.fill(path)
  }
  pen.strokeStyle = color('--text')
  pen.lineWidth = 2
  if (centre !== undefined) ring(centre, 9)
  pen.setLineDash([3, 2])
  if (pointed !== undefined) ring(pointed, 12)
}

/** One path for all texts of a source: thousands of them are filled at once. */
function pathsOf({ at, marks, centre, neighbours }: Picture): ReadonlyMap<MarkOf, Path2D> {
  const paths = new Map<MarkOf, Path2D>()
  const shapes = new Map<MarkOf, Path2D>()
  const near = new Set(centre === undefined ? neighbours : [centre, ...neighbours])
  marks.forEach((mark, i) => {
    const path = paths.get(mark) ?? new Path2D()
    paths.set(mark, path)
    const shape = shapes.get(mark) ?? shapeOf(mark)
    shapes.set(mark, shape)
    addShape(path, shape, at[2 * i]!, at[2 * i + 1]!, near.has(i) ? NEAR_RADIUS : RADIUS)
  })
  return paths
}

/** The outline of a source. Reading one costs more than adding it: make it once for many points. */
export function shapeOf(mark: MarkOf): Path2D {
  return new Path2D(MARKS[mark])
}

/** Adds an outline to a path, around (x, y). */
export function addShape(path: Path2D, shape: Path2D, x: number, y: number, radius: number): void {
  path.addPath(shape, { a: radius, d: radius, e: x, f: y })
}
