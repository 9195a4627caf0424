// Time series of the last seconds, on uPlot: an area, and times by source as dots on a log axis. Knows pixels and colours; what happened is
// given.
import uPlot from 'uplot'
import type { Source } from '../src/public.js'
import { FASTEST_MS, SLOWEST_MS, TIME_MARKS, timeMarkText } from './scale.js'
import { shapeOf } from './shape.js'
import { LETTERS, SOURCES } from './sources.js'

/** Where a plot is drawn. */
export interface Place {
  /** The plot fills it, and follows its size where {@link resize} is called. */
  readonly at: HTMLElement
  /** A token of tokens.css as a colour; read once. */
  readonly color: (token: string) => string
}

export interface PlotPlace extends Place {
  /** How far back it goes. */
  readonly seconds: number
}

export interface Timed {
  /** Milliseconds, on the clock of `now`. */
  readonly at: number
  readonly source: Source
  readonly ms: number
}

/** Of a mark, in CSS pixels. */
const RADIUS = 4

/** `label` is the axis's; `range` the least and the most of it. */
export function areaPlot(place: PlotPlace, label: string, range: uPlot.Scale.Range): uPlot {
  const stroke = place.color('--accent')
  return new uPlot(
    {
      ...common(place),
      scales: { x: { time: false, range: [-place.seconds, 0] }, y: { range } },
      series: [{}, { label, stroke, width: 2, fill: fade(stroke), points: { show: false } }],
      axes: [secondsAxis(place), axis(place, label)],
    },
    [[], []],
    place.at,
  )
}

/** `label` is the axis's; `names` are what the sources are called. */
export function timesPlot(place: PlotPlace, label: string, names: Readonly<Record<Source, string>>): uPlot {
  return new uPlot(
    {
      ...common(place),
      scales: { x: { time: false, range: [-place.seconds, 0] }, y: { distr: 3, range: [FASTEST_MS, SLOWEST_MS] } },
      series: [
        {},
        ...SOURCES.map(source => ({
          label: `${LETTERS[source]} ${names[source]}`,
          stroke: place.color(`--${source}`),
          paths: () => null,
          points: { show: true, width: 0, fill: place.color(`--${source}`), paths: marksOf(source) },
        })),
      ],
      axes: [
        secondsAxis(place),
        { ...axis(place, label, (_u, ticks) => ticks.map(markText)), splits: () => [...TIME_MARKS] },
      ],
    },
    [[], ...SOURCES.map(() => [])] as unknown as uPlot.AlignedData,
    place.at,
  )
}

/** Events, oldest first, as a {@link timesPlot} takes them. */
export function timesData(events: readonly Timed[], now: number, seconds: number): uPlot.AlignedData {
  if (events.length === 0) return [[-seconds, 0], ...SOURCES.map(() => [null, null])]
  // A log axis has no 0: what lies outside sits on the nearest end, whose mark says so.
  const series = SOURCES.map(source =>
    events.map(event => (event.source === source ? Math.min(Math.max(event.ms, FASTEST_MS), SLOWEST_MS) : null)),
  )
  return [events.map(({ at }) => (at - now) / 1000), ...series]
}

/** As large as its place is now. */
export function resize(plot: uPlot, at: HTMLElement): void {
  plot.setSize(sizeOf(at))
}

/** What all plots have: no legend and no cursor of uPlot's own. */
export function common({ at }: Place): { width: number; height: number; legend: uPlot.Legend; cursor: uPlot.Cursor } {
  return { ...sizeOf(at), legend: { show: false }, cursor: { show: false } }
}

function secondsAxis(place: PlotPlace): uPlot.Axis {
  return { ...axis(place, 'seconds ago', (_u, ticks) => ticks.map(tick => `${-tick}`)), size: 28 }
}

export function axis({ color }: Place, label: string, values?: uPlot.Axis.Values): uPlot.Axis {
  const line = { stroke: color('--line'), width: 1 }
  const font = '12px system-ui, sans-serif'
  return {
    label,
    labelSize: 20,
    labelFont: font,
    font,
    size: 60,
    stroke: color('--quiet'),
    grid: line,
    ticks: { ...line, size: 4 },
    ...(values && { values }),
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

/** Where marks stand too close, uPlot asks for every other one alone: the rest are null. */
function markText(ms: number | null): string {
  return ms === null ? '' : timeMarkText(ms)
}

function fade(color: string): string {
  const [red, green, blue] = color.match(/[\d.]+/g) ?? ['0', '0', '0']
  return `rgba(${red}, ${green}, ${blue}, 0.16)`
}
