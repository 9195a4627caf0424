// Curves over sizes of memory, on uPlot: one line a policy, and where one is now. Knows pixels and colours; what is drawn is given.
import uPlot from 'uplot'
import type { PolicyName } from '../src/cache/eviction.js'
import { bytes, duration } from '../src/format.js'
import { axis, common, type Place } from './plots.js'
import { POLICY_LOOKS, POLICY_TOKENS } from './policies.js'

export interface CurvesLook {
  /** In the order of their series. */
  readonly policies: readonly PolicyName[]
  /** This one is drawn thicker. */
  readonly current: PolicyName | undefined
  /** The size that there is now, bytes. */
  readonly now: number | undefined
  /** Of the axis of values: parts of a whole, or seconds. */
  readonly unit: 'share' | 'seconds'
  readonly label: string
}

/** Sizes in bytes on a log axis; values as {@link CurvesLook.unit} says. */
export function curvesPlot(place: Place, { policies, current, now, unit, label }: CurvesLook): uPlot {
  const say = unit === 'share' ? (value: number) => `${Math.round(100 * value)} %` : secondsText
  return new uPlot(
    {
      ...common(place),
      scales: {
        x: { time: false, distr: 3 },
        y: { range: (_plot, _min, max) => [0, unit === 'share' ? 1 : max > 0 ? 1.05 * max : 1] },
      },
      series: [
        {},
        ...policies.map(policy => ({
          label: POLICY_LOOKS[policy].name,
          stroke: place.color(POLICY_TOKENS[policy]),
          dash: [...POLICY_LOOKS[policy].dash],
          width: policy === current ? 3 : 2,
          // Policies may have been tried at other sizes than one another.
          spanGaps: true,
          points: { show: false },
        })),
      ],
      axes: [
        { ...axis(place, 'memory, log scale', (_plot, ticks) => ticks.map(sizeText)), size: 32 },
        axis(place, label, (_plot, ticks) => ticks.map(say)),
      ],
      hooks: { draw: [plot => now !== undefined && drawNow(plot, place, now)] },
    },
    [[], ...policies.map(() => [])] as unknown as uPlot.AlignedData,
    place.at,
  )
}

const secondsText = (seconds: number) => (seconds === 0 ? '0' : duration(1000 * seconds))

/** Where marks stand too close, uPlot asks for some of them alone: the rest are null. */
const sizeText = (size: number | null) => (size === null ? '' : bytes(size))

/** A line at the present size, with its name; where that lies outside, its name at the end that it is beyond. */
function drawNow(plot: uPlot, { color }: Place, size: number): void {
  const { ctx, bbox } = plot
  const x = plot.valToPos(size, 'x', true)
  if (!Number.isFinite(x)) return
  const end = bbox.left + bbox.width
  const at = Math.min(Math.max(x, bbox.left), end)
  const left = at > bbox.left + bbox.width / 2
  ctx.save()
  ctx.strokeStyle = ctx.fillStyle = color('--text')
  ctx.lineWidth = devicePixelRatio
  ctx.setLineDash([])
  if (at === x) {
    ctx.beginPath()
    ctx.moveTo(x, bbox.top)
    ctx.lineTo(x, bbox.top + bbox.height)
    ctx.stroke()
  }
  ctx.font = `${12 * devicePixelRatio}px system-ui, sans-serif`
  ctx.textAlign = left ? 'right' : 'left'
  const name = at === x ? 'now' : x > end ? `now: ${bytes(size)} \u2192` : `\u2190 now: ${bytes(size)}`
  ctx.fillText(name, at + (left ? -6 : 6) * devicePixelRatio, bbox.top + 14 * devicePixelRatio)
  ctx.restore()
}
