// Hit rate, times by source, and the map: three pictures under one legend. uPlot is fetched after the page is on the screen.
import { useComputed, useSignal, useSignalEffect } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { count } from '../../src/format.js'
import type { Plots } from '../plots.js'
import type { Tools } from '../tools.js'
import { useGathered } from './gather.js'
import { Legend } from './legend.js'
import { MapPanel } from './map.js'
import type { Themed } from './themed.js'

/** While the last minute holds anything, it moves on. */
const TICK_MS = 1_000
/** Answers come many times a second; pictures need not. */
const GATHER_MS = 200

const NOTHING_LATELY = 'Nothing was asked for in the last minute.'

export function Charts({ session, theme, tools }: Themed & { readonly tools: Tools }) {
  const rate = useRef<HTMLDivElement>(null)
  const times = useRef<HTMLDivElement>(null)
  const plots = useSignal<Plots | undefined>(undefined)
  /** What the pictures show is the minute before it. */
  const now = useSignal(performance.now())

  useEffect(() => {
    let gone = false
    void import('../plots.js').then(({ Plots }) => {
      if (!gone) plots.value = new Plots(rate.current!, times.current!, token => theme.color(token))
    })
    const timer = setInterval(() => {
      if (!document.hidden) now.value = performance.now()
    }, TICK_MS)
    return () => {
      gone = true
      clearInterval(timer)
      plots.peek()?.close()
    }
  }, [])
  useGathered(
    () => GATHER_MS,
    () => session.answered.value,
    () => {
      now.value = performance.now()
    },
  )
  useSignalEffect(() => plots.value?.draw(session.history, now.value))
  useSignalEffect(() => {
    if (theme.changes.value > 0) plots.peek()?.recolour(session.history, now.peek())
  })

  const hits = useComputed(() => session.history.recent(now.value).hits).value
  const all = useComputed(() => session.history.recent(now.value).all).value
  const timed = useComputed(() => session.history.timed(now.value).length > 0).value
  return (
    <div class="charts">
      <Legend session={session} />
      <section aria-labelledby="rate-title">
        <h2 id="rate-title">
          Hit rate, last minute{' '}
          <span class="figure">{all > 0 ? `${Math.round((100 * hits) / all)} % of ${count(all)}` : ''}</span>
        </h2>
        <div class="plane">
          <div
            ref={rate}
            class="plot"
            role="img"
            aria-label={`hit rate of the last minute: ${count(hits)} of ${count(all)} look-ups`}
          />
          {all === 0 && (
            <p class="empty">
              {session.history.empty
                ? 'Embed some lines: here you see how many of them the cache answers.'
                : NOTHING_LATELY}
            </p>
          )}
        </div>
      </section>
      <section aria-labelledby="times-title">
        <h2 id="times-title">
          Time by source <span class="figure">without loading the model</span>
        </h2>
        <div class="plane">
          <div
            ref={times}
            class="plot"
            role="img"
            aria-label="time of each look-up in the last minute, by source, log scale"
          />
          {!timed && (
            <p class="empty">
              {session.history.empty || all > 0
                ? 'Embed some lines twice: here you see what each source takes for a text.'
                : NOTHING_LATELY}
            </p>
          )}
        </div>
      </section>
      <MapPanel session={session} theme={theme} tools={tools} />
    </div>
  )
}
