// The map as it is drawn: a mark a text, lines from the centre to its neighbours. Knows pixels; what is near is given.
import type { MarkOf } from '../look/marks.js'
import { shapeOf } from '../look/shape.js'

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
/** Where more texts are than this, marks are smaller. */
const CROWD = 200
const CROWD_RADIUS = 2.5

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
  const all = picture.marks.map((_, i) => i)
  const near = new Set(centre === undefined ? [] : [centre, ...neighbours])
  const far = all.filter(i => !near.has(i))
  fillMarks(pen, picture, far, all.length > CROWD ? CROWD_RADIUS : RADIUS)
  // Over the others: a crowd would hide them.
  pen.strokeStyle = color('--text')
  pen.lineWidth = 1
  if (centre !== undefined) {
    for (const other of neighbours) {
      pen.beginPath()
      pen.moveTo(x(centre), y(centre))
      pen.lineTo(x(other), y(other))
      pen.stroke()
    }
  }
  fillMarks(pen, picture, [...near], NEAR_RADIUS)
  pen.strokeStyle = color('--text')
  pen.lineWidth = 2
  if (centre !== undefined) ring(centre, 9)
  pen.setLineDash([3, 2])
  if (pointed !== undefined) ring(pointed, 12)
}

/** Each by itself: one path of thousands of marks takes twice as long to fill. */
function fillMarks(pen: CanvasRenderingContext2D, picture: Picture, which: readonly number[], radius: number): void {
  const { at, marks, color } = picture
  const shapes = new Map<MarkOf, Path2D>()
  const size = radius * devicePixelRatio
  pen.save()
  for (const i of which) {
    const mark = marks[i]!
    const shape = shapes.get(mark) ?? shapeOf(mark)
    shapes.set(mark, shape)
    pen.fillStyle = color(mark === 'other' ? '--quiet' : `--${mark}`)
    pen.setTransform(size, 0, 0, size, at[2 * i]! * devicePixelRatio, at[2 * i + 1]! * devicePixelRatio)
    pen.fill(shape)
  }
  pen.restore()
}
