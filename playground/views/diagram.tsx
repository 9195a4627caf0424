// The tiers on the way of a look-up, lit along the way of the last one (or of the selected line's).

import { DEVICE_NAMES } from '../../look/devices.js'
import { shortTime } from '../../look/scale.js'
import { LETTERS, SOURCES } from '../../look/sources.js'
import { plural } from '../../src/format.js'
import type { Device, Source } from '../../src/public.js'
import { TIMES_KEPT } from '../board.js'
import { median } from '../history.js'
import { shown } from '../lines.js'
import type { Row, Session } from '../session.js'
import type { Visit } from '../sources.js'
import { storageTrouble } from '../storage.js'

const VISITS: Readonly<Record<Visit, string>> = {
  answered: 'answered',
  missed: 'did not have it',
  'by template': 'asked for its template',
  'not asked': 'not asked',
  off: 'was off',
}

export function Diagram({ session }: { readonly session: Session }) {
  const row = session.rows.value[session.selected.value]
  const { counts, runs } = session
  const off = session.off.value
  const names: Record<Source, string> = {
    memory: 'memory',
    disk: 'IndexedDB',
    shared: 'shared',
    pattern: 'template',
    computed: runs.value ? DEVICE_NAMES[runs.value] : 'compute',
  }
  return (
    <section class="diagram" aria-labelledby="way-title">
      <h2 id="way-title">
        The way of a look-up <span class="figure">answers so far, median of the last {TIMES_KEPT}</span>
      </h2>
      <p class="way-of quiet">
        {row ? (
          <span class="mono">{shown(row.text, 60)}</span>
        ) : (
          'Each text asks the nearest tier first. Embed to see its way.'
        )}
      </p>
      <ol class="stations" key={session.answered.value}>
        {SOURCES.map((source, i) => {
          const visit = row?.way?.[source]
          const hits = counts.value[source] ?? 0
          const typical = median(session.times[source] ?? [])
          const isOff = off.has(source) && visit !== 'answered'
          return (
            <li
              key={source}
              class={`station ${isOff ? 'off' : (visit?.replace(' ', '-') ?? 'waiting')}`}
              data-source={source}
              style={{ '--step': i }}
            >
              <span class="chip" aria-hidden="true">
                {LETTERS[source]}
              </span>
              <span class="name">{names[source]}</span>
              <span class="number">{isOff ? '' : hits === 0 ? '-' : plural(hits, one(source), many(source))}</span>
              <span class="number">{isOff || typical === undefined ? '' : shortTime(typical)}</span>
              <span class="visit">
                {isOff ? whyOff(source, session) : visit ? VISITS[visit] : ''}
                {by(source, row, runs.value)}
              </span>
            </li>
          )
        })}
      </ol>
    </section>
  )
}

/** The device, where it is not the one that the station is named after. */
function by(source: Source, row: Row | undefined, runs: Device | undefined): string {
  const { source: from, device } = row?.answer ?? {}
  return source === 'computed' && from === source && device && runs && device !== runs
    ? ` by ${DEVICE_NAMES[device]}`
    : ''
}

const one = (source: Source) => (source === 'computed' ? 'text' : 'hit')
const many = (source: Source) => (source === 'computed' ? 'texts' : 'hits')

function whyOff(source: Source, session: Session): string {
  if (source === 'shared') return 'off: a page has none'
  if (source === 'pattern') return 'off: see Patterns'
  if (source === 'disk') return `off: ${storageTrouble(session.stats.value)?.word}`
  return 'off: capacity 0'
}
