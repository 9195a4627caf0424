// The page's two time series. Knows where they stand; what happened comes from the history.
import type uPlot from 'uplot'
import { areaPlot, resize, timesData, timesPlot } from '../look/plots.js'
import type { History } from './history.js'
import { NAMES } from './sources.js'

const SECONDS = 60

export class Plots {
  #rate: uPlot
  #times: uPlot
  readonly #observer: ResizeObserver
  readonly #rateAt: HTMLElement
  readonly #timesAt: HTMLElement
  readonly #color: (token: string) => string

  constructor(rateAt: HTMLElement, timesAt: HTMLElement, color: (token: string) => string) {
    this.#rateAt = rateAt
    this.#timesAt = timesAt
    this.#color = color
    this.#rate = this.#newRate()
    this.#times = this.#newTimes()
    this.#observer = new ResizeObserver(() => {
      resize(this.#rate, rateAt)
      resize(this.#times, timesAt)
    })
    this.#observer.observe(rateAt)
    this.#observer.observe(timesAt)
  }

  draw(history: History, now: number): void {
    const { seconds, rates } = history.rates(now)
    this.#rate.setData([seconds, rates.map(rate => (rate === null ? null : 100 * rate))])
    this.#times.setData(timesData(history.timed(now), now, SECONDS))
  }

  /** uPlot reads colours once: after a change of theme both are made anew. */
  recolour(history: History, now: number): void {
    this.#rate.destroy()
    this.#times.destroy()
    this.#rate = this.#newRate()
    this.#times = this.#newTimes()
    this.draw(history, now)
  }

  close(): void {
    this.#observer.disconnect()
    this.#rate.destroy()
    this.#times.destroy()
  }

  #newRate(): uPlot {
    return areaPlot({ at: this.#rateAt, color: this.#color, seconds: SECONDS }, '% of look-ups', [0, 100])
  }

  #newTimes(): uPlot {
    return timesPlot({ at: this.#timesAt, color: this.#color, seconds: SECONDS }, 'time of a text, log scale', NAMES)
  }
}
