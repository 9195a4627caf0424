// Something drawn on the screen: when its code has come, again when what it shows or the colours changed, as large as its place.
import { useSignal, useSignalEffect } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import type uPlot from 'uplot'
import type { Place } from '../../look/plots.js'
import type { ScreenProps } from './screen.js'

export type Plots = typeof import('../plots.js')

export interface PlotProps extends Pick<ScreenProps, 'theme'> {
  /** For who does not see it. */
  readonly label: string
  readonly make: (plots: Plots, place: Place) => uPlot
  readonly data: (plots: Plots) => uPlot.AlignedData
  /** What `make` depends on: another plot is made when it changes. */
  readonly kind: string
  /** What `data` depends on. */
  readonly drawn: unknown
  /** What is said over it while it has nothing to show. */
  readonly empty: string | undefined
}

const RETRY_MS = 2_000

export function Plot({ theme, label, make, data, kind, drawn, empty }: PlotProps) {
  const at = useRef<HTMLDivElement>(null)
  const plots = useSignal<Plots | undefined>(undefined)
  const plot = useRef<uPlot | undefined>(undefined)
  const latest = useRef({ make, data })
  latest.current = { make, data }
  const kinds = useSignal(kind)
  kinds.value = kind

  useEffect(() => {
    let gone = false
    const load = () => {
      if (gone) return
      import('../plots.js').then(
        loaded => {
          if (!gone) plots.value = loaded
        },
        // The server is away just now, which the page says elsewhere.
        () => setTimeout(load, RETRY_MS),
      )
    }
    load()
    const observer = new ResizeObserver(() => {
      if (plot.current && at.current) plots.peek()?.resize(plot.current, at.current)
    })
    observer.observe(at.current!)
    return () => {
      gone = true
      observer.disconnect()
      plot.current?.destroy()
      plot.current = undefined
    }
  }, [])
  useSignalEffect(() => {
    const loaded = plots.value
    kinds.value
    // uPlot reads colours once: after a change of theme it is made anew.
    theme.changes.value
    if (!loaded) return
    plot.current?.destroy()
    plot.current = latest.current.make(loaded, { at: at.current!, color: token => theme.color(token) })
    plot.current.setData(latest.current.data(loaded))
  })
  useEffect(() => {
    const loaded = plots.peek()
    if (loaded) plot.current?.setData(latest.current.data(loaded))
  }, [drawn])
  return (
    <div class="plane">
      <div ref={at} class="plot" role="img" aria-label={label} />
      {empty !== undefined && <p class="empty">{empty}</p>}
    </div>
  )
}
