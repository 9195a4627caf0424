// What differs, by plugin and resource, with old and new values; and what became of an apply.
import { useSignal } from '@preact/signals'
import { useMemo } from 'preact/hooks'
import { count, oneLine, plural, visibleJson } from '../../src/format.js'
import type { Source } from '../../src/ports.js'
import type { ApplyReport } from '../../src/server/api.js'
import { MARKS, outcomesText, SIGNS, type Sign } from '../../src/state/diff-words.js'
import { resourceKey } from '../../src/state/resources.js'
import type { PluginDiff, PluginTrouble } from '../../src/state.js'
import { type ChangeRow, type DiffRow, diffGroups, firstRows } from '../diff-rows.js'
import { hrefOf } from '../router.js'
import { Chip } from './parts.js'
import { Said, sentence } from './said.js'

/** Rows at first, and more at a press. */
const FIRST = 50
const MORE = 200
/** Of one value. */
const MOST_VALUE = 400
const WORDS: Readonly<Record<Sign, string>> = { '+': 'create', '~': 'modify', '-': 'delete' }

interface DiffProps {
  readonly diffs: readonly PluginDiff[]
  /** Where each state came from that was compared. */
  readonly from?: Readonly<Record<string, Source>>
}

export function Diff({ diffs, from }: DiffProps) {
  const most = useSignal(FIRST)
  const all = useMemo(() => diffGroups(diffs, from), [diffs, from])
  const { groups, left } = firstRows(all, most.value)
  return (
    <div class="diff">
      {groups.map(group => (
        <div key={group.plugin} class="diff-plugin">
          <h3>
            <Said text={group.plugin} /> {group.from && <Chip source={group.from} />}
            <span class="figure">
              {group.rows.length === 0 ? 'nothing differs' : ''}
              {group.rows.length === 0 && group.same > 0 && ', '}
              {group.same > 0 && `${count(group.same)} already so`}
            </span>
          </h3>
          <ul>
            {group.rows.map(row => (
              <Resource key={row.name} row={row} />
            ))}
          </ul>
        </div>
      ))}
      {left > 0 && (
        <button
          type="button"
          onClick={() => {
            most.value += MORE
          }}
        >
          Show {count(Math.min(left, MORE))} more of {plural(left, 'resource', 'resources')}
        </button>
      )}
    </div>
  )
}

function Resource({ row }: { readonly row: DiffRow }) {
  return (
    <li data-sign={row.sign}>
      <p class="resource">
        <SignOf sign={row.sign} /> <Said text={row.name} most={100} mono />
      </p>
      {row.changes.length > 0 && (
        <dl class="changes">
          {row.changes.slice(0, 100).map(change => (
            <Change key={change.path} change={change} />
          ))}
        </dl>
      )}
      {row.changes.length > 100 && <p class="quiet">and {count(row.changes.length - 100)} more fields</p>}
      {row.taken.length > 0 && (
        <p class="taken">
          goes with it: <Said text={row.taken.slice(0, 20).join(', ')} most={500} mono />
          {row.taken.length > 20 && ` and ${count(row.taken.length - 20)} more`}
        </p>
      )}
      {row.refused !== undefined && <p class="bad">Refused: {sentence(row.refused)}</p>}
    </li>
  )
}

function SignOf({ sign }: { readonly sign: Sign }) {
  return (
    <>
      <span class="sign" aria-hidden="true">
        {sign}
      </span>
      <span class="unseen">{WORDS[sign]} </span>
    </>
  )
}

function Change({ change: { sign, path, old, now } }: { readonly change: ChangeRow }) {
  return (
    <div data-sign={sign}>
      <dt class="mono">
        <span class="sign" aria-hidden="true">
          {sign}
        </span>{' '}
        <Said text={path} most={80} />
      </dt>
      <dd class="mono">
        {old !== undefined && (
          <del>
            <span class="unseen">was </span>
            <bdi>{shortened(old)}</bdi>
          </del>
        )}
        {old !== undefined && now !== undefined && <span aria-hidden="true"> → </span>}
        {now !== undefined && (
          <ins>
            <span class="unseen">becomes </span>
            <bdi>{shortened(now)}</bdi>
          </ins>
        )}
      </dd>
    </div>
  )
}

const shortened = (json: string) => oneLine(visibleJson(json.slice(0, 4 * MOST_VALUE)), MOST_VALUE).toWellFormed()

/** Plugins that did not answer. */
export function TroubleOf({ trouble }: { readonly trouble: Readonly<Record<string, PluginTrouble>> }) {
  const all = Object.entries(trouble)
  if (all.length === 0) return null
  return (
    <ul class="trouble">
      {all.map(([plugin, { kind, message }]) => (
        <li key={plugin} class="bad">
          <Said text={plugin} /> {kind === 'unavailable' ? 'is not available here' : 'failed'}: {sentence(message)}
        </li>
      ))}
    </ul>
  )
}

/** Outcomes at once. */
const MOST_OUTCOMES = 500

export function Outcomes({ report }: { readonly report: ApplyReport }) {
  const { outcomes, checkpoint, blocks = [], unremembered } = report
  return (
    <div class="outcomes">
      <p>
        <strong>{report.success ? 'Done.' : 'Not all was done.'}</strong> {outcomesText(report)}.
      </p>
      <TroubleOf trouble={report.trouble} />
      {unremembered !== undefined && <p class="bad">The chain does not remember it: {sentence(unremembered)}</p>}
      <ul class="outcome-rows">
        {outcomes.slice(0, MOST_OUTCOMES).map(({ plugin, resource, action, status, message }) => (
          <li key={`${plugin} ${resourceKey(resource)}`} data-status={status}>
            <span class="mark" aria-hidden="true">
              {MARKS[status]}
            </span>
            <span class="status">{status}</span>
            <span>
              <SignOf sign={SIGNS[action]} /> <Said text={`${plugin} ${resourceKey(resource)}`} mono />
              {message !== undefined && <small class="quiet"> {sentence(message)}</small>}
            </span>
          </li>
        ))}
      </ul>
      {outcomes.length > MOST_OUTCOMES && <p class="quiet">and {count(outcomes.length - MOST_OUTCOMES)} more</p>}
      <p class="quiet">
        {checkpoint !== undefined && `As it was before is checkpoint ${checkpoint}. `}
        {blocks.length > 0 && 'Remembered in '}
        {blocks.map((number, i) => (
          <span key={number}>
            {i > 0 && ', '}
            <a href={hrefOf('blocks', String(number))}>block {number}</a>
          </span>
        ))}
      </p>
    </div>
  )
}
