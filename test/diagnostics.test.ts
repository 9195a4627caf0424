// Diagnostics over the built library: what is told of each thing that happens, in what shape, and that listening changes nothing.
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { type Caches, type DiagnosticEvents, type DiagnosticName, openCaches, type Store } from 'op-dbus'
import { openMapStore } from 'op-dbus/testing'
import { afterEach, expect, it } from 'vitest'
import { DIAGNOSTIC_NAMES, Diagnostics } from '../src/diagnostics.js'
import { temporaryFolder } from './support.js'

const opened: Caches[] = []
afterEach(async () => {
  for (const caches of opened.splice(0)) await caches.close()
})

const SECRET = 'user root logged in with hunter2'

async function open(options: Partial<Parameters<typeof openCaches>[0]> = {}) {
  const warnings: string[] = []
  const embedder = {
    space: 'test@1',
    dims: 4,
    embed: async (texts: readonly string[]) => Float32Array.from(texts.flatMap(text => [text.length, 1, 0, 0])),
  }
  const onWarning = (message: string) => warnings.push(message)
  const caches = await openCaches({ dir: temporaryFolder(), embedder, onWarning, ...options })
  opened.push(caches)
  return { caches, warnings }
}

type Told = { [N in DiagnosticName]: [N, DiagnosticEvents[N]] }[DiagnosticName]

function listen(caches: Caches): Told[] {
  const told: Told[] = []
  for (const name of DIAGNOSTIC_NAMES) caches.on(name, event => told.push([name, event] as Told))
  return told
}

const of = <N extends DiagnosticName>(told: Told[], name: N) =>
  told.filter(([other]) => other === name).map(([, event]) => event as DiagnosticEvents[N])

it('tells each look-up once, with its way, and what was computed and stored; and no text anywhere', async () => {
  const { caches } = await open({ shared: { store: openMapStore() } })
  const told = listen(caches)
  const { embeddings } = caches
  await Promise.all([embeddings.getOrEmbed(SECRET), embeddings.getOrEmbed(SECRET)])
  embeddings.view(SECRET)
  embeddings.view('never asked for')
  await embeddings.embedMany([SECRET, 'another', 'another'])
  expect(await embeddings.get('absent')).toBeUndefined()
  await caches.stats()

  const lookups = of(told, 'lookup')
  expect(lookups.map(({ outcome, source }) => `${outcome} ${source}`)).toEqual([
    'computed computed',
    'joined computed',
    'hit memory',
    'hit memory',
    'computed computed',
    'absent undefined',
  ])
  const computed = lookups.find(({ outcome }) => outcome === 'computed')!
  expect(computed.tiers.map(({ tier, kind }) => `${tier} ${kind}`)).toEqual(['disk miss', 'shared miss'])
  expect(computed).toMatchObject({ cache: 'embeddings', bytes: expect.any(Number), micros: expect.any(Number) })
  expect(computed.keyHash).toMatch(/^[0-9a-f]{64}$/)
  expect(of(told, 'computed')).toMatchObject([
    { cache: 'embeddings', tokens: 0, device: 'custom', keyHash: computed.keyHash },
    { cache: 'embeddings' },
  ])
  expect(
    of(told, 'stored')
      .map(({ tier, entries }) => `${tier} ${entries}`)
      .sort(),
  ).toEqual(['disk 1', 'disk 1', 'shared 1', 'shared 1'])
  expect(JSON.stringify(told)).not.toContain('hunter2')
  expect(structuredClone(told)).toHaveLength(told.length)
})

it('tells evictions and clears, of every cache', async () => {
  const { caches } = await open({ embeddingCacheSize: 1, blockCacheSize: 1 })
  const told = listen(caches)
  await caches.embeddings.embedMany(['a', 'b'])
  caches.blocks.set(1, 'one')
  caches.blocks.set(2, 'two')
  await caches.queries.getOrCompute('net', () => 1)
  await caches.diffs.getOrCompute({ plugin: 'net', pluginVersion: '1', current: 1, desired: 2 }, () => 1)
  await caches.clear()
  expect(of(told, 'evicted').map(({ cache }) => cache)).toEqual(['embeddings', 'blocks'])
  expect(of(told, 'lookup').map(({ cache, outcome }) => `${cache} ${outcome}`)).toEqual([
    'embeddings computed',
    'embeddings computed',
    'queries computed',
    'diffs computed',
  ])
  expect(of(told, 'cleared').map(({ cache, elsewhere }) => [cache, elsewhere])).toEqual(
    ['embeddings', 'blocks', 'queries', 'diffs'].map(cache => [cache, false]),
  )
})

