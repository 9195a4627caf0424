// The table of answers: only the rows in sight are drawn, so 10,000 cost what twenty do. One tab stop, arrows move.
import { useComputed, useSignal } from '@preact/signals'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import { cosine } from '../../look/cosine.js'
import { drawStrip, heatTable } from '../../look/heat.js'
import { shortTime, timeShare } from '../../look/scale.js'
import { LETTERS } from '../../look/sources.js'
import type { Source } from '../../src/public.js'
import { shown } from '../lines.js'
import type { Row } from '../session.js'
import { NAMES } from '../sources.js'
import { NoOption } from './no-option.js'
import type { Themed } from './themed.js'

/** Heights of a row in CSS pixels; playground.css has the same. */
const ROW = 36
const CARD = 96
/** Where rows are cards; playground.css has the same. */
const CARDS = '(max-width: 900px)'
/** Drawn beyond each edge, so that a quick scroll shows no gap. */
const BEYOND = 4

export function Answers({ session, theme }: Themed) {
  // Before the first press the lines themselves: what will be answered is in sight.
  const asked = session.rows.value
  const rows: readonly Row[] = asked.length > 0 ? asked : session.lines.value.lines.map(text => ({ text }))
  const waiting = session.busy.value ? 'waiting' : ''
  const scroller = useRef<HTMLDivElement>(null)
  const top = useSignal(0)
  const height = useSignal(480)
  const cards = useSignal(matchMedia(CARDS).matches)
  const table = useComputed(() => {
    theme.changes.value
    const [low, middle, high] = [theme.rgb('--heat-low'), theme.rgb('--page'), theme.rgb('--heat-high')]
    return heatTable({ low, middle, high })
  })
  useEffect(() => {
    const query = matchMedia(CARDS)
    const onChange = () => {
      cards.value = query.matches
    }
    query.addEventListener('change', onChange)
    const observer = new ResizeObserver(() => {
      height.value = scroller.current?.clientHeight ?? height.peek()
    })
    if (scroller.current) observer.observe(scroller.current)
    return () => {
      query.removeEventListener('change', onChange)
      observer.disconnect()
    }
  }, [])

  const size = cards.value ? CARD : ROW
  const from = Math.max(0, Math.floor(top.value / size) - BEYOND)
  const to = Math.min(rows.length, Math.ceil((top.value + height.value) / size) + BEYOND)
  const chosen = Math.min(session.selected.value, rows.length - 1)
  const like = rows[chosen]?.answer?.vector

  const select = (index: number) => {
    session.selected.value = Math.max(0, Math.min(rows.length - 1, index))
    const box = scroller.current
    const y = session.selected.peek() * size
    if (!box) return
    if (y < box.scrollTop) box.scrollTop = y
    else if (y + size > box.scrollTop + box.clientHeight) box.scrollTop = y + size - box.clientHeight
  }
  const page = Math.max(1, Math.floor(height.value / size) - 1)
  const onKeyDown = (event: KeyboardEvent) => {
    const to: Record<string, number> = {
      ArrowDown: chosen + 1,
      ArrowUp: chosen - 1,
      PageDown: chosen + page,
      PageUp: chosen - page,
      Home: 0,
      End: rows.length - 1,
    }
    const index = to[event.key]
    if (index === undefined || rows.length === 0) return
    event.preventDefault()
    select(index)
  }

  return (
    <section class="answers" aria-labelledby="answers-title">
      <h2 id="answers-title">Answers</h2>
      <div class="grid-head" aria-hidden="true">
        <span>line</span>
        <span>from</span>
        <span>
          time <small>(bar: log scale)</small>
        </span>
        <span>vector{like ? ` (${like.length} dims)` : ''}</span>
        <span>like the selected</span>
      </div>
      {rows.length === 0 && <p class="empty">No lines yet. Type or paste some above, or take an example.</p>}
      <div
        ref={scroller}
        class="grid-body"
        role="listbox"
        tabIndex={0}
        aria-label="Answers, one per line"
        aria-activedescendant={rows.length > 0 ? `answer-${chosen}` : undefined}
        onScroll={event => {
          top.value = event.currentTarget.scrollTop
        }}
        onKeyDown={onKeyDown}
      >
        {rows.length === 0 && <NoOption />}
        <div class="runway" role="presentation" style={{ height: `${rows.length * size}px` }}>
          {rows.slice(from, to).map((row, i) => (
            <Line
              key={from + i}
              row={row}
              index={from + i}
              total={rows.length}
              top={(from + i) * size}
              selected={from + i === chosen}
              like={like}
              scale={session.scale.value}
              table={table.value}
              waiting={waiting}
              onSelect={select}
            />
          ))}
        </div>
      </div>
    </section>
  )
}

