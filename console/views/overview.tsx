// The first screen: how the daemon does. Tiers, texts a second, times by source, what computes, what happened last.

import { MARKS } from '../../look/marks.js'
import { LETTERS, SOURCES } from '../../look/sources.js'
import { bytes, count, duration, plural } from '../../src/format.js'
import type { DaemonStats } from '../../src/server/api.js'
import { WINDOW_MS } from '../history.js'
import { age, NAMES, percent } from '../words.js'
import { News } from './news.js'
import { Loading, Panel } from './parts.js'
import { Picture } from './picture.js'
import type { ScreenProps } from './screen.js'
import { ServerPanel } from './server-panel.js'
import { Tiers } from './tiers.js'
import { WorthPanel } from './worth.js'

const SECONDS = WINDOW_MS / 1000

export function OverviewScreen(props: ScreenProps) {
  const { session } = props
  const stats = session.stats.value
  if (!stats) return <Loading what="the daemon's numbers" rows={16} />
  return (
    <>
      <Figures stats={stats} />
      <Tiers stats={stats} />
      <Pictures {...props} />
      <WorthPanel stats={stats} />
      <div class="pair">
        <ServerPanel stats={stats} />
        <News session={session} />
      </div>
    </>
  )
}

/** The few numbers that one looks at first. */
function Figures({ stats }: { readonly stats: DaemonStats }) {
  const { rows, savedSeconds } = stats
  const all = Object.values(rows).reduce((sum, one) => sum + one, 0)
  const figures = [
    ['hit rate', all > 0 ? percent((all - rows.computed) / all) : '-', `of ${plural(all, 'text', 'texts')}`],
    ['texts a second', stats.rowsPerSecond > 0 ? rate(stats.rowsPerSecond) : '0', 'over the last ten seconds'],
    ['computing saved', savedSeconds > 0 ? duration(1000 * savedSeconds) : '-', 'by answers from a cache'],
    ['up for', age(stats.now - stats.started), `${bytes(stats.rss)} of memory`],
  ] as const
  return (
    <ul class="figures" aria-label="At a glance">
      {figures.map(([name, value, note]) => (
        <li key={name}>
          <span class="name">{name}</span>
          <strong class="value">{value}</strong>
          <span class="quiet">{note}</span>
        </li>
      ))}
    </ul>
  )
}

function Pictures({ session, theme }: ScreenProps) {
  session.drawn.value
  const { rates, dots } = session.history
  const latest = rates.at(-1)?.perSecond ?? 0
  const live = session.refresh.value === 'live'
  return (
    <div class="pair">
      <Panel id="rate" title="Texts a second" figure="last two minutes">
        <Picture
          session={session}
          theme={theme}
          seconds={SECONDS}
          label={`texts a second over the last two minutes; ${rate(latest)} now`}
          make={(plots, place) =>
            plots.areaPlot(place, 'texts a second', (_plot, _min, max) => [0, max > 0 ? 1.1 * max : 1])
          }
          data={(_plots, now) => [rates.map(one => (one.at - now) / 1000), rates.map(one => one.perSecond)]}
          empty={rates.length < 2 ? 'Drawn while this page is open: a moment.' : undefined}
        />
      </Panel>
      <Panel id="times" title="Time by source" figure={`${plural(dots.length, 'look-up', 'look-ups')} as they came`}>
        <Picture
          session={session}
          theme={theme}
          seconds={SECONDS}
          label="time of single look-ups in the last two minutes, by source, log scale"
          make={(plots, place) => plots.timesPlot(place, 'time of a text, log scale', NAMES)}
          data={(plots, now) => plots.timesData(dots, now, SECONDS)}
          empty={
            dots.length > 0
              ? undefined
              : live
                ? 'No look-up was told to this page in the last two minutes.'
                : 'Single look-ups are told to a page that is live: see Refresh.'
          }
        />
        <Legend />
      </Panel>
    </div>
  )
}

/** What the shapes mean, in the letters of the chips. */
function Legend() {
  return (
    <ul class="legend" aria-label="Sources in the picture above">
      {SOURCES.map(source => (
        <li key={source} data-source={source}>
          <svg class="mark" viewBox="-1.4 -1.4 2.8 2.8" aria-hidden="true">
            <path d={MARKS[source]} />
          </svg>
          <span class="chip" aria-hidden="true">
            {LETTERS[source]}
          </span>
          {NAMES[source]}
        </li>
      ))}
    </ul>
  )
}

/** Two significant digits. */
function rate(value: number): string {
  const rounded = Number(value.toPrecision(2))
  return rounded < 10 ? String(rounded) : count(rounded)
}
