// What `/api` answers: a real daemon over real caches, a real state (a JSON file as the system) and a real chain.
import { existsSync, readdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { RouteOptions } from 'fastify'
import { Type } from 'typebox'
import { beforeAll, describe, expect, it } from 'vitest'
import { openHead } from '../../src/blockchain.js'
import type {
  BlocksReport,
  DaemonStats,
  LookupReport,
  PlanReport,
  QueryInfo,
  TraceState,
  TuningReport,
} from '../../src/server/api.js'
import type { Routes } from '../../src/server/context.js'
import { ROUTES } from '../../src/server/routes.js'
import { type ApiSchemaName, apiSchemas } from '../../src/server/schemas.js'
import { fromBase64 } from '../../src/server/vector-text.js'
import { tuningFixture } from '../console/tuning-fixture.js'
import { newFolder } from '../support.js'
import { type Ask, ask, fakeVector, startDaemon, type TestDaemon } from './daemon.js'

const require = createRequire(import.meta.url)
// Of Fastify: the draft of JSON schema that OpenAPI 3.1 goes by.
const Ajv = require('ajv/dist/2020.js').default as typeof import('ajv/dist/2020.js').default
const PLUGIN = new URL('../cli/file-plugin.mjs', import.meta.url).pathname

let daemon: TestDaemon
let system: string
/** Every route of the daemon, as it was added. */
const routes: RouteOptions[] = []

beforeAll(async () => {
  system = join(newFolder(), 'system.json')
  process.env.TEST_SYSTEM = system
  writeFileSync(system, JSON.stringify({ things: [{ name: 'one', size: 1 }], mode: { fast: false } }))
  const hears: Routes = app => {
    app.addHook('onRoute', route => void routes.push({ ...route }))
  }
  const options = { pluginModules: [PLUGIN], queryCacheTtl: 60, limits: { maxBatch: 100 } }
  daemon = await startDaemon(options, [hears, ...ROUTES])
  for (const size of [1, 2, 3]) {
    await daemon.context.chain!.addFootprint({ plugin_id: `plugin-${size % 2}`, operation: 'grow', data: { size } })
  }
})

/** Answers as their schemas have them, with no member that is not in there. */
const ajv = new Ajv({ strict: false })
const validators = new Map(
  Object.entries(apiSchemas(Type)).map(([name, schema]) => [name, ajv.compile(closed(schema) as object)]),
)

function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed)
  if (typeof schema !== 'object' || schema === null) return schema
  const copy = Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, closed(value)]))
  return 'properties' in copy && !('additionalProperties' in copy) ? { ...copy, additionalProperties: false } : copy
}

/** The answer's JSON, which has status 200 and is as its schema says. */
async function api<T>(path: string, schema: ApiSchemaName, call: Ask = {}, list = false): Promise<T> {
  const { status, json, text } = await ask(daemon, path, call)
  expect(status, text).toBe(200)
  const validate = validators.get(schema)!
  for (const one of list ? json : [json]) expect(validate(one) || validate.errors, schema).toBe(true)
  return json
}

const refused = async (path: string, call: Ask) => {
  const { status, json } = await ask(daemon, path, call)
  expect(validators.get('ApiError')!(json), JSON.stringify(json)).toBe(true)
  return `${status} ${json.error.code}`
}

const write = () => ({ headers: daemon.write })

