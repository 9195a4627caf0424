// Emptying caches: first what would go, then the question, then what went.
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { bytes, count } from '../../src/format.js'
import type { ClearCall, ClearReport } from '../../src/server/api.js'
import { useAsked } from '../asked.js'
import { clearTitle, goneText } from '../space-rows.js'
import type { Session } from '../state.js'
import { Confirm } from './dialog.js'
import { Failed, Loading } from './parts.js'
import { Hash } from './said.js'
import { Table } from './table.js'

export interface Wish {
  readonly call: ClearCall
  /** What people call the space. */
  readonly name: string
}

interface ClearingProps {
  readonly session: Session
  readonly wish: Wish
  /** Undefined: nothing was done. */
  readonly onEnd: (words: string | undefined) => void
}

export function Clearing({ session, wish: { call, name }, onEnd }: ClearingProps) {
  const preview = useAsked<ClearReport>()
  const done = useAsked<ClearReport>()
  const shared = useSignal(false)
  const asked = { ...call, ...(shared.value && { shared: true }) }
  useEffect(() => {
    void preview.ask(signal => session.client.post('api/cache/clear', { ...asked, preview: true }, { signal }))
  }, [shared.value])
  const clear = async () => {
    const report = await done.ask(signal => session.client.post('api/cache/clear', asked, { signal, ms: 120_000 }))
    if (!report) return
    const words = `Cleared ${goneText(report)}.`
    session.say(words)
    onEnd(words)
  }
  const report = preview.value.value
  return (
    <Confirm
      id="clearing"
      title={clearTitle(call, name)}
      verb={report ? `Clear ${goneText(report)}` : 'Clear'}
      busy={done.busy.value}
      disabled={report === undefined || preview.busy.value || (isEmpty(report) && !shared.value)}
      onConfirm={() => void clear()}
      onClose={() => {
        if (!done.busy.peek()) onEnd(undefined)
      }}
    >
      {report ? <Gone report={report} /> : preview.busy.value && <Loading what="what would go" />}
      {preview.failure.value && <Failed failure={preview.failure.value} what="What would go is not known" />}
      {done.failure.value && <Failed failure={done.failure.value} what="It was not cleared" />}
      <p class="quiet">What is cleared is computed or asked again when it is wanted; no answer becomes wrong.</p>
      {session.stats.value?.shared && call.space === undefined && (
        <label class="check">
          <input
            type="checkbox"
            checked={shared.value}
            onChange={event => {
              shared.value = event.currentTarget.checked
            }}
          />{' '}
          also what other machines share: they compute it again as well
        </label>
      )}
    </Confirm>
  )
}

type One = ClearReport['gone'][number]

const isEmpty = ({ gone }: ClearReport) => gone.every(({ entries }) => entries === 0)

function Gone({ report }: { readonly report: ClearReport }) {
  const { gone } = report
  if (isEmpty(report)) return <p>There is nothing in it.</p>
  return (
    <Table<One>
      caption="What goes"
      rows={gone}
      keyOf={({ cache, tier, space }) => `${cache} ${tier} ${space ?? ''}`}
      columns={[
        {
          name: 'what goes',
          cell: ({ cache, tier, space }) => (
            <span>
              {cache}, {tier} {space !== undefined && <Hash hash={space} />}
            </span>
          ),
        },
        { name: 'entries', cell: ({ entries }) => (entries === undefined ? '-' : count(entries)), right: true },
        { name: 'bytes', cell: one => (one.bytes === undefined ? '-' : bytes(one.bytes)), right: true },
      ]}
    />
  )
}
