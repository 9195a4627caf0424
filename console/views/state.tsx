// State: a desired state against what is, the plan that leads there, its apply after a question, and the ways back.
import { useRef } from 'preact/hooks'
import { bytes, count } from '../../src/format.js'
import type { Plan } from '../../src/server/api.js'
import { summaryOf } from '../../src/state/diff-words.js'
import { type Changing, changingOf } from '../changing.js'
import { confirmWords, MOST_DESIRED, toDo } from '../diff-rows.js'
import { saveFile } from '../save-file.js'
import type { Session } from '../state.js'
import { useLoaded } from '../use-loaded.js'
import { Checkpoints } from './checkpoints.js'
import { Confirm } from './dialog.js'
import { Diff, Outcomes, TroubleOf } from './diff.js'
import { Failed, Loading, Panel } from './parts.js'
import { Said, When } from './said.js'
import type { ScreenProps } from './screen.js'

export function StateScreen({ session }: ScreenProps) {
  const changing = changingOf(session)
  return (
    <>
      <Wish changing={changing} />
      <Differs changing={changing} />
      <Planned session={session} changing={changing} />
      <Applied changing={changing} />
      <Checkpoints session={session} changing={changing} />
    </>
  )
}

const EXAMPLE = '{ "version": 1, "plugins": { "net": { "interfaces": [{ "name": "ovsbr0", "type": "bridge" }] } } }'

function Wish({ changing }: { readonly changing: Changing }) {
  const file = useRef<HTMLInputElement>(null)
  const take = async (chosen: File | undefined) => {
    if (!chosen) return
    if (chosen.size > MOST_DESIRED)
      changing.problem.value = `${chosen.name.slice(0, 80)} is ${bytes(chosen.size)}; at most ${bytes(MOST_DESIRED)} are read.`
    else {
      changing.text.value = await chosen.text()
      changing.problem.value = ''
    }
  }
  const busy = changing.diff.busy.value || changing.plan.busy.value || changing.report.busy.value
  return (
    <Panel id="desired" title="Desired state" figure={changing.text.value !== '' && bytes(changing.text.value.length)}>
      <form
        class="desired"
        onSubmit={event => {
          event.preventDefault()
          void changing.compare()
        }}
        onDragOver={event => event.preventDefault()}
        onDrop={event => {
          event.preventDefault()
          void take(event.dataTransfer?.files[0])
        }}
      >
        <textarea
          aria-label="Desired state, as JSON"
          rows={10}
          spellcheck={false}
          placeholder={EXAMPLE}
          value={changing.text}
          onInput={event => {
            changing.text.value = event.currentTarget.value
          }}
          onKeyDown={event => {
            if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) void changing.compare()
          }}
        />
        <p class="quiet">
          It is kept in this page alone, and sent when you compare or plan. What is not named in it is left as it is.
        </p>
        {changing.problem.value !== '' && (
          <p class="bad" role="alert">
            {changing.problem}
          </p>
        )}
        <div class="buttons">
          <button type="submit" class="main" disabled={busy}>
            {changing.diff.busy.value ? 'comparing …' : 'Compare'}
          </button>
          <button type="button" disabled={busy} onClick={() => void changing.makePlan()}>
            {changing.plan.busy.value ? 'planning …' : 'Plan'}
          </button>
          <button type="button" onClick={() => file.current?.click()}>
            Take a file …
          </button>
          <input
            ref={file}
            type="file"
            hidden
            accept=".json,application/json"
            aria-label="File with a desired state"
            onChange={event => {
              void take(event.currentTarget.files?.[0])
              event.currentTarget.value = ''
            }}
          />
          <label class="check">
            <input
              type="checkbox"
              checked={changing.fresh}
              onChange={event => {
                changing.fresh.value = event.currentTarget.checked
              }}
            />{' '}
            compare with fresh state
          </label>
          <label class="only">
            only plugins{' '}
            <input
              type="text"
              size={12}
              placeholder="all"
              value={changing.only}
              onInput={event => {
                changing.only.value = event.currentTarget.value
              }}
            />
          </label>
        </div>
      </form>
    </Panel>
  )
}