describe('look-ups', () => {
  it('tell the way of one text: computed, then memory, then disk', async () => {
    const look = (more: object = {}) =>
      api<LookupReport>('/api/lookup', 'LookupReport', { body: { text: 'a text', ...more } })
    const absent = await look({ compute: false })
    expect(absent).toMatchObject({ dims: 8 })
    expect(absent.neighbours).toBeUndefined()
    expect(absent.source).toBeUndefined()
    expect(absent.vector).toBeUndefined()
    const computed = await look()
    expect(computed).toMatchObject({ source: 'computed', device: 'custom', tiers: [{ tier: 'disk', kind: 'miss' }] })
    expect(fromBase64(computed.vector, 8)).toEqual(fakeVector('a text'))
    expect(await look()).toMatchObject({ source: 'memory', tiers: [] })
    daemon.context.caches.embeddings.forgetMemory()
    expect(await look()).toMatchObject({ source: 'disk', tiers: [{ tier: 'disk', kind: 'hit' }] })
  })

  it('of one text at once are told apart: one computes, the others joined it', async () => {
    const reports = await Promise.all(
      Array.from({ length: 8 }, () =>
        api<LookupReport>('/api/lookup', 'LookupReport', { body: { text: 'at once', neighbours: 0 } }),
      ),
    )
    expect(daemon.embedder.computed.filter(text => text === 'at once')).toHaveLength(1)
    for (const { source, tiers } of reports) {
      if (source === 'memory') expect(tiers).toEqual([])
      else expect(source).toBe('computed')
    }
    expect(reports.filter(({ tiers }) => tiers.length > 0)).toHaveLength(1)
  })

  it('find neighbours among what memory holds, by cosine, without the text itself', async () => {
    const texts = Array.from({ length: 60 }, (_, i) => `neighbour ${i}`)
    await api('/api/cache/warm', 'WarmReport', { ...write(), body: { texts } })
    const { neighbours } = await api<LookupReport>('/api/lookup', 'LookupReport', {
      body: { text: 'neighbour 7', neighbours: 3 },
    })
    const held = [...daemon.context.caches.embeddings.entries()]
    const dot = (other: Float32Array) => fakeVector('neighbour 7').reduce((sum, x, i) => sum + x * other[i]!, 0)
    const expected = held
      .filter(([text]) => text !== 'neighbour 7')
      .map(([text, vector]) => ({ text, score: dot(vector) }))
      .sort((one, other) => other.score - one.score)
      .slice(0, 3)
    expect(neighbours!.map(({ text }) => text)).toEqual(expected.map(({ text }) => text))
    for (const [i, { score }] of neighbours!.entries()) expect(score).toBeCloseTo(expected[i]!.score, 5)
  })

  it('of many are answered by the model of that space alone', async () => {
    const models = await api<{ space: string; description: string }[]>('/api/models', 'ModelInfo', {}, true)
    const { space, description } = models[0]!
    expect(description).toContain('fake')
    expect(space).toMatch(/^[0-9a-f]{32}$/)
    expect((await api<{ space: string }[]>('/api/spaces', 'SpaceInfo', {}, true))[0]!.space).toBe(space)
    const report = await api<{ vectors: string; sources: string[] }>('/api/rows', 'RowsReport', {
      body: { texts: ['neighbour 7', 'new in rows'], space },
    })
    expect(report.sources).toEqual(['memory', 'computed'])
    const all = fromBase64(report.vectors, 16)!
    expect(all.subarray(8)).toEqual(fakeVector('new in rows'))
    expect(await refused('/api/rows', { body: { texts: ['x'], space: 'another' } })).toBe('409 CONFLICT')
  })
})

it('one look at everything counts what was asked', async () => {
  const stats = await api<DaemonStats>('/api/stats', 'DaemonStats')
  expect(stats.rows.computed).toBeGreaterThan(0)
  // A disk that is slow now is told as empty, so that nobody waits for it.
  const onDisk = async () => (await api<DaemonStats>('/api/stats', 'DaemonStats')).caches.embeddings.onDisk!.entries
  await expect.poll(onDisk).toBeGreaterThan(0)
  // What has no bound.
  expect(stats.caches.queries.memory.capacity).toBeNull()
  await api('/api/models', 'ModelInfo', {}, true)
})

