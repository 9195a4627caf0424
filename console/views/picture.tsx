// A time series on the screen: drawn when its code has come, again when something happened or the colours changed, as large as its place.
import { useSignal, useSignalEffect } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import type uPlot from 'uplot'
import type { PlotPlace } from '../../look/plots.js'
import type { ScreenProps } from './screen.js'

export type Plots = typeof import('../../look/plots.js')

export interface PictureProps extends Pick<ScreenProps, 'session' | 'theme'> {
  /** For who does not see it. */
  readonly label: string
  readonly seconds: number
  readonly make: (plots: Plots, place: PlotPlace) => uPlot
  /** `now` is the daemon's, Unix ms. */
  readonly data: (plots: Plots, now: number) => uPlot.AlignedData
  /** What is said over it while it has nothing to show. */
  readonly empty: string | undefined
}

/** It moves on while nothing happens, too. */
const TICK_MS = 1_000
const RETRY_MS = 2_000

export function Picture({ session, theme, label, seconds, make, data, empty }: PictureProps) {
  const at = useRef<HTMLDivElement>(null)
  const plots = useSignal<Plots | undefined>(undefined)
  const plot = useRef<uPlot | undefined>(undefined)
  const clock = useSignal(0)

  useEffect(() => {
    let gone = false
    const load = () => {
      if (gone) return
      import('../../look/plots.js').then(
        loaded => {
          if (!gone) plots.value = loaded
        },
        // The server is away just now, which the page says elsewhere.
        () => setTimeout(load, RETRY_MS),
      )
    }
    load()
    const timer = setInterval(() => {
      if (!document.hidden && session.refresh.peek() !== 'off') clock.value++
    }, TICK_MS)
    const observer = new ResizeObserver(() => {
      if (plot.current && at.current) plots.peek()?.resize(plot.current, at.current)
    })
    observer.observe(at.current!)
    return () => {
      gone = true
      clearInterval(timer)
      observer.disconnect()
      plot.current?.destroy()
      plot.current = undefined
    }
  }, [])
  useSignalEffect(() => {
    const loaded = plots.value
    if (!loaded) return
    // uPlot reads colours once: after a change of theme it is made anew.
    theme.changes.value
    plot.current?.destroy()
    plot.current = make(loaded, { at: at.current!, color: token => theme.color(token), seconds })
    plot.current.setData(data(loaded, session.now()))
  })
  useSignalEffect(() => {
    session.drawn.value
    clock.value
    const loaded = plots.value
    if (loaded) plot.current?.setData(data(loaded, session.now()))
  })
  return (
    <div class="plane">
      <div ref={at} class="plot" role="img" aria-label={label} />
      {empty !== undefined && <p class="empty">{empty}</p>}
    </div>
  )
}