function Differs({ changing }: { readonly changing: Changing }) {
  const { value, failure, busy } = changing.diff
  const report = value.value
  if (!report && !failure.value && !busy.value) return null
  return (
    <Panel id="differs" title="What differs" figure={report && summaryOf(report.diffs, report.trouble)}>
      {failure.value && <Failed failure={failure.value} what="Not compared" />}
      {!report && busy.value && <Loading what="the comparison" />}
      {report && !failure.value && (
        <>
          <Outdated changing={changing} />
          {report.same && <p>Nothing differs: all that is declared is so.</p>}
          <TroubleOf trouble={report.trouble} />
          <Diff diffs={report.diffs} from={report.stateSources} />
        </>
      )}
    </Panel>
  )
}

function Outdated({ changing }: { readonly changing: Changing }) {
  if (changing.of.value === changing.text.value) return null
  return <p class="quiet">This is of another text than now stands above.</p>
}

function Planned({ session, changing }: { readonly session: Session; readonly changing: Changing }) {
  const { value, failure, busy } = changing.plan
  const plugins = useLoaded(session, signal => session.client.get('api/queries', { signal }), [], { ticks: false })
  const plan = value.value?.plan
  if (!plan && !failure.value && !busy.value) return null
  const work = plan ? toDo(plan) : 0
  return (
    <Panel
      id="plan"
      title="Plan"
      figure={plan && summaryOf(plan.diffs, plan.trouble)}
      actions={
        plan && (
          <>
            <button type="button" onClick={() => changing.discard()}>
              Discard
            </button>
            <button
              type="button"
              onClick={() => saveFile('plan.json', `${JSON.stringify(plan, null, 2)}\n`, 'application/json')}
            >
              Save as a file
            </button>
            <button
              type="button"
              class="main"
              disabled={work === 0 || changing.report.busy.value}
              onClick={() => void changing.ask()}
            >
              Apply …
            </button>
          </>
        )
      }
    >
      {failure.value && <Failed failure={failure.value} what="Not planned" />}
      {!plan && busy.value && <Loading what="the plan" />}
      {plan && !failure.value && (
        <>
          <p class="quiet">
            Made <When ms={Date.parse(plan.created)} /> of fresh state;{' '}
            {'checkpoint' in plan.to ? (
              <>
                leads back to checkpoint <Said text={plan.to.checkpoint} mono />
              </>
            ) : (
              'leads to the desired state'
            )}
            .
          </p>
          {!('checkpoint' in plan.to) && <Outdated changing={changing} />}
          {work === 0 && (
            <p>{isAllSo(plan) ? 'There is nothing to do.' : 'Nothing can be done: each change is refused.'}</p>
          )}
          <TroubleOf trouble={plan.trouble ?? {}} />
          <Diff diffs={plan.diffs} />
        </>
      )}
      {plan && changing.asking.value && (
        <Confirm
          id="apply"
          title={'checkpoint' in plan.to ? 'Roll back' : 'Apply the plan'}
          verb={`Apply ${count(work)} ${work === 1 ? 'change' : 'changes'}`}
          onConfirm={() => void changing.apply()}
          onClose={() => {
            changing.asking.value = false
          }}
        >
          <ul class="sentences">
            {confirmWords(plan, plugins.value ?? []).map(words => (
              <li key={words}>{words}</li>
            ))}
          </ul>
        </Confirm>
      )}
    </Panel>
  )
}

/** Nothing differs that was compared. */
const isAllSo = ({ diffs }: Plan) => diffs.every(({ actions }) => actions.every(({ kind }) => kind === 'none'))

function Applied({ changing }: { readonly changing: Changing }) {
  const { value, failure, busy } = changing.report
  const report = value.value
  if (!report && !failure.value && !busy.value) return null
  return (
    <Panel id="outcomes" title="What became of it">
      {busy.value && (
        <div role="status">
          <p>Working. The daemon goes on with it, whatever becomes of this page.</p>
          <ul class="sentences">
            {changing.steps.value.map(({ plugin, outcomes }, i) => (
              <li key={`${i} ${plugin}`}>
                <Said text={plugin} /> is through:{' '}
                {Object.entries(outcomes)
                  .map(([status, times]) => `${count(times)} ${status}`)
                  .join(', ')}
              </li>
            ))}
          </ul>
        </div>
      )}
      {failure.value && (
        <>
          <Failed failure={failure.value} what="Not applied as planned" />
          {(failure.value.kind !== 'refused' || failure.value.code === 'TIMEOUT') && (
            <p>
              What was done is not known here, and may still go on. Compare again; the newest checkpoint leads back.
            </p>
          )}
        </>
      )}
      {report && <Outcomes report={report} />}
    </Panel>
  )
}
