// The answers of a look-up: the way lit as far as it went, the vector, the neighbours; and what this page computed beside it.
import { useComputed } from '@preact/signals'
import { useLayoutEffect, useRef } from 'preact/hooks'
import { DEVICE_NAMES } from '../../look/devices.js'
import { drawStrip, heatTable, largest } from '../../look/heat.js'
import { LETTERS } from '../../look/sources.js'
import type { Theme } from '../../look/theme.js'
import { duration, visible } from '../../src/format.js'
import type { Source } from '../../src/public.js'
import type { Lookup } from '../lookup.js'
import type { Session } from '../state.js'
import { offIn, type Visit, wayOf } from '../way.js'
import { micros, NAMES } from '../words.js'
import { Bar, Empty, Facts, Panel } from './parts.js'

const VISITS: Readonly<Record<Visit, string>> = {
  answered: 'answered',
  missed: 'did not have it',
  'by-template': 'asked for its template',
  skipped: '',
  'not-asked': 'not asked',
  off: 'off',
}

interface Props {
  readonly lookup: Lookup
  readonly theme: Theme
}

export function ServerAnswer({ session, lookup, theme }: Props & { readonly session: Session }) {
  const answer = lookup.ofServer.value
  return (
    <div class="pair">
      <Panel id="way" title="Its way" figure={answer && `${micros(answer.report.micros)} in the server`}>
        <Way lookup={lookup} off={offIn(session.stats.value)} />
      </Panel>
      <div class="stack">
        <Panel id="vector" title="Vector" figure={answer?.vector && `${answer.vector.length} dimensions`}>
          {answer?.vector ? <Strip vector={answer.vector} theme={theme} /> : <p class="strip-space" />}
          {answer && <Answered lookup={lookup} />}
        </Panel>
        <Panel id="neighbours" title="Nearest in memory" figure="by cosine">
          <Neighbours lookup={lookup} />
        </Panel>
      </div>
    </div>
  )
}

function Way({ lookup, off }: { readonly lookup: Lookup; readonly off: ReadonlySet<Source> }) {
  const answer = lookup.ofServer.value
  const stations = answer && wayOf(answer.report, off)
  return (
    <>
      <ol class="stations">
        {(['memory', 'disk', 'shared', 'pattern', 'computed'] as const).map((source, i) => {
          const station = stations?.[i]
          const visit = station?.visit
          return (
            <li key={source} class={`station ${visit ?? 'waiting'}`} data-source={source} style={{ '--step': i }}>
              <span class="chip" aria-hidden="true">
                {LETTERS[source]}
              </span>
              <span class="name">{NAMES[source]}</span>
              <span class="number">{station?.micros === undefined ? '' : micros(station.micros)}</span>
              <span class="visit">
                {station?.why ?? (visit ? VISITS[visit] : '')}
                {visit === 'answered' && source === 'computed' && answer?.report.device
                  ? ` by ${DEVICE_NAMES[answer.report.device]}`
                  : ''}
              </span>
            </li>
          )
        })}
      </ol>
      <p class="quiet told">
        {answer === undefined
          ? 'Each text asks the nearest tier first. Look one up to see its way.'
          : answer.report.source === undefined
            ? 'No tier has it, and it was not to be computed.'
            : `${duration(answer.roundTripMs)} from the press to the answer, the network included.`}
      </p>
    </>
  )
}

function Answered({ lookup }: { readonly lookup: Lookup }) {
  const { report } = lookup.ofServer.value!
  if (report.source === undefined) return <Empty>There is none.</Empty>
  const facts: [string, string][] = []
  if (report.tokens) facts.push(['tokens', `${report.tokens}${report.truncated ? ', cut: its end was not seen' : ''}`])
  if (report.device) facts.push(['computed by', DEVICE_NAMES[report.device]])
  if (report.template !== undefined) facts.push(['embedded as', visible(report.template)])
  return <Facts facts={facts} />
}

