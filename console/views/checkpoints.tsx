// What was there before each apply, and the ways back to it.
import { count, plural } from '../../src/format.js'
import type { CheckpointInfo } from '../../src/server/api.js'
import type { Changing } from '../changing.js'
import type { Session } from '../state.js'
import { useLoaded } from '../use-loaded.js'
import { age } from '../words.js'
import { Empty, Failed, Loading, Panel } from './parts.js'
import { Said } from './said.js'
import { Table } from './table.js'

interface CheckpointsProps {
  readonly session: Session
  readonly changing: Changing
}

/** The newest are shown; the rest is counted. */
const MOST = 200

export function Checkpoints({ session, changing }: CheckpointsProps) {
  const loaded = useLoaded(session, signal => session.client.get('api/checkpoints', { signal }), [], {
    also: session.appended,
  })
  // Their ids sort by time.
  const newest = loaded.value && [...loaded.value].sort((a, b) => (a.id < b.id ? 1 : -1))
  const now = Date.now()
  const busy = changing.plan.busy.value || changing.report.busy.value
  return (
    <Panel id="checkpoints" title="Checkpoints" figure={newest && plural(newest.length, 'checkpoint', 'checkpoints')}>
      {loaded.failure && <Failed failure={loaded.failure} what="The checkpoints" onRetry={loaded.reload} />}
      {newest === undefined ? (
        loaded.loading && <Loading what="checkpoints" />
      ) : newest.length === 0 ? (
        <Empty>None yet. Each apply writes down what it is about to change, before it does.</Empty>
      ) : (
        <Table<CheckpointInfo>
          caption="Checkpoints, newest first"
          rows={newest.slice(0, MOST)}
          keyOf={({ id }) => id}
          columns={[
            { name: 'checkpoint', cell: ({ id }) => <Said text={id} mono /> },
            { name: 'age', cell: ({ created }) => age(now - Date.parse(created)), right: true },
            {
              name: 'plugins',
              cell: ({ damaged, plugins }) =>
                damaged ? (
                  <span class="bad">damaged: it cannot be led back to</span>
                ) : (
                  <Said text={plugins.join(', ')} />
                ),
            },
            { name: 'resources', cell: ({ damaged, resources }) => (damaged ? '-' : count(resources)), right: true },
            {
              name: 'way back',
              cell: ({ id, damaged }) =>
                damaged ? null : (
                  <button type="button" class="small" disabled={busy} onClick={() => void changing.planBack(id)}>
                    Plan the way back<span class="unseen"> to {id}</span>
                  </button>
                ),
            },
          ]}
        />
      )}
      {newest && newest.length > MOST && <p class="quiet">and {count(newest.length - MOST)} older ones</p>}
    </Panel>
  )
}
