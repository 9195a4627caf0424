// Queries: each plugin, whether it serves, how old its cached answer is and how long it is still good, and the state itself as a tree.
import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useEffect } from 'preact/hooks'
import { bytes, duration, plural } from '../../src/format.js'
import type { QueryInfo, QueryReport } from '../../src/server/api.js'
import { resourcesIn } from '../../src/state/resources.js'
import { ageOf } from '../ages.js'
import { useAsked } from '../asked.js'
import { useLoaded } from '../use-loaded.js'
import { age } from '../words.js'
import { Bar, Chip, Empty, Failed, Loading, Panel } from './parts.js'
import { Said, sentence } from './said.js'
import type { ScreenProps } from './screen.js'
import { Tree } from './tree.js'

export function QueriesScreen({ session, router }: ScreenProps) {
  const queries = useLoaded(session, signal => session.client.get('api/queries', { signal }), [], {
    also: session.appended,
  })
  const report = useAsked<QueryReport>()
  const asked = useSignal('')
  const since = useSince(queries.value)
  // `#/queries/net` shows the state of net.
  const chosen = router.route.value.rest
  const ask = async (plugin: string, fresh: boolean) => {
    asked.value = plugin
    const answer = await report.ask(signal =>
      session.client.post('api/query', { plugins: [plugin], ...(fresh && { fresh }) }, { signal, ms: 60_000 }),
    )
    if (answer) session.say(answer.plugins[plugin] ? `${plugin} answered` : `${plugin} did not answer`)
    queries.reload()
    if (chosen !== plugin) router.go('queries', plugin)
  }
  useEffect(() => {
    if (chosen !== '' && asked.peek() !== chosen && queries.value?.some(({ name }) => name === chosen))
      void ask(chosen, false)
  }, [chosen, queries.value === undefined])
  return (
    <>
      <Panel id="plugins" title="Plugins" figure={queries.value && plural(queries.value.length, 'plugin', 'plugins')}>
        <p class="quiet">
          A plugin answers what one part of this system is. Its answer is kept until its time is up, or until the system
          tells that something changed.
        </p>
        {queries.failure && <Failed failure={queries.failure} what="The plugins" onRetry={queries.reload} />}
        {queries.value === undefined ? (
          queries.loading && <Loading what="plugins" />
        ) : queries.value.length === 0 ? (
          <Empty>No plugin is open. Start the daemon with --plugins, or with a plugin of your own.</Empty>
        ) : (
          <ul class="plugins">
            {queries.value.map(one => (
              <Plugin
                key={one.name}
                query={one}
                since={since}
                busy={report.busy.value && asked.value === one.name}
                chosen={chosen === one.name}
                onAsk={fresh => void ask(one.name, fresh)}
              />
            ))}
          </ul>
        )}
      </Panel>
      {chosen !== '' && asked.value === chosen && (
        <StateOf
          plugin={chosen}
          info={queries.value?.find(({ name }) => name === chosen)}
          report={report.value.value}
          busy={report.busy.value}
          failed={
            report.failure.value && (
              <Failed failure={report.failure.value} what={chosen} onRetry={() => void ask(chosen, false)} />
            )
          }
        />
      )}
    </>
  )
}

/** Milliseconds since this value came, told anew each second. */
function useSince(value: unknown): number {
  const came = useSignal(performance.now())
  const now = useSignal(performance.now())
  useEffect(() => {
    came.value = performance.now()
    now.value = came.peek()
    const timer = setInterval(() => {
      now.value = performance.now()
    }, 1000)
    return () => clearInterval(timer)
  }, [value])
  return now.value - came.value
}

interface PluginProps {
  readonly query: QueryInfo
  readonly since: number
  readonly busy: boolean
  readonly chosen: boolean
  readonly onAsk: (fresh: boolean) => void
}

const PUSH: Readonly<Record<QueryInfo['push'], string>> = {
  on: 'changes are pushed',
  off: 'changes are not pushed',
  lost: 'push was lost: it is asked again and again',
}

function Plugin({ query, since, busy, chosen, onAsk }: PluginProps) {
  const { name, version, available, reason, push, capabilities } = query
  const can = (['apply', 'atomic', 'rollback', 'watch'] as const).filter(one => capabilities[one])
  return (
    <li class={chosen ? 'plugin chosen' : 'plugin'} aria-label={name}>
      <div class="plugin-name">
        <strong>
          <Said text={name} />
        </strong>{' '}
        <small class="quiet">
          version <Said text={version} most={20} />, {can.length === 0 ? 'query only' : `can ${can.join(', ')}`}
        </small>
        <p class={push === 'lost' ? 'bad' : 'quiet'}>{PUSH[push]}</p>
        {!available && <p class="bad">Not available: {sentence(reason ?? 'it does not say why')}</p>}
      </div>
      <Cached query={query} since={since} />
      <div class="buttons">
        <button type="button" disabled={busy || !available} onClick={() => onAsk(false)}>
          Show<span class="unseen"> the state of {name}</span>
        </button>
        <button type="button" disabled={busy || !available} onClick={() => onAsk(true)}>
          {busy ? 'asking …' : 'Fresh now'}
          <span class="unseen"> {name}</span>
        </button>
      </div>
    </li>
  )
}

function Cached({ query, since }: Pick<PluginProps, 'query' | 'since'>) {
  const { cached } = query
  const of = ageOf(query, since)
  if (cached === undefined || of === undefined) return <p class="cached quiet">nothing cached</p>
  return (
    <div class="cached" data-source={cached.source}>
      <span>
        <Chip source={cached.source} /> <span class="number">{age(of.ageMs)}</span> old,{' '}
        <span class="number">{bytes(cached.bytes)}</span>
      </span>
      <Bar share={of.share} />
      <small class="quiet">
        {of.leftMs > 0 ? (
          <>
            good for <span class="number">{age(of.leftMs)}</span> of {duration(cached.ttlMs)}
          </>
        ) : (
          'its time is up: the next question asks the system'
        )}
      </small>
    </div>
  )
}

interface StateOfProps {
  readonly plugin: string
  readonly info: QueryInfo | undefined
  readonly report: QueryReport | undefined
  readonly busy: boolean
  readonly failed: ComponentChildren
}

function StateOf({ plugin, info, report, busy, failed }: StateOfProps) {
  const state = report?.plugins[plugin]
  const trouble = report?.trouble[plugin]
  const source = report?.sources[plugin]
  const resources = state && info ? resourcesIn(state, info.resources).length : 0
  return (
    <Panel
      id="state-of"
      title={
        <>
          State of <Said text={plugin} />
        </>
      }
      figure={
        state &&
        source && (
          <>
            {plural(resources, 'resource', 'resources')}, {source === 'computed' ? 'asked now' : 'kept in'}{' '}
            <Chip source={source} named={source !== 'computed'} />
          </>
        )
      }
    >
      {failed}
      {trouble && <p class="failed bad">{sentence(trouble.message)}</p>}
      {state ? (
        <Tree id="state-tree" label={`the state of ${plugin}`} value={state} />
      ) : (
        busy && <Loading what={plugin} rows={6} />
      )}
    </Panel>
  )
}
