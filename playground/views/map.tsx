// The map of what is cached: two dimensions of many, a dot a text. A click shows the five nearest.
import { useSignal, useSignalEffect } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import type { Source } from '../../src/public.js'
import { shown } from '../lines.js'
import { fitPoints, pick } from '../map-layout.js'
import type { MapView } from '../near.js'
import type { Theme } from '../theme.js'
import type { Tools } from '../tools.js'
import type { Shared } from './app.js'

/** How long changes are gathered before the map is laid out anew. */
const GATHER_MS = 300

export function MapPanel({ session, theme, tools }: Shared & { readonly tools: Tools }) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const size = useSignal({ width: 0, height: 0 })
  const fitted = useRef<Float32Array>(new Float32Array())

  useEffect(() => {
    const observer = new ResizeObserver(() => {
      const { clientWidth: width, clientHeight: height } = canvas.current!
      size.value = { width, height }
    })
    observer.observe(canvas.current!)
    return () => observer.disconnect()
  }, [])
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)
  useSignalEffect(() => {
    // What memory holds is the map; nothing is opened for it.
    if (session.memory.value.held.length === 0 && tools.map.peek() === undefined) return
    timer.current ??= setTimeout(() => {
      timer.current = undefined
      void tools.drawMap().catch(() => undefined)
    }, GATHER_MS)
  })
  useSignalEffect(() => {
    const row = session.rows.value[session.selected.value]
    if (!row?.answer || session.memory.value.held.length === 0) return
    void tools.around(row.answer.template ?? row.text, row.answer.vector).catch(() => undefined)
  })
  useSignalEffect(() => {
    theme.changes.value
    const map = tools.map.value
    const centre = tools.centre.value
    const { width, height } = size.value
    if (!canvas.current || width === 0) return
    fitted.current = map ? fitPoints(map.points, width, height) : new Float32Array()
    const sources = new Map(session.rows.value.flatMap(row => (row.answer ? [[row.text, row.answer.source]] : [])))
    const marked = centre ? [centre.query, ...centre.neighbours.map(one => one.text)] : []
    draw(canvas.current, { width, height, map, at: fitted.current, sources, marked, theme })
  })

  const onClick = (event: MouseEvent) => {
    const box = canvas.current!.getBoundingClientRect()
    const hit = pick(fitted.current, event.clientX - box.left, event.clientY - box.top)
    const text = hit === undefined ? undefined : tools.map.peek()?.texts[hit]
    if (text === undefined) return
    const row = session.rows.peek().findIndex(one => one.text === text)
    if (row >= 0) session.selected.value = row
    void tools.around(text)
  }
  const count = tools.map.value?.texts.length ?? 0
  const centre = tools.centre.value
  return (
    <section class="map" aria-labelledby="map-title">
      <h2 id="map-title">
        Map of what is cached <span class="figure">{count > 0 ? `${count} texts, PCA` : ''}</span>
      </h2>
      <canvas
        ref={canvas}
        role="img"
        aria-label={`${count} cached texts on a plane; near means alike. Select a line to hear its nearest.`}
        onClick={onClick}
      />
      <ol class="neighbours" aria-label="Five nearest to the selected text">
        {count > 1 && centre
          ? centre.neighbours.map(({ text, score }) => (
              <li key={text}>
                <span class="number">{score.toFixed(2)}</span>
                <span class="mono">{shown(text, 80)}</span>
              </li>
            ))
          : null}
      </ol>
    </section>
  )
}

interface Picture {
  readonly width: number
  readonly height: number
  readonly map: MapView | undefined
  readonly at: Float32Array
  readonly sources: ReadonlyMap<string, Source>
  /** The centre first, then its neighbours. */
  readonly marked: readonly string[]
  readonly theme: Theme
}

function draw(canvas: HTMLCanvasElement, { width, height, map, at, sources, marked, theme }: Picture): void {
  const ratio = devicePixelRatio
  canvas.width = Math.round(width * ratio)
  canvas.height = Math.round(height * ratio)
  const pen = canvas.getContext('2d')
  if (!pen) return
  pen.scale(ratio, ratio)
  const index = new Map(map?.texts.map((text, i) => [text, i]))
  const centre = marked[0] === undefined ? undefined : index.get(marked[0])
  pen.strokeStyle = theme.color('--quiet')
  pen.lineWidth = 1
  if (centre !== undefined) {
    for (const text of marked.slice(1)) {
      const other = index.get(text)
      if (other === undefined) continue
      pen.beginPath()
      pen.moveTo(at[2 * centre]!, at[2 * centre + 1]!)
      pen.lineTo(at[2 * other]!, at[2 * other + 1]!)
      pen.stroke()
    }
  }
  const colours = new Map<string, string>()
  const colourOf = (token: string) => {
    if (!colours.has(token)) colours.set(token, theme.color(token))
    return colours.get(token)!
  }
  map?.texts.forEach((text, i) => {
    const near = marked.includes(text)
    pen.fillStyle = colourOf(`--${sources.get(text) ?? 'quiet'}`)
    pen.beginPath()
    pen.arc(at[2 * i]!, at[2 * i + 1]!, near ? 5 : 3.5, 0, 2 * Math.PI)
    pen.fill()
    if (i !== centre) return
    pen.strokeStyle = colourOf('--text')
    pen.lineWidth = 2
    pen.beginPath()
    pen.arc(at[2 * i]!, at[2 * i + 1]!, 8, 0, 2 * Math.PI)
    pen.stroke()
  })
}
