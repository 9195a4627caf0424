// The dashboard and the rules before a real Prometheus that scrapes a real daemon: every expression is answered, and our hit rate comes back.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { root } from '../processes.js'
import { onPath } from '../programs.js'
import { temporaryFolder } from '../support.js'
import { freePort, until } from '../waiting.js'
import { ask, startDaemon, type TestDaemon } from './daemon.js'

const prometheus = onPath('prometheus')
const promtool = onPath('promtool')
const RULES = join(root, 'grafana', 'rules.yml')
const dashboard = JSON.parse(readFileSync(join(root, 'grafana', 'op-dbus.json'), 'utf8'))

interface Target {
  readonly expr: string
}
interface Panel {
  readonly title: string
  readonly type: string
  readonly datasource?: unknown
  readonly targets?: readonly (Target & { readonly datasource?: unknown })[]
}
const panels = (dashboard.panels as Panel[]).filter(({ type }) => type !== 'row')

describe('the dashboard', () => {
  it('can be provisioned: its data source is a variable that it brings, in every panel and query', () => {
    const names = dashboard.templating.list.map(({ name }: { name: string }) => name)
    expect(names).toEqual(['datasource', 'instance', 'model'])
    expect(dashboard.templating.list[0].type).toBe('datasource')
    for (const { title, datasource, targets = [] } of panels) {
      expect(targets.length, title).toBeGreaterThan(0)
      for (const one of [{ datasource }, ...targets]) {
        // biome-ignore lint/suspicious/noTemplateCurlyInString: how Grafana names a variable.
        expect(one.datasource, title).toEqual({ type: 'prometheus', uid: '${datasource}' })
      }
    }
    expect(JSON.stringify(dashboard)).not.toMatch(/DS_PROMETHEUS|__inputs/)
    expect(new Set(dashboard.panels.map(({ id }: { id: number }) => id)).size).toBe(dashboard.panels.length)
  })
})

describe.skipIf(promtool === undefined)(
  'the rules (skipped where there is no promtool: apt install prometheus)',
  () => {
    const run = (...args: string[]) => {
      const { stdout, stderr, status } = spawnSync(promtool!, args, { encoding: 'utf8' })
      return { status, told: stdout + stderr }
    }

    it('are sound, and each alert fires on what it is for and on nothing else', () => {
      expect(run('check', 'rules', RULES)).toMatchObject({ status: 0 })
      const file = join(temporaryFolder(), 'rules.yml')
      const text = readFileSync(join(root, 'test', 'server', 'rules.yml'), 'utf8')
      writeFileSync(file, text.replace('RULES', RULES))
      const alerts = [...readFileSync(RULES, 'utf8').matchAll(/alert: (\w+)/g)].map(([, name]) => name)
      for (const name of alerts) expect(text.split(`alertname: ${name}`).length - 1, name).toBe(2)
      expect(run('test', 'rules', file)).toMatchObject({ status: 0 })
    })
  },
)

const missing = prometheus === undefined ? ' (skipped: no prometheus; apt install prometheus)' : ''
describe.skipIf(prometheus === undefined)(`a real Prometheus${missing}`, () => {
  let daemon: TestDaemon
  let child: ChildProcess
  let url: string

  beforeAll(async () => {
    daemon = await startDaemon({ embedder: undefined, device: 'cpu', autotune: true, predict: 'conservative' })
    await ask(daemon, '/v1/embeddings', { body: { model: 'builtin', input: ['one', 'two', 'three'] } })
    await ask(daemon, '/v1/embeddings', { body: { model: 'builtin', input: 'one' } })
    const port = await freePort()
    url = `http://127.0.0.1:${port}`
    const folder = temporaryFolder()
    const config = join(folder, 'prometheus.yml')
    const { host } = new URL(daemon.url)
    writeFileSync(
      config,
      `global: { scrape_interval: 200ms, scrape_timeout: 200ms, evaluation_interval: 1s }\nrule_files: [${JSON.stringify(RULES)}]\n` +
        `scrape_configs: [{ job_name: op-dbus, static_configs: [{ targets: ["${host}"] }] }]\n`,
    )
    const args = [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ]
    child = spawn(prometheus!, [...args, '--log.level=error'], { stdio: 'ignore' })
    const answers = async () => (await value('max(opdbus_build_info)')) === 1
    // Until it listens, it cannot be asked.
    await until(() => answers().catch(() => false))
    // More of everything, so that rates are there.
    for (let i = 0; i < 4; i++) {
      await ask(daemon, '/v1/embeddings', { body: { model: 'builtin', input: ['one', 'two', `new ${i}`] } })
    }
    await until(async () => (await value('sum(opdbus_embedding_rows_total)')) === 16)
  }, 30_000)

  afterAll(async () => {
    child?.kill('SIGKILL')
    await daemon?.stop()
  })

  it('answers every expression of the dashboard and of the rules', async () => {
    const known = { $__rate_interval: '10s', $instance: '.*', $model: '.*' }
    const empty: string[] = []
    for (const { title, targets = [] } of panels) {
      for (const { expr } of targets) {
        const query = Object.entries(known).reduce((text, [name, value]) => text.replaceAll(name, value), expr)
        expect(query, title).not.toContain('$')
        let found = await results(query)
        // On a busy machine a scrape may come too late, and then a gauge has no value until the next.
        for (let tries = 0; found.length === 0 && tries < 10 && !ABSENT.has(title); tries++) {
          await new Promise(resolve => setTimeout(resolve, 200))
          found = await results(query)
        }
        if (found.length === 0) empty.push(title)
      }
    }
    // What did not happen here.
    expect([...new Set(empty)].filter(title => !ABSENT.has(title))).toEqual([])
    const rules = (await (await fetch(`${url}/api/v1/rules`)).json()) as Rules
    const { groups } = rules.data
    const all = groups.flatMap(group => group.rules)
    expect(all.length).toBe(readFileSync(RULES, 'utf8').match(/- (alert|record):/g)!.length)
    for (const { query } of all) await results(query)
  })

  it('tells our hit rate, as the daemon itself does', async () => {
    const { hits, misses, hitRate } = (await daemon.context.caches.stats()).embeddings
    expect([hits, misses]).toEqual([9, 7])
    const lookups = 'opdbus_cache_lookups_total{cache="embeddings"'
    expect(await value(`sum(${lookups}, result="hit"}) / sum(${lookups}})`)).toBe(hitRate)
    const stats = (await ask(daemon, '/api/stats')).json
    expect(stats.caches.embeddings.hitRate).toBe(hitRate)
    expect(await value('sum(opdbus_embedding_rows_total{source="computed"})')).toBe(stats.rows.computed)
    expect(await value('sum(opdbus_batch_rows_sum)')).toBe(7)
  })

  async function results(query: string): Promise<{ readonly value: [number, string] }[]> {
    const response = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(query)}`)
    const answer = (await response.json()) as Answer
    expect(answer.status, `${query}: ${answer.error}`).toBe('success')
    return answer.data!.result
  }

  async function value(query: string): Promise<number> {
    return Number((await results(query))[0]?.value[1])
  }
})

/** Nothing of it happens to a daemon that is well and alone. */
const ABSENT = new Set(['Devices refused', 'Tiers that failed, a second', 'Shared tier serves'])

interface Answer {
  readonly status: string
  readonly error?: string
  readonly data?: { readonly result: { readonly value: [number, string] }[] }
}
interface Rules {
  readonly data: { readonly groups: { readonly rules: { readonly query: string }[] }[] }
}
