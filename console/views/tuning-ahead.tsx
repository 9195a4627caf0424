// What is fetched before anybody asks, and of what use it was.

import { count } from '../../src/format.js'
import type { PredictorState } from '../../src/tuning/report.js'
import { PREDICTOR_NAMES, predictorWords } from '../tuning-words.js'
import { micros, rateOf } from '../words.js'
import { Empty, Panel } from './parts.js'
import { Table } from './table.js'

export function AheadPanel({ predictors }: { readonly predictors: readonly PredictorState[] }) {
  return (
    <Panel id="ahead" title="Fetched ahead">
      {predictors.length > 0 && (
        <Table<PredictorState>
          caption="What fetches ahead, and of what use it was"
          rows={predictors}
          keyOf={({ name, cache }) => `${name} ${cache}`}
          columns={[
            { name: 'what', cell: ({ name }) => PREDICTOR_NAMES[name] ?? name },
            { name: 'cache', cell: ({ cache }) => <span class="whole">{cache}</span> },
            { name: 'state', cell: one => <span class={one.state}>{predictorWords(one)}</span> },
            {
              name: 'useful',
              right: true,
              cell: ({ useful, useless, late }) => rateOf(useful, useful + useless + late),
            },
            { name: 'useless', right: true, cell: ({ useless }) => count(useless) },
            { name: 'late', right: true, cell: ({ late }) => count(late) },
            { name: 'waiting', right: true, cell: ({ waiting }) => count(waiting) },
            { name: 'time spent', right: true, cell: one => (one.micros > 0 ? micros(one.micros) : '-') },
          ]}
        />
      )}
      {predictors.every(({ name }) => name === 'read-ahead') && (
        <Empty>
          {predictors.length > 0 ? 'Nothing else is fetched ahead.' : 'Nothing is fetched ahead.'}{' '}
          OPDBUS_PREDICT=conservative asks plugins anew before an answer that is asked for often runs out; eager also
          fetches what usually follows.
        </Empty>
      )}
    </Panel>
  )
}
