// What `/metrics` says: Prometheus' own tool finds nothing to complain of, the numbers are those of the meters, and nothing is told that may not be.
import { spawnSync } from 'node:child_process'
import { afterAll, describe, expect, it } from 'vitest'
import { Diagnostics } from '../../src/diagnostics.js'
import type { ModelInfo } from '../../src/server/api.js'
import type { ServerContext } from '../../src/server/context.js'
import { Registry } from '../../src/server/http.js'
import { createMeters } from '../../src/server/meters.js'
import { FAMILIES } from '../../src/server/metric-families.js'
import { exposition } from '../../src/server/prometheus.js'
import { onPath } from '../programs.js'
import { missing, startServer, stopAll } from '../stores/redis/servers.js'
import { until } from '../waiting.js'
import { ask, startDaemon } from './daemon.js'

const METRIC_NAMES = FAMILIES.map(({ name }) => name)
const promtool = onPath('promtool')
const tier = {
  hits: 3,
  misses: 1,
  evictions: 0,
  size: 2,
  capacity: 10,
  bytes: 800,
  capacityBytes: Infinity,
  hitRate: 0.75,
  utilization: 0.2,
}
const store = { ...tier, skipped: 1, damaged: 0, dropped: 0 }
const saved = { computeSeconds: 1.5, diskSeconds: 0.25, spentSeconds: 0.125 }
const worth = { ...saved, memoryBytes: 1234, diskBytes: 5678 }
const cache = { memory: tier, disk: store, shared: store, hits: 3, misses: 1, hitRate: 0.75, worth }
const lifetime = { hits: 3, misses: 1, evictions: 0, hitRate: 0.75, ...saved }
const model: ModelInfo = {
  name: 'a "model"\nof two lines',
  state: 'ready',
  device: 'cpu',
  workers: 1,
  refused: [{ device: 'cuda', reason: 'a reason that is not told', kind: 'failed' }],
  cache: {
    ...cache,
    shared: { ...store, status: { at: 'redis.example', state: 'left-alone', problem: 'it is gone' } },
    lifetime,
  },
}

const policies = { embeddings: 'cost-s3-fifo', queries: 'lru', diffs: 'lru', blocks: 'lru' }
const tuning = {
  policies,
  auto: { on: true, shares: { embeddings: { bytes: 1234, policy: 'cost-s3-fifo' } } },
}

/** What tuning did. */
function tell(diagnostics: Diagnostics): void {
  const change = { cache: 'embeddings', from: '1', to: '2', why: 'it paid' } as const
  diagnostics.tuned.tell({ ...change, what: 'capacity', undone: false })
  diagnostics.tuned.tell({ ...change, what: 'capacity', undone: true })
  const ahead = { cache: 'queries', predictor: 'refresh-ahead', micros: 250_000 } as const
  for (const outcome of ['useful', 'useful', 'late'] as const) diagnostics.prefetched.tell({ ...ahead, outcome })
  diagnostics.warmed.tell({ cache: 'embeddings', entries: 42, bytes: 1, micros: 1, gone: 0 })
}

function contextOf(head: () => Promise<{ size: number }>): ServerContext {
  const meters = createMeters({ clock: { monotonic: () => 0 } })
  meters.answered('/v1/embeddings', 200, 1500)
  const diagnostics = new Diagnostics()
  meters.listenTo(diagnostics)
  tell(diagnostics)
  meters.embedded('m', { memory: 3, disk: 1, shared: 0, pattern: 0, computed: 0 }, 1000, 7)
  return {
    version: '1.2.3',
    started: 1_700_000_000_000,
    meters,
    models: { infos: async () => [model] },
    caches: {
      stats: async () => ({ embeddings: cache, queries: cache, diffs: cache, blocks: cache }),
      tuning: () => tuning,
    },
    chain: { head },
  } as unknown as ServerContext
}

const textOf = (context: ServerContext) => exposition(context, new Registry())()

