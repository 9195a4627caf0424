// The advice of `op-dbus cache tune` for one cache after the other: sentences, curves, sizes.
import { useSignal } from '@preact/signals'
import { bytes, count } from '../../src/format.js'
import type { AdviceReport, CacheAdvice, NoAdvice } from '../../src/tuning/report.js'
import { aDay, basisWords, policyName, SAVES, sharedWords } from '../tuning-words.js'
import { percent } from '../words.js'
import { Empty, Facts, Panel } from './parts.js'
import { sentence } from './said.js'
import type { ScreenProps } from './screen.js'
import { Table } from './table.js'
import { Curves } from './tuning-curves.js'

interface AdviceProps extends Pick<ScreenProps, 'theme'> {
  readonly advice: AdviceReport | NoAdvice
  readonly recording: boolean
}

export function AdvicePanel({ advice, recording, theme }: AdviceProps) {
  const chosen = useSignal<string | undefined>(undefined)
  if (!advice.available) {
    return (
      <Panel id="advice" title="Advice">
        <Empty>
          {sentence(advice.reason.replaceAll('`', ''))}{' '}
          {!recording && 'Advice is made from what is asked for: it can be recorded below, too.'}
        </Empty>
      </Panel>
    )
  }
  const { caches } = advice
  const cache = caches.find(one => one.cache === chosen.value) ?? caches[0]
  if (cache === undefined) {
    return (
      <Panel id="advice" title="Advice">
        <Empty>Nothing was asked for while it was recorded.</Empty>
      </Panel>
    )
  }
  return (
    <Panel id="advice" title="Advice" figure={caches.length > 1 ? undefined : cache.cache} class="advice">
      {caches.length > 1 && (
        <fieldset class="chosen">
          <legend class="unseen">Cache</legend>
          {caches.map(one => (
            <label key={one.cache}>
              <input
                type="radio"
                name="advised"
                checked={one === cache}
                onChange={() => {
                  chosen.value = one.cache
                }}
              />
              {one.cache}
            </label>
          ))}
        </fieldset>
      )}
      <ul class="sentences" aria-label={`Advice for ${cache.cache}`}>
        {cache.advice.map(sentence => (
          <li key={sentence}>{sentence}</li>
        ))}
      </ul>
      <p class="quiet">{basisWords(advice, cache)}</p>
      {cache.saves === 'reading' && (
        <p class="quiet">What memory lets go stays on disk: more memory saves reading it, and no computing.</p>
      )}
      <Curves key={cache.cache} cache={cache} theme={theme} />
      <div class="pair">
        <Targets cache={cache} />
        <Compared cache={cache} />
      </div>
    </Panel>
  )
}

type Target = CacheAdvice['targets'][number]

function Targets({ cache: { targets, best } }: { readonly cache: CacheAdvice }) {
  return (
    <section aria-labelledby="sizes-title">
      <h3 id="sizes-title">Sizes, with {policyName(best.policy)}</h3>
      <Table<Target>
        caption="The smallest size for a hit rate"
        rows={targets}
        keyOf={({ hitRate }) => `${hitRate}`}
        columns={[
          { name: 'to answer', cell: ({ hitRate }) => percent(hitRate) },
          {
            name: 'entries',
            right: true,
            cell: ({ capacity }) => (capacity === undefined ? 'no size does' : count(capacity)),
          },
          { name: 'memory', right: true, cell: one => (one.bytes === undefined ? '-' : bytes(one.bytes)) },
        ]}
      />
    </section>
  )
}

function Compared({ cache }: { readonly cache: CacheAdvice }) {
  const { saves, now, best, more, shared } = cache
  // 0 as long as nobody knows what it takes.
  const spared = best.savedRate > 0 ? `, ${percent(best.savedRate)} of ${SAVES[saves]} saved` : ''
  return (
    <section aria-labelledby="compared-title">
      <h3 id="compared-title">Now, and what would be better</h3>
      <Facts
        facts={[
          [
            'as it was traced',
            now === undefined
              ? 'the trace does not say'
              : `${policyName(now.policy)}, ${bytes(now.bytes)} for ${count(now.capacity)} entries: ${percent(now.hitRate)} answered`,
          ],
          ['the best', `${policyName(best.policy)}, ${bytes(best.bytes)}: ${percent(best.hitRate)} answered${spared}`],
          [
            `${bytes(more.bytes)} more`,
            more.savedSeconds > 0 ? `would save ${aDay(more.savedSeconds)} of ${SAVES[saves]}` : 'would save nothing',
          ],
          ...(shared === undefined ? [] : ([['a shared tier', `would save ${sharedWords(shared)}`]] as const)),
        ]}
      />
    </section>
  )
}
