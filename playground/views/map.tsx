// The map of what is in memory: two dimensions of many, a mark a text. A click, or arrows and Enter, show the five nearest.
import { useComputed, useSignal, useSignalEffect } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { LETTERS } from '../../look/sources.js'
import { plural } from '../../src/format.js'
import { shown } from '../lines.js'
import { fitPoints, isDirection, nextPoint, pick } from '../map-layout.js'
import { drawMap } from '../map-picture.js'
import type { Row } from '../session.js'
import { NAMES } from '../sources.js'
import type { Tools } from '../tools.js'
import { useGathered } from './gather.js'
import { NoOption } from './no-option.js'
import type { Themed } from './themed.js'

/** How long changes are gathered before the map is laid out anew, and how long what lines came from. */
const GATHER_MS = 300
/** Laying out thousands of points takes its thread a while: at most this share of the time. */
const LAYOUT_SHARE = 0.2

export function MapPanel({ session, theme, tools }: Themed & { readonly tools: Tools }) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const size = useSignal({ width: 0, height: 0 })
  /** The text under the pointer, or the one that the arrows are at. */
  const pointed = useSignal<string | undefined>(undefined)
  const texts = useComputed(() => tools.map.value?.texts ?? [])
  const indices = useComputed(() => new Map(texts.value.map((text, i) => [text, i])))
  const rowOf = useSignal<ReadonlyMap<string, FirstRow>>(new Map())
  const selected = useComputed(() => session.rows.value[session.selected.value])
  const at = useComputed(() => {
    const { width, height } = size.value
    return width > 0 && tools.map.value ? fitPoints(tools.map.value.points, width, height) : new Float32Array()
  })

  useEffect(() => {
    const observer = new ResizeObserver(() => {
      const { clientWidth: width, clientHeight: height } = canvas.current!
      size.value = { width, height }
    })
    observer.observe(canvas.current!)
    return () => observer.disconnect()
  }, [])
  useGathered(
    () => Math.max(GATHER_MS, tools.layoutMs / LAYOUT_SHARE),
    () => session.memory.value,
    () => {
      // What memory holds is the map; nothing is opened for it.
      if (session.memory.peek().held.length > 0 || tools.map.peek() !== undefined) void tools.drawMap()
    },
  )
  useGathered(
    () => GATHER_MS,
    () => session.rows.value,
    () => {
      rowOf.value = firstRows(session.rows.peek())
    },
  )
  useSignalEffect(() => {
    const row = selected.value
    if (!row?.answer || session.memory.value.held.length === 0) return
    void tools.around(mapText(row), row.answer.vector)
  })
  useSignalEffect(() => {
    theme.changes.value
    const { width, height } = size.value
    if (!canvas.current || width === 0) return
    const indexOf = (text: string | undefined) => (text === undefined ? undefined : indices.value.get(text))
    drawMap(canvas.current, {
      width,
      height,
      at: at.value,
      marks: texts.value.map(text => rowOf.value.get(text)?.row.answer?.source ?? 'other'),
      centre: indexOf(tools.centre.value?.query),
      neighbours: tools.centre.value?.neighbours.flatMap(one => indexOf(one.text) ?? []) ?? [],
      pointed: indexOf(pointed.value),
      color: memoized(token => theme.color(token)),
    })
  })

  const choose = async (text: string) => {
    const row = rowOf.peek().get(text)
    if (row) session.selected.value = row.index
    await tools.around(text)
    const centre = tools.centre.peek()
    if (centre?.query !== text) return
    const near = centre.neighbours.map(one => `${shown(one.text, 80)} ${one.score.toFixed(2)}`)
    session.spoken.value = `Nearest to ${shown(text, 80)}: ${near.join('; ')}`
  }
  const textAt = (event: MouseEvent) => {
    const box = canvas.current!.getBoundingClientRect()
    const hit = pick(at.peek(), event.clientX - box.left, event.clientY - box.top)
    return hit === undefined ? undefined : texts.peek()[hit]
  }
  const begin = () => {
    const centre = tools.centre.peek()?.query
    pointed.value = centre !== undefined && indices.peek().has(centre) ? centre : texts.peek()[0]
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const here = pointed.peek()
    const from = here === undefined ? undefined : indices.peek().get(here)
    const last = texts.peek().length - 1
    if (last < 0) return
    if (from === undefined) begin()
    else if (isDirection(event.key)) pointed.value = texts.peek()[nextPoint(at.peek(), from, event.key) ?? from]
    else if (event.key === 'Home') pointed.value = texts.peek()[0]
    else if (event.key === 'End') pointed.value = texts.peek()[last]
    else if (event.key === 'Enter' || event.key === ' ') void choose(here!)
    else return
    event.preventDefault()
  }

  const count = texts.value.length
  const centre = tools.centre.value
  const active = pointed.value === undefined ? undefined : indices.value.get(pointed.value)
  // A list has an option in it, also while the arrows are at none.
  const option = active ?? indices.value.get(centre?.query ?? '') ?? 0
  return (
    <section class="map" aria-labelledby="map-title">
      <h2 id="map-title">
        Map of what is in memory <span class="figure">{count > 0 ? `${plural(count, 'text', 'texts')}, PCA` : ''}</span>
      </h2>
      <div class="plane">
        <div
          role="listbox"
          tabIndex={0}
          aria-label={`${plural(count, 'text', 'texts')} on a plane; near means alike. Arrows move, Enter shows the five nearest.`}
          aria-activedescendant={active === undefined ? undefined : `map-${active}`}
          onKeyDown={onKeyDown}
          onFocus={begin}
          onBlur={() => {
            pointed.value = undefined
          }}
          onPointerMove={event => {
            pointed.value = textAt(event)
          }}
          onPointerLeave={() => {
            pointed.value = undefined
          }}
          onClick={event => {
            const text = textAt(event)
            if (text !== undefined) void choose(text)
          }}
        >
          <canvas ref={canvas} />
          {count > 0 ? (
            <span
              class="unseen"
              role="option"
              tabIndex={-1}
              id={`map-${option}`}
              aria-selected={texts.value[option] === centre?.query}
              aria-setsize={count}
              aria-posinset={option + 1}
            >
              {shown(texts.value[option]!, 80)}
            </span>
          ) : (
            <NoOption />
          )}
        </div>
        {count === 0 && (
          <p class="empty">Embed some lines: each becomes a point, near those it is like. A click shows its nearest.</p>
        )}
      </div>
      <Caption text={pointed.value} row={rowOf.value.get(pointed.value ?? '')?.row} centre={centre?.query} />
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

interface CaptionProps {
  readonly text: string | undefined
  readonly row: Row | undefined
  readonly centre: string | undefined
}

/** One line that is always there: what is pointed at, else whose neighbours are listed. */
function Caption({ text, row, centre }: CaptionProps) {
  const source = row?.answer?.source
  if (text === undefined) {
    return (
      <p class="caption quiet">
        {centre !== undefined && (
          <>
            nearest to <span class="mono">{shown(centre, 80)}</span>
          </>
        )}
      </p>
    )
  }
  return (
    <p class="caption quiet" aria-hidden="true" data-source={source}>
      {source && (
        <span class="chip" title={NAMES[source]}>
          {LETTERS[source]}
        </span>
      )}
      <span class="mono">{shown(text, 80)}</span>
    </p>
  )
}

/** What a row is called on the map: with templates, texts of one kind share a point. */
function mapText({ text, answer }: Row): string {
  return answer?.template ?? text
}

interface FirstRow {
  readonly row: Row
  readonly index: number
}

function firstRows(rows: readonly Row[]): ReadonlyMap<string, FirstRow> {
  const first = new Map<string, FirstRow>()
  rows.forEach((row, index) => {
    if (row.answer && !first.has(mapText(row))) first.set(mapText(row), { row, index })
  })
  return first
}

function memoized(color: (token: string) => string): (token: string) => string {
  const known = new Map<string, string>()
  return token => {
    const found = known.get(token) ?? color(token)
    known.set(token, found)
    return found
  }
}