it('tells an eviction when memory is in order: whoever hears of it may look, and put in what goes', async () => {
  const { caches } = await open({ embeddingCacheSize: 2 })
  const found: unknown[] = []
  caches.on('evicted', () => {
    found.push(
      caches.embeddings.view('a'),
      [...caches.embeddings.entries()].map(([text]) => text),
    )
    if (found.length < 6) void caches.embeddings.getOrEmbed('a')
  })
  for (const text of ['a', 'b', 'c', 'd']) await caches.embeddings.getOrEmbed(text)
  expect(found.slice(0, 2)).toEqual([undefined, ['c', 'b']])
  expect([...caches.embeddings.entries()]).toHaveLength(2)
})

it('tells a fault as an event each time, and as one warning; a tier that was left out says why', async () => {
  const store: Store = { ...openMapStore(), getMany: () => Promise.reject(new Error('gone')) }
  const { caches, warnings } = await open({ shared: { store } })
  const told = listen(caches)
  for (const text of ['a', 'b', 'c', 'd']) await caches.embeddings.getOrEmbed(text)
  const fault = { cache: 'embeddings', tier: 'shared', what: 'read', why: 'error', message: 'gone' }
  expect(of(told, 'fault')).toEqual([fault, fault, fault])
  expect(of(told, 'lookup').map(({ tiers }) => tiers.at(-1)!.why)).toEqual(['error', 'error', 'error', 'breaker'])
  expect(of(told, 'warning')).toEqual([{ message: warnings[0] }])
  expect(warnings).toHaveLength(1)
})

it('ends when the listener is taken away, and is not harmed by one that throws', async () => {
  const { caches, warnings } = await open()
  let told = 0
  const off = caches.on('lookup', () => {
    told++
    throw new Error('mine')
  })
  await caches.embeddings.getOrEmbed('a')
  await caches.embeddings.getOrEmbed('a')
  off()
  off()
  await caches.embeddings.getOrEmbed('a')
  expect(told).toBe(2)
  expect(warnings).toEqual(['a listener for "lookup" threw: mine'])
  expect(() => caches.on('lookups' as never, () => {})).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }))
  expect(() => caches.on('lookup', 7 as never)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }))
})

it('publishes on the channels of Node as well', async () => {
  const { caches } = await open()
  const told: unknown[] = []
  const listener = (event: unknown) => void told.push((event as { outcome: string }).outcome)
  subscribe('op-dbus:lookup', listener)
  await caches.embeddings.getOrEmbed('a')
  await caches.embeddings.getOrEmbed('a')
  unsubscribe('op-dbus:lookup', listener)
  await caches.embeddings.getOrEmbed('a')
  expect(told).toEqual(['computed', 'hit'])
})

it('tells a warning once: the same sentence, or whatever is said of the same thing', () => {
  const warnings: string[] = []
  const { warn } = new Diagnostics({
    onWarning(message) {
      warnings.push(message)
      throw new Error('whoever is told must not harm who tells')
    },
  })
  for (const message of ['a', 'a', 'b']) warn(message)
  warn('the disk is full', undefined, 'disk')
  warn('the disk is slow', undefined, 'disk')
  expect(warnings).toEqual(['a', 'b', 'the disk is full'])
})

it('tells each batch of a model: what was in it, how long it took, and how long its oldest text had waited', async () => {
  const caches = await openCaches({ dir: temporaryFolder(), device: 'cpu', onWarning: () => {} })
  opened.push(caches)
  const told = listen(caches)
  const began = performance.now()
  const texts = ['one', 'two words', 'three more words']
  await caches.embeddings.embedMany(texts)
  const whole = 1000 * (performance.now() - began)

  const batches = of(told, 'batch')
  expect(batches.reduce((sum, { rows }) => sum + rows, 0)).toBe(texts.length)
  for (const { device, rows, tokens, micros, waited } of batches) {
    expect(device).toBe('cpu')
    expect(tokens).toBeGreaterThanOrEqual(rows)
    expect(micros).toBeGreaterThan(0)
    // The first one waited for the model to be opened.
    expect(waited).toBeGreaterThan(0)
    expect(waited + micros).toBeLessThanOrEqual(whole)
  }
  expect(JSON.stringify(batches)).not.toContain('words')
})