describe('tuning', () => {
  it('says what there is to say, with and without advice', async () => {
    const { advice, state } = await api<TuningReport>('/api/tuning', 'TuningReport')
    expect(advice.available).toBe(false)
    expect(state).toMatchObject({ policies: { embeddings: 'lru', queries: 'lru' }, auto: { on: false } })
    const validate = validators.get('TuningReport')!
    expect(validate(tuningFixture(0)) || validate.errors).toBe(true)
  })

  it('begins and ends what is recorded, for who may write', async () => {
    const turn = (on: boolean) => api<TraceState>('/api/tuning/trace', 'TraceState', { ...write(), body: { on } })
    expect(await turn(true)).toMatchObject({ on: true, rate: 1 })
    expect((await api<TuningReport>('/api/tuning', 'TuningReport')).state.trace).toMatchObject({ on: true })
    await ask(daemon, '/api/lookup', { body: { text: 'a text that is recorded by its hash' } })
    const requests = async () => (await api<TuningReport>('/api/tuning', 'TuningReport')).state.trace!.requests
    expect(await requests()).toBeGreaterThan(0)
    // A second time changes nothing of it.
    expect((await turn(true)).requests).toBeGreaterThan(0)
    expect(await turn(false)).toMatchObject({ on: false })
    expect(await refused('/api/tuning/trace', { body: { on: true } })).toBe('401 UNAUTHORIZED')
    expect(await refused('/api/tuning/trace', { ...write(), body: { on: 'yes' } })).toBe('400 INVALID_INPUT')
    expect(await refused('/api/tuning/trace', { ...write(), body: {} })).toBe('400 INVALID_INPUT')
    expect(await refused('/api/tuning/trace', { ...write(), body: { on: false, seconds: 5 } })).toBe(
      '400 INVALID_INPUT',
    )
    const file = join(daemon.dir, 'trace', 'on')
    expect(existsSync(file)).toBe(false)
    const before = Date.now()
    await ask(daemon, '/api/tuning/trace', { ...write(), body: { on: true, seconds: 3600 } })
    expect(JSON.parse(readFileSync(file, 'utf8')).until).toBeGreaterThanOrEqual(before + 3_600_000)
    await turn(false)
    // What cannot be is told with its reason, and nothing is written elsewhere.
    const elsewhere = newFolder()
    renameSync(join(daemon.dir, 'trace'), join(daemon.dir, 'aside'))
    symlinkSync(elsewhere, join(daemon.dir, 'trace'))
    expect(await refused('/api/tuning/trace', { ...write(), body: { on: true } })).toMatch(/^5.. STORE/)
    expect(readdirSync(elsewhere)).toEqual([])
  })
})

describe('clearing', () => {
  it('by space says what would go, lets it go, and says so again', async () => {
    type Listed = { space: string; entries: number; usedBy: string[] }[]
    const list = () => api<Listed>('/api/spaces', 'SpaceInfo', {}, true)
    // Blocks are embedded when there is time.
    await daemon.context.chain!.search('grow', { wait: true })
    const { size } = (await daemon.context.caches.embeddings.stats()).memory
    // Writes go on behind the answers.
    await expect.poll(async () => (await list())[0]!.entries).toBe(size)
    const [space] = await list()
    expect(space!.usedBy).toHaveLength(1)
    const clear = (preview: boolean) =>
      api('/api/cache/clear', 'ClearReport', { ...write(), body: { space: space!.space, preview } })
    const of = { cache: 'embeddings', space: space!.space }
    const gone = [
      { ...of, tier: 'disk', entries: space!.entries },
      { ...of, tier: 'memory', entries: size },
    ]
    expect(await clear(true)).toMatchObject({ preview: true, gone, sharedStays: false })
    expect(await api('/api/spaces', 'SpaceInfo', {}, true)).toHaveLength(1)
    expect(await clear(false)).toMatchObject({ preview: false, gone })
    expect(await api('/api/spaces', 'SpaceInfo', {}, true)).toEqual([])
    const { source } = await api<LookupReport>('/api/lookup', 'LookupReport', {
      body: { text: 'a text', compute: false },
    })
    expect(source).toBeUndefined()
    expect(await refused('/api/cache/clear', { ...write(), body: { space: space!.space } })).toBe('400 INVALID_INPUT')
  })

  it('of all four empties memory and disk; a preview empties nothing', async () => {
    await api('/api/cache/warm', 'WarmReport', { ...write(), body: { texts: ['again'] } })
    const { embeddings } = daemon.context.caches
    await api('/api/cache/clear', 'ClearReport', { ...write(), body: { preview: true } })
    expect(embeddings.view('again')).toBeDefined()
    const report = await api<{ gone: { cache: string }[] }>('/api/cache/clear', 'ClearReport', { ...write(), body: {} })
    expect(new Set(report.gone.map(({ cache }) => cache))).toEqual(
      new Set(['embeddings', 'blocks', 'queries', 'diffs']),
    )
    expect(embeddings.view('again')).toBeUndefined()
  })

  it.each([
    { caches: [] },
    { caches: ['everything'] },
    { caches: 'embeddings' },
    { preview: 'yes' },
    { spaces: 'x' },
    { space: 'x', caches: ['diffs'] },
    { caches: ['queries'], shared: true },
    [],
    'embeddings',
    null,
  ])('refuses %j', async body => {
    expect(await refused('/api/cache/clear', { ...write(), body: JSON.stringify(body) })).toMatch(/^400 INVALID_INPUT$/)
  })

  it('needs the write token, and so do warming and applying', async () => {
    for (const path of ['/api/cache/clear', '/api/cache/warm', '/api/apply']) {
      expect(await refused(path, { body: {} })).toBe('401 UNAUTHORIZED')
    }
  })
})