interface LineProps {
  readonly row: Row
  readonly index: number
  readonly total: number
  readonly top: number
  readonly selected: boolean
  readonly like: Float32Array | undefined
  readonly scale: number
  readonly table: Uint8ClampedArray
  /** What a line without an answer says. */
  readonly waiting: string
  readonly onSelect: (index: number) => void
}

function Line({ row, index, total, top, selected, like, scale, table, waiting, onSelect }: LineProps) {
  const { text, answer, error } = row
  const score = like && answer && answer.vector.length === like.length ? cosine(like, answer.vector) : undefined
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the list around it has the keys
    <div
      id={`answer-${index}`}
      class={`line${selected ? ' selected' : ''}`}
      role="option"
      aria-selected={selected}
      aria-setsize={total}
      aria-posinset={index + 1}
      tabIndex={-1}
      style={{ transform: `translateY(${top}px)` }}
      onClick={() => onSelect(index)}
    >
      <span class="text mono" title={shown(text, 1000)}>
        {shown(text)}
      </span>
      {answer ? (
        <>
          <span class="from" data-source={answer.source}>
            <span class="chip" aria-hidden="true">
              {LETTERS[answer.source]}
            </span>
            <span class="unseen">{` ${fromWords(answer.source)}, `}</span>
            {row.cold && <small title="this time includes loading the model">load</small>}
            {answer.truncated && <small title="longer than the model's limit: its end was not seen">cut</small>}
          </span>
          <span class="time" data-source={answer.source} title={timeTitle(row)}>
            <span class="number">{shortTime(answer.ms)}</span>
            <span class="bar">
              <span style={{ width: `${100 * timeShare(answer.ms)}%` }} />
            </span>
          </span>
          <Strip vector={answer.vector} scale={scale} table={table} />
          <span class="like">
            {score !== undefined && (
              <>
                <span class="number">{score.toFixed(2)}</span>
                <span class="unseen"> like the selected</span>
                <span class="bar">
                  <span style={{ width: `${Math.max(0, Math.min(100, 100 * score))}%` }} />
                </span>
              </>
            )}
          </span>
        </>
      ) : (
        <span class={error === undefined ? 'waiting' : 'bad'}>{error ?? waiting}</span>
      )}
    </div>
  )
}

function Strip({ vector, scale, table }: Pick<LineProps, 'scale' | 'table'> & { readonly vector: Float32Array }) {
  const canvas = useRef<HTMLCanvasElement>(null)
  useLayoutEffect(() => {
    if (canvas.current) drawStrip(canvas.current, vector, scale, table)
  }, [vector, scale, table])
  return <canvas ref={canvas} class="strip" />
}

function timeTitle({ answer, cold }: Row): string {
  if (!answer) return ''
  if (cold) return 'with loading the model'
  if (answer.together === 1) return shortTime(answer.ms)
  return `${answer.together} lines were answered together; this is the share of one`
}

/** For screen readers, in place of the letter. */
function fromWords(source: Source): string {
  return source === 'computed' ? 'computed' : `from ${NAMES[source]}`
}