describe('metrics', () => {
  it.skipIf(promtool === undefined)(
    'are what promtool wants (skipped where there is none: apt install prometheus)',
    async () => {
      const input = await textOf(contextOf(async () => ({ size: 7 })))
      const { stdout, stderr, status } = spawnSync(promtool!, ['check', 'metrics'], { input, encoding: 'utf8' })
      expect(stdout + stderr).toBe('')
      expect(status).toBe(0)
    },
  )

  it('tell the meters, each by a name of its own', async () => {
    const text = await textOf(contextOf(async () => ({ size: 7 })))
    for (const name of METRIC_NAMES) expect(text).toContain(`# TYPE ${name} `)
    expect(new Set(METRIC_NAMES).size).toBe(METRIC_NAMES.length)
    expect(text).toContain('opdbus_embedding_rows_total{model="m",source="memory"} 3\n')
    expect(text).toContain('opdbus_http_request_duration_seconds_bucket{route="/v1/embeddings",le="0.002048"} 1\n')
    expect(text).toContain('opdbus_http_request_duration_seconds_bucket{route="/v1/embeddings",le="0.001024"} 0\n')
    expect(text).toContain('opdbus_tier_hits_total{cache="queries",tier="disk"} 3\n')
    expect(text).toContain('opdbus_chain_blocks 7\n')
    expect(text).toContain(`opdbus_shared_serving{model=${JSON.stringify(model.name)}} 0\n`)
    for (const line of [
      'opdbus_saved_seconds_total{cache="queries",what="compute"} 1.5',
      'opdbus_embedding_saved_seconds 1.5',
      'opdbus_tuned_total{cache="embeddings",what="capacity",undone="false"} 1',
      'opdbus_tuned_total{cache="embeddings",what="capacity",undone="true"} 1',
      'opdbus_prefetch_total{cache="queries",predictor="refresh-ahead",outcome="useful"} 2',
      'opdbus_prefetch_total{cache="queries",predictor="refresh-ahead",outcome="late"} 1',
      'opdbus_prefetch_seconds_total 0.75',
      'opdbus_warmed_entries_total{cache="embeddings"} 42',
      'opdbus_memory_budget_bytes{cache="embeddings"} 1234',
      'opdbus_memory_policy_info{cache="embeddings",policy="cost-s3-fifo"} 1',
    ]) {
      expect(text).toContain(`${line}\n`)
    }
    expect(text).not.toMatch(/it paid/)
    expect(text).not.toMatch(/Infinity|NaN|undefined/)
    expect(text).not.toMatch(/reason that|it is gone|redis\.example/)
  })

  it('say that the chain is damaged, and go on', async () => {
    const { OpDbusError } = await import('../../src/errors.js')
    const text = await textOf(contextOf(() => Promise.reject(new OpDbusError('CHAIN_DAMAGED', 'gone'))))
    expect(text).toContain('opdbus_chain_damaged 1\n')
    expect(text).not.toMatch(/^opdbus_chain_blocks/m)
  })
})

describe.skipIf(missing !== undefined)(
  `with a real Redis${missing === undefined ? '' : ` (skipped: ${missing})`}`,
  () => {
    afterAll(stopAll)

    it('tell whether the shared tier serves, and for how many rows; and /api/stats the same', async () => {
      const redis = await startServer()
      const daemon = await startDaemon({ sharedUrl: redis.url })
      const metric = async (series: string) => {
        const { text } = await ask(daemon, '/metrics')
        return text
          .split('\n')
          .find(line => line.startsWith(`${series} `))
          ?.slice(series.length + 1)
      }
      const embed = (input: string) => ask(daemon, '/v1/embeddings', { body: { input } })
      expect((await embed('one')).status).toBe(200)
      const serving = 'opdbus_shared_serving{model="fake"}'
      expect(await metric(serving)).toBe('1')
      expect(await metric('opdbus_tier_misses_total{cache="embeddings",model="fake",tier="shared"}')).toBe('1')
      expect((await ask(daemon, '/api/stats')).json.shared.state).toBe('serving')
      await redis.kill()
      let texts = 0
      await until(async () => (await embed(`text ${++texts}`)).status === 200 && (await metric(serving)) === '0')
      const { shared } = (await ask(daemon, '/api/stats')).json
      expect(shared).toMatchObject({ state: 'left-alone', problem: expect.any(String) })
      expect(JSON.stringify(shared)).not.toContain('text')
      await daemon.stop()
    })
  },
)
