// Hit rate, times by source, and the map: three pictures side by side. uPlot is fetched after the page is on the screen.
import { useSignalEffect } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import type { Plots } from '../plots.js'
import type { Tools } from '../tools.js'
import type { Shared } from './app.js'
import { MapPanel } from './map.js'

/** While the last minute holds anything, it moves on. */
const TICK_MS = 1_000
/** Answers come many times a second; pictures need not. */
const GATHER_MS = 200

export function Charts({ session, theme, tools }: Shared & { readonly tools: Tools }) {
  const rate = useRef<HTMLDivElement>(null)
  const times = useRef<HTMLDivElement>(null)
  const plots = useRef<Plots | null>(null)
  const soon = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)
  const draw = () => plots.current?.draw(session.history, performance.now())

  useEffect(() => {
    let gone = false
    void import('../plots.js').then(({ Plots }) => {
      if (gone) return
      plots.current = new Plots(rate.current!, times.current!, token => theme.color(token))
      draw()
    })
    const timer = setInterval(() => {
      if (!document.hidden) draw()
    }, TICK_MS)
    return () => {
      gone = true
      clearInterval(timer)
      clearTimeout(soon.current)
      plots.current?.close()
    }
  }, [])
  useSignalEffect(() => {
    session.answered.value
    soon.current ??= setTimeout(() => {
      soon.current = undefined
      draw()
    }, GATHER_MS)
  })
  useSignalEffect(() => {
    if (theme.changes.value > 0) plots.current?.recolour(session.history, performance.now())
  })

  session.answered.value
  const { hits, all } = session.history.recent(performance.now())
  return (
    <div class="charts">
      <section aria-labelledby="rate-title">
        <h2 id="rate-title">
          Hit rate, last minute{' '}
          <span class="figure">{all > 0 ? `${Math.round((100 * hits) / all)} % of ${all}` : ''}</span>
        </h2>
        <div
          ref={rate}
          class="plot"
          role="img"
          aria-label={`hit rate of the last minute: ${hits} of ${all} look-ups`}
        />
      </section>
      <section aria-labelledby="times-title">
        <h2 id="times-title">Time by source</h2>
        <div
          ref={times}
          class="plot"
          role="img"
          aria-label="time of each look-up in the last minute, by source, log scale"
        />
      </section>
      <MapPanel session={session} theme={theme} tools={tools} />
    </div>
  )
}
