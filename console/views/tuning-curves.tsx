// Miss-ratio and saved-time curves of one cache: a line a policy, each to be shown or not; the same as a table.
import { useSignal } from '@preact/signals'
import { POLICY_LOOKS, POLICY_TOKENS } from '../../look/policies.js'
import type { PolicyName } from '../../src/cache/eviction.js'
import { bytes, count, duration } from '../../src/format.js'
import type { CacheAdvice } from '../../src/tuning/report.js'
import { type CurveRow, curveRows, MEASURES, type Measure, plotData, policiesOf } from '../curve-rows.js'
import { policyName, SAVES } from '../tuning-words.js'
import { percent } from '../words.js'
import { Plot } from './plot.js'
import type { ScreenProps } from './screen.js'
import { Table } from './table.js'

function measureName(measure: Measure, { saves }: CacheAdvice): string {
  return measure === 'misses' ? 'not answered from memory' : `${SAVES[saves]} saved a day`
}

interface CurvesProps extends Pick<ScreenProps, 'theme'> {
  readonly cache: CacheAdvice
}

export function Curves({ cache, theme }: CurvesProps) {
  const measure = useSignal<Measure>('misses')
  const hidden = useSignal<ReadonlySet<PolicyName>>(new Set())
  const { now, best } = cache
  const all = policiesOf(cache)
  const shown = all.filter(policy => !hidden.value.has(policy))
  const toggle = (policy: PolicyName) => {
    const next = new Set(hidden.peek())
    if (!next.delete(policy)) next.add(policy)
    hidden.value = next
  }
  const look = {
    policies: shown,
    current: now?.policy,
    now: now?.bytes,
    unit: measure.value === 'misses' ? 'share' : 'seconds',
    label: measureName(measure.value, cache),
  } as const
  return (
    <section aria-labelledby="curves-title" class="curves">
      <h3 id="curves-title">What a size is good for</h3>
      <div class="choices">
        <fieldset>
          <legend class="unseen">What is drawn</legend>
          {MEASURES.map(one => (
            <label key={one}>
              <input
                type="radio"
                name="measure"
                checked={measure.value === one}
                onChange={() => {
                  measure.value = one
                }}
              />
              {measureName(one, cache)}
            </label>
          ))}
        </fieldset>
        <fieldset>
          <legend class="unseen">Policies</legend>
          {all.map(policy => (
            <label key={policy}>
              <input type="checkbox" checked={!hidden.value.has(policy)} onChange={() => toggle(policy)} />
              <Line policy={policy} thick={policy === now?.policy} />
              {POLICY_LOOKS[policy].name}
              {policy === now?.policy && <span class="quiet">now</span>}
              {policy === best.policy && <span class="quiet">best</span>}
            </label>
          ))}
        </fieldset>
      </div>
      <Plot
        theme={theme}
        label={`${look.label} by size of memory, for ${shown.map(policyName).join(', ') || 'no policy'}; the same as a table below`}
        kind={JSON.stringify(look)}
        drawn={cache}
        make={(plots, place) => plots.curvesPlot(place, look)}
        data={() => plotData(cache, shown, measure.peek()) as never}
        empty={shown.length > 0 ? undefined : 'No policy is chosen.'}
      />
      <details>
        <summary>The same as a table</summary>
        <CurveTable cache={cache} policies={all} measure={measure.value} />
      </details>
    </section>
  )
}

/** The line of a policy, as it is drawn. */
function Line({ policy, thick }: { readonly policy: PolicyName; readonly thick: boolean }) {
  const { dash } = POLICY_LOOKS[policy]
  const token = POLICY_TOKENS[policy]
  return (
    <svg class="line" viewBox="0 0 28 8" aria-hidden="true">
      <path
        d="M0 4H28"
        style={{ stroke: `var(${token})`, strokeWidth: thick ? 3 : 2, strokeDasharray: dash.join(' ') }}
      />
    </svg>
  )
}

interface CurveTableProps {
  readonly cache: CacheAdvice
  readonly policies: readonly PolicyName[]
  readonly measure: Measure
}

function CurveTable({ cache, policies, measure }: CurveTableProps) {
  const say = (value: number | undefined) =>
    value === undefined ? '' : measure === 'misses' ? percent(value) : duration(1000 * value)
  return (
    <Table<CurveRow>
      caption={`${measureName(measure, cache)}, by size and policy`}
      rows={curveRows(cache, measure)}
      keyOf={row => `${row.bytes}`}
      columns={[
        { name: 'memory', cell: row => bytes(row.bytes) },
        { name: 'entries', right: true, cell: row => count(row.capacity) },
        ...policies.map(policy => ({
          name: POLICY_LOOKS[policy].name,
          right: true,
          cell: (row: CurveRow) => say(row.values[policy]),
        })),
      ]}
    />
  )
}