describe('the state', () => {
  const desired = (size: number) =>
    JSON.stringify({ version: 1, plugins: { things: { things: [{ name: 'one', size }] } } })

  it('is queried, and what is known of each answer is told without asking', async () => {
    const query = (more = {}) =>
      api<{ sources: Record<string, string> }>('/api/query', 'QueryReport', { body: { plugins: ['things'], ...more } })
    expect((await query()).sources).toEqual({ things: 'computed' })
    expect((await query()).sources).toEqual({ things: 'memory' })
    const asked = () =>
      readFileSync(`${system}.log`, 'utf8')
        .split('\n')
        .filter(line => line === 'query').length
    const before = asked()
    const infos = await api<QueryInfo[]>('/api/queries', 'QueryInfo', {}, true)
    const { cached } = infos.find(({ name }) => name === 'things')!
    expect(cached).toMatchObject({ ttlMs: 60_000, source: 'memory' })
    expect(cached!.ageMs).toBeLessThan(60_000)
    expect(infos.find(({ name }) => name === 'net')!.cached).toBeUndefined()
    expect(asked()).toBe(before)
    expect((await query({ fresh: true })).sources).toEqual({ things: 'computed' })
    await api('/api/plugins', 'PluginInfo', {}, true)
  })

  it('of other plugins than the asker has is not answered', async () => {
    const keys = await daemon.context.state.keys()
    await api('/api/query', 'QueryReport', { body: { plugins: ['things'], keys } })
    const body = { plugins: ['things'], keys: { ...keys, things: 'things@1:/elsewhere' } }
    expect(await refused('/api/query', { body })).toBe('409 CONFLICT')
  })

  it('is compared, planned, changed, remembered in a block, and led back', async () => {
    const diff = await api<{ same: boolean }>('/api/diff', 'DiffReport', { body: { desired: desired(5), fresh: true } })
    expect(diff.same).toBe(false)
    const { plan, text } = await api<PlanReport>('/api/plan', 'PlanReport', { body: { desired: desired(5) } })
    expect(text).toContain('~ things/one')
    expect(text).toContain('1 to modify')
    expect(readFileSync(system, 'utf8')).toContain('"size":1')
    const report = await api('/api/apply', 'ApplyReport', { ...write(), body: { plan } })
    expect(report).toMatchObject({ success: true, outcomes: [{ status: 'done' }], blocks: [3] })
    expect(readFileSync(system, 'utf8')).toContain('"size":5')
    const checkpoints = await api<{ id: string }[]>('/api/checkpoints', 'CheckpointInfo', {}, true)
    const back = await api<PlanReport>('/api/rollback', 'PlanReport', { body: { id: checkpoints[0]!.id } })
    expect(back.plan.to).toEqual({ checkpoint: checkpoints[0]!.id })
    expect(readFileSync(system, 'utf8')).toContain('"size":5')
    await api('/api/apply', 'ApplyReport', { ...write(), body: { plan: back.plan } })
    expect(readFileSync(system, 'utf8')).toContain('"size":1')
    // The first plan saw another state.
    writeFileSync(system, JSON.stringify({ things: [{ name: 'one', size: 9 }], mode: { fast: false } }))
    expect(await refused('/api/apply', { ...write(), body: { plan } })).toBe('409 CONFLICT')
    expect(readFileSync(system, 'utf8')).toContain('"size":9')
  })

  it('tells where a desired file is wrong, and takes nothing that only looks like one', async () => {
    const { json } = await ask(daemon, '/api/plan', {
      body: { desired: '{"version": 1,\n "plugins": {"thinks": {}}}' },
    })
    expect(json.error).toMatchObject({ code: 'INVALID_INPUT' })
    expect(json.error.message).toContain('desired:2:')
    expect(json.error.details.problems[0]).toMatchObject({ path: '/plugins/thinks', line: 2 })
    const before = readFileSync(system, 'utf8')
    const deep = `${'['.repeat(5000)}${']'.repeat(5000)}`
    for (const text of [
      '',
      'null',
      '[]',
      '{"version":1,"plugins":{"__proto__":{}}}',
      '{"version":1,"version":1}',
      deep,
    ]) {
      expect(await refused('/api/diff', { body: { desired: text } }), text.slice(0, 50)).toBe('400 INVALID_INPUT')
    }
    for (const body of [
      `{"desired":${deep}}`,
      '{"desired":{}}',
      '{"desired":["{}"]}',
      '{"__proto__":{"desired":"{}"}}',
      '{}',
      '',
    ]) {
      expect(await refused('/api/diff', { body }), body.slice(0, 50)).toBe('400 INVALID_INPUT')
    }
    expect(({} as Record<string, unknown>).desired).toBeUndefined()
    expect(readFileSync(system, 'utf8')).toBe(before)
  })

  it('looks into nothing that is too large to look into, and tells no name that is none', async () => {
    const message = async (path: string, call: Ask) => {
      const { status, json } = await ask(daemon, path, call)
      return `${status} ${json.error.message}`
    }
    const many = Object.fromEntries(Array.from({ length: 60_000 }, (_, i) => [`k${i}`, 1]))
    const body = { desired: JSON.stringify({ version: 1, plugins: { things: many } }) }
    expect(await message('/api/plan', { body })).toMatch(/^400 the desired state holds more values/)
    const plan = { diffs: Array.from({ length: 210_000 }, () => 1) }
    expect(await message('/api/apply', { ...write(), body: { plan } })).toMatch(/^400 the plan holds more values/)
    for (const name of ['x'.repeat(100_000), 'a\nb']) {
      expect(await message('/api/query', { body: { plugins: [name] } })).toBe(
        '400 plugins.0: must be the name of a plugin',
      )
    }
    expect(await message('/api/rollback', { body: { id: 'x'.repeat(100_000) } })).toMatch(/^400 id: must be the id/)
    expect(await message('/api/blocks?order=up', {})).toBe('400 the query: has no member order')
    expect(await message('/api/blocks/x', {})).toMatch(/^400 which: must be the number of a block, its hash/)
  })

  it('applies no plan that is not one', async () => {
    const { plan } = await api<PlanReport>('/api/plan', 'PlanReport', { body: { desired: desired(7) } })
    const before = readFileSync(system, 'utf8')
    const nested = `{"plan":${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}}`
    const bodies = [
      { plan: {} },
      { plan: null },
      { plan: [plan] },
      { plan: { ...plan, version: 2 } },
      { plan: { ...plan, diffs: [{ ...plan.diffs[0]!, actions: [{ kind: 'erase' }] }] } },
      { plan, force: true },
      {},
    ]
    for (const body of [...bodies.map(one => JSON.stringify(one)), nested]) {
      expect(await refused('/api/apply', { ...write(), body }), body.slice(0, 80)).toBe('400 INVALID_INPUT')
    }
    expect(readFileSync(system, 'utf8')).toBe(before)
  })
})

