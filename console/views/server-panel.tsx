// The daemon itself: what computes and why nothing better does, the shared tier, what was asked of it.
import { count } from '../../src/format.js'
import type { DaemonStats, SharedInfo } from '../../src/server/api.js'
import { hrefOf } from '../router.js'
import { dateTime } from '../words.js'
import { modelWords, Refused } from './model-words.js'
import { Facts, Panel } from './parts.js'

export function ServerPanel({ stats }: { readonly stats: DaemonStats }) {
  const { requests, models, shared } = stats
  return (
    <Panel id="server" title="Server" figure={<a href={hrefOf('models')}>models</a>}>
      <Facts
        facts={[
          ...models.map(
            model =>
              [
                models.length > 1 ? model.name : 'model',
                <>
                  {modelWords(model, models.length === 1)}
                  <Refused model={model} />
                </>,
              ] as const,
          ),
          ['shared tier', sharedWords(shared)],
          ['requests', `${count(requests.total)}, ${count(requests.inHand)} in hand`],
          ['turned away', turnedAwayWords(requests)],
          [
            'other errors',
            // What was turned away is among the refused.
            `${count(Math.max(0, requests.refused - requests.turnedAway))} refused, ${count(requests.failed)} failed`,
          ],
          ['patterns', patternWords(stats)],
          ['runs since', dateTime(stats.started)],
          ['process', `${stats.pid}, Node ${stats.node.replace(/^v/, '')}`],
          ...(stats.caches.dir === undefined
            ? []
            : ([['cache folder', <span class="mono">{stats.caches.dir}</span>]] as const)),
        ]}
      />
    </Panel>
  )
}

function turnedAwayWords({ turnedAway }: DaemonStats['requests']): string {
  return turnedAway === 0 ? 'none' : `${count(turnedAway)}: there was too much in hand (429)`
}

function sharedWords(shared: SharedInfo | undefined) {
  if (!shared) return 'off: OPDBUS_SHARED_URL names one'
  const { at, state, problem } = shared
  const words = { serving: 'serves', connecting: 'is being connected', 'left-alone': 'is left alone for a moment' }[
    state
  ]
  return (
    <>
      {at} {words}
      {problem !== undefined && <p class="bad">{problem}</p>}
    </>
  )
}

function patternWords({ caches }: DaemonStats): string {
  const { patterns } = caches.embeddings
  if (!patterns || patterns.mode === 'off') return 'off'
  return `${patterns.mode}: ${count(patterns.templates)} templates, ${count(patterns.hits)} texts answered by them`
}
