// The two time series, on uPlot. Knows pixels and colours; what happened comes from the history.
import uPlot from 'uplot'
import { FASTEST_MS, SLOWEST_MS, TIME_MARKS, timeMarkText } from '../look/scale.js'
import { LETTERS, SOURCES } from '../look/sources.js'
import type { Source } from '../src/public.js'
import type { History } from './history.js'
import { shapeOf } from './map-picture.js'
import { NAMES } from './sources.js'

/** Of a mark, in CSS pixels. */
const RADIUS = 4

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
      this.#rate.setSize(sizeOf(rateAt))
      this.#times.setSize(sizeOf(timesAt))
    })
    this.#observer.observe(rateAt)
    this.#observer.observe(timesAt)
  }

  draw(history: History, now: number): void {
    const { seconds, rates } = history.rates(now)
    this.#rate.setData([seconds, rates.map(rate => (rate === null ? null : 100 * rate))])
    const events = history.timed(now)
    const xs = events.map(event => (event.at - now) / 1000)
    // A log axis has no 0: what lies outside sits on the nearest end, whose mark says so.
    const series = SOURCES.map(source =>
      events.map(event => (event.source === source ? Math.min(Math.max(event.ms, FASTEST_MS), SLOWEST_MS) : null)),
    )
    this.#times.setData(events.length > 0 ? [xs, ...series] : [[-60, 0], ...SOURCES.map(() => [null, null])])
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
    const stroke = this.#color('--accent')
    return new uPlot(
      {
        ...this.#common(this.#rateAt),
        scales: { x: { time: false, range: [-60, 0] }, y: { range: [0, 100] } },
        series: [{}, { label: 'hit rate', stroke, width: 2, fill: fade(stroke), points: { show: false } }],
        axes: [this.#axis('seconds ago', (_u, ticks) => ticks.map(tick => `${-tick}`)), this.#axis('% of look-ups')],
      },
      [[], []],
      this.#rateAt,
    )
  }

  #newTimes(): uPlot {
    return new uPlot(
      {
        ...this.#common(this.#timesAt),
        scales: { x: { time: false, range: [-60, 0] }, y: { distr: 3, range: [FASTEST_MS, SLOWEST_MS] } },
        series: [
          {},
          ...SOURCES.map(source => ({
            label: `${LETTERS[source]} ${NAMES[source]}`,
            stroke: this.#color(`--${source}`),
            paths: () => null,
            points: { show: true, width: 0, fill: this.#color(`--${source}`), paths: marksOf(source) },
          })),
        ],
        axes: [
          this.#axis('seconds ago', (_u, ticks) => ticks.map(tick => `${-tick}`)),
          {
            ...this.#axis('time of a text, log scale', (_u, ticks) => ticks.map(timeMarkText)),
            splits: () => [...TIME_MARKS],
          },
        ],
      },
      [[], ...SOURCES.map(() => [])] as unknown as uPlot.AlignedData,
      this.#timesAt,
    )
  }

  #common(at: HTMLElement): { width: number; height: number; legend: uPlot.Legend; cursor: uPlot.Cursor } {
    return { ...sizeOf(at), legend: { show: false }, cursor: { show: false } }
  }

  #axis(label: string, values?: uPlot.Axis.Values): uPlot.Axis {
    const quiet = this.#color('--quiet')
    const line = { stroke: this.#color('--line'), width: 1 }
    const font = '12px system-ui, sans-serif'
    const size = label.startsWith('seconds') ? 28 : 60
    return {
      label,
      labelSize: 20,
      labelFont: font,
      font,
      size,
      stroke: quiet,
      grid: line,
      ticks: { ...line, size: 4 },
      ...(values && { values }),
    }
  }
}

function sizeOf({ clientWidth: width, clientHeight: height }: HTMLElement): { width: number; height: number } {
  return { width, height }
}

/** The shape of a source at each of its times. */
function marksOf(source: Source): uPlot.Series.Points.PathBuilder {
  return (plot, series, from, to) => {
    const fill = new Path2D()
    const shape = shapeOf(source)
    const size = RADIUS * devicePixelRatio
    const [xs, ys] = [plot.data[0], plot.data[series]!]
    for (let i = from; i <= to; i++) {
      const [x, y] = [xs[i], ys[i]]
      if (x == null || y == null) continue
      fill.addPath(shape, { a: size, d: size, e: plot.valToPos(x, 'x', true), f: plot.valToPos(y, 'y', true) })
    }
    return { fill }
  }
}

function fade(color: string): string {
  const [red, green, blue] = color.match(/[\d.]+/g) ?? ['0', '0', '0']
  return `rgba(${red}, ${green}, ${blue}, 0.16)`
}