describe('blocks', () => {
  it('are listed newest first, by what is asked for and before a number', async () => {
    const list = async (query = '') => {
      const { size, blocks } = await api<BlocksReport>(`/api/blocks${query}`, 'BlocksReport')
      expect(size).toBe(daemon.context.chain!.size())
      return blocks.map(({ number }) => number)
    }
    const all = await list()
    expect(all).toEqual(Array.from({ length: all.length }, (_, i) => all.length - 1 - i))
    expect(await list('?limit=2&before=3')).toEqual([2, 1])
    const bare = await api<BlocksReport>('/api/blocks?limit=1&bodies=false', 'BlocksReport')
    expect(bare.blocks[0]!.body).toBeUndefined()
    expect(await list('?plugin=plugin-1&before=3')).toEqual([2, 0])
    expect(await list('?plugin=nobody')).toEqual([])
    expect(await list('?until=1')).toEqual([])
    for (const query of ['?limit=-1', '?limit=1e3', '?limit=9999', '?since=now', '?limit=1&limit=2', '?order=up']) {
      expect(await refused(`/api/blocks${query}`, {}), query).toBe('400 INVALID_INPUT')
    }
  })

  it('are shown by number, hash and its beginning, with a proof that strangers can check', async () => {
    const latest = await api<{ number: number; hash: string }>('/api/blocks/latest', 'Block')
    for (const which of [latest.number, latest.hash, latest.hash.slice(0, 20)]) {
      expect(await api(`/api/blocks/${which}`, 'Block')).toEqual(latest)
    }
    expect(await refused('/api/blocks/999', {})).toBe('404 NOT_FOUND')
    for (const which of ['..%2f..', '1.5', '-1', 'LATEST', '%00']) {
      expect(await refused(`/api/blocks/${which}`, {}), which).toBe('400 INVALID_INPUT')
    }
    const { status, headers, text } = await ask(daemon, '/api/blocks/1/proof')
    expect(status).toBe(200)
    expect(headers['content-type']).toMatch(/^text\/plain/)
    expect(headers['content-disposition']).toBe('attachment; filename="block-1.tlog-proof"')
    expect(text).toBe((await daemon.context.chain!.proof(1)).text)
    const head = await api<{ size: number; root: string }>('/api/head', 'ChainHead')
    const { verifierKey } = await daemon.context.chain!.key()
    const { size, root } = await openHead((await daemon.context.chain!.checkpoint()).text, [verifierKey])
    expect({ size, root }).toEqual({ size: head.size, root: head.root })
    expect(await refused('/api/blocks/999/proof', {})).toBe('404 NOT_FOUND')
  })

  it('are verified, and found by text and meaning', async () => {
    expect(await api('/api/verify', 'VerifyReport', { body: { full: true } })).toMatchObject({ ok: true, full: true })
    expect(await refused('/api/verify', { body: { head: 'no head' } })).toBe('400 INVALID_INPUT')
    const search = (body: object) =>
      api<{ found: { block: { number: number } }[] }>('/api/search', 'SearchReport', { body })
    expect((await search({ text: 'size: 2', by: 'text' })).found.map(({ block }) => block.number)).toEqual([1])
    expect((await search({ text: 'grow', k: 2 })).found).toHaveLength(2)
    expect(await refused('/api/search', { body: { text: 'x', wait: true } })).toBe('400 INVALID_INPUT')
  })
})