function Neighbours({ lookup }: { readonly lookup: Lookup }) {
  const answer = lookup.ofServer.value
  const { neighbours = [], vector } = answer?.report ?? {}
  return (
    <ol class="found">
      {neighbours.map(({ text, score }) => (
        <li key={text}>
          <span class="number">{score.toFixed(2)}</span>
          <Bar share={score} />
          <span class="mono" title={visible(text)}>
            {visible(text)}
          </span>
        </li>
      ))}
      {neighbours.length === 0 && (
        <li class="quiet">
          {answer === undefined
            ? 'What lies nearest to it is shown here.'
            : vector === undefined
              ? 'Without a vector there is nothing to compare with: tick “compute”.'
              : 'Memory holds no other text of this model.'}
        </li>
      )}
    </ol>
  )
}

export function PagePanel({ lookup, theme }: Props) {
  const answer = lookup.ofPage.value
  const failure = lookup.pageFailure.value
  return (
    <Panel id="page" title="In this page" figure={answer && `${DEVICE_NAMES[answer.result.device]}`}>
      {failure !== '' && (
        <p class="failed bad" role="alert">
          This page could not compute it: {failure}
        </p>
      )}
      {answer ? <Strip vector={answer.result.vector} theme={theme} /> : <p class="strip-space" />}
      {answer ? (
        <Facts
          facts={[
            [answer.cold ? 'loading and computing' : 'time', duration(answer.ms)],
            ['source', NAMES[answer.result.source]],
            ['dimensions', String(answer.result.vector.length)],
            ...answer.refused.map(
              ({ device, reason }) => [`no ${DEVICE_NAMES[device as keyof typeof DEVICE_NAMES]}`, reason] as const,
            ),
          ]}
        />
      ) : (
        failure === '' && <Empty>{lookup.inPage.fetching.value || 'Not computed yet.'}</Empty>
      )}
      {lookup.inPage.warnings.value.map(warning => (
        <p key={warning} class="quiet">
          {warning}
        </p>
      ))}
    </Panel>
  )
}

export function ComparedPanel({ lookup }: { readonly lookup: Lookup }) {
  const compared = lookup.compared.value
  return (
    <Panel id="compared" title="The two compared">
      {compared === undefined ? (
        <Empty>{lookup.place.value === 'both' ? 'When both have answered.' : 'Choose "both, compared".'}</Empty>
      ) : (
        <>
          <Facts
            facts={[
              ['space', compared.sameSpace === undefined ? 'not known' : compared.sameSpace ? 'the same' : 'another'],
              ['cosine', compared.cosine === undefined ? 'none: their lengths differ' : compared.cosine.toFixed(6)],
            ]}
          />
          <p class="quiet told">{verdict(compared.sameSpace, compared.cosine)}</p>
        </>
      )}
    </Panel>
  )
}

/** Devices round differently; a vector of the same model that is further off than this is not the same. */
const ALIKE = 0.999

function verdict(sameSpace: boolean | undefined, cosine: number | undefined): string {
  if (sameSpace === false || cosine === undefined)
    return 'The page has the built-in model; the server computes with another. Vectors of two models say nothing of each other.'
  return cosine >= ALIKE
    ? 'The same vector but for rounding: one cache may serve both.'
    : 'They differ by more than rounding, which should not be.'
}

function Strip({ vector, theme }: { readonly vector: Float32Array; readonly theme: Theme }) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const table = useComputed(() => {
    theme.changes.value
    return heatTable({ low: theme.rgb('--heat-low'), middle: theme.rgb('--page'), high: theme.rgb('--heat-high') })
  }).value
  useLayoutEffect(() => {
    if (canvas.current) drawStrip(canvas.current, vector, largest(vector), table)
  }, [vector, table])
  return (
    <canvas ref={canvas} class="strip" role="img" aria-label={`vector of ${vector.length} dimensions as colours`} />
  )
}
