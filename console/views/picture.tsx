// A time series on the screen, which moves on while nothing happens, too.
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type uPlot from 'uplot'
import type { PlotPlace } from '../../look/plots.js'
import { Plot, type Plots } from './plot.js'
import type { ScreenProps } from './screen.js'

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

const TICK_MS = 1_000

export function Picture({ session, theme, label, seconds, make, data, empty }: PictureProps) {
  const clock = useSignal(0)
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden && session.refresh.peek() !== 'off') clock.value++
    }, TICK_MS)
    return () => clearInterval(timer)
  }, [])
  return (
    <Plot
      theme={theme}
      label={label}
      make={(plots, place) => make(plots, { ...place, seconds })}
      data={plots => data(plots, session.now())}
      kind="time"
      drawn={clock.value + session.drawn.value}
      empty={empty}
    />
  )
}