describe('the document', () => {
  it('is OpenAPI 3.1 of every route, with schemas that hold together', async () => {
    const { status, json: document } = await ask(daemon, '/api/openapi.json')
    expect(status).toBe(200)
    expect(document.openapi).toBe('3.1.0')
    const documented = Object.keys(document.paths).flatMap(path =>
      Object.keys(document.paths[path]).map(method => `${method.toUpperCase()} ${path}`),
    )
    // Every one but the files of the console; who answers HEAD answers GET.
    const registered = routes
      .filter(({ config }) => config?.counted !== 'console')
      .flatMap(({ method, url, config }) =>
        [method].flat().map(one => `${one} ${(config?.counted ?? url).replace(/:(\w+)/g, '{$1}')}`),
      )
    expect(documented.sort()).toEqual(registered.filter(route => !route.startsWith('HEAD ')).sort())
    for (const [path, methods] of Object.entries<Record<string, object>>(document.paths)) {
      for (const operation of Object.values(methods)) {
        expect(operation, path).toMatchObject({ summary: expect.any(String), tags: [expect.any(String)] })
        expect(operation, path).toHaveProperty('responses.200.description')
      }
    }
    const { anyOf } = document.paths['/embed'].post.requestBody.content['application/json'].schema.properties.inputs
    expect(anyOf[1].maxItems).toBe(100)
    const operations = Object.entries<Record<string, { operationId?: string }>>(document.paths)
    const ids = operations.flatMap(([, methods]) =>
      Object.values(methods).flatMap(({ operationId }) => operationId ?? []),
    )
    expect(new Set(ids).size).toBe(ids.length)
    for (const name of Object.keys(apiSchemas(Type))) expect(document.components.schemas[name], name).toBeDefined()
    for (const [, path] of JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)) {
      const there = path!.split('/').reduce((node, step) => node?.[step], document)
      expect(there, path).toBeDefined()
    }
    const whole = new Ajv({ strict: false })
    whole.addSchema({ $id: 'document', ...document })
    for (const name of Object.keys(document.components.schemas)) {
      expect(() => whole.compile({ $ref: `document#/components/schemas/${name}` }), name).not.toThrow()
    }
  })
})

it('no line of the log holds a text that was sent', () => {
  for (const word of ['a text', 'neighbour 7', 'again', 'thinks']) expect(daemon.lines.join('\n')).not.toContain(word)
  expect(existsSync(system)).toBe(true)
})
