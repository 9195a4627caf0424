// Tuning of a running process, from `openCaches({ autotune: true })` on: real caches and files, an embedder of the test's own, time by hand.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { type Caches, openCaches } from '../../src/node.js'
import type { TunedEvent } from '../../src/public.js'
import { seeded } from '../../src/sample-lines.js'
import { POLICIES } from '../../src/tuning/policies.js'

const DIMS = 8
const CACHES = ['embeddings', 'queries', 'diffs', 'blocks'] as const

let dir: string
let caches: Caches | undefined

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'op-dbus-autotune-'))
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] })
})

afterEach(async () => {
  await caches?.close()
  caches = undefined
  vi.useRealTimers()
  rmSync(dir, { recursive: true, force: true })
})

/** What the vector of a text is, worked out beside the caches. */
function vectorOf(text: string): number[] {
  const random = seeded([...text].reduce((sum, character) => (31 * sum + character.charCodeAt(0)) | 0, 7))
  return Array.from({ length: DIMS }, () => Math.fround(random()))
}

async function open(autotune: boolean, onWarning?: (message: string) => void): Promise<Caches> {
  caches = await openCaches({
    dir,
    autotune,
    ...(onWarning && { onWarning }),
    embeddingCacheSize: 300,
    embeddingDiskCache: false,
    embedder: {
      space: 'test',
      dims: DIMS,
      embed: async (texts: readonly string[]) => {
        vi.advanceTimersByTime(2 * texts.length)
        return Float32Array.from(texts.flatMap(vectorOf))
      },
    },
  })
  return caches
}

const bounds = (set: Caches) => CACHES.reduce((sum, name) => sum + set[name].memoryInfo().capacityBytes!, 0)

/** Rounds of 10 seconds: texts that memory is too small for, and a few queries. Each answer is looked at. */
async function workWith(set: Caches, rounds: number): Promise<void> {
  const random = seeded(1)
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < 400; i++) {
      const text = `text ${Math.floor(3000 * random() ** 2)}`
      const { vector } = await set.embeddings.getOrEmbed(text)
      const right = vectorOf(text)
      if (right.some((number, at) => number !== vector[at])) expect([...vector], text).toEqual(right)
      if (i % 50 === 0) {
        const plugin = `plugin${i}`
        const { value } = await set.queries.getOrCompute(plugin, () => ({ plugin, list: [plugin, round] }))
        expect(value).toMatchObject({ plugin })
      }
    }
    vi.advanceTimersByTime(10_000)
  }
}

it('moves memory to the cache that computes, says so, and answers right throughout', async () => {
  const set = await open(true)
  const told: TunedEvent[] = []
  set.on('tuned', event => {
    told.push(event)
    expect(bounds(set)).toBeLessThanOrEqual(set.tuning()!.auto.budgetBytes)
  })
  await set.embeddings.getOrEmbed('first')
  const budget = bounds(set)
  const before = set.embeddings.memoryInfo()
  await workWith(set, 10)
  const { auto, policies } = set.tuning()!
  expect(auto.on).toBe(true)
  expect(auto.budgetBytes).toBe(budget)
  expect(bounds(set)).toBeLessThanOrEqual(budget)
  const after = set.embeddings.memoryInfo()
  expect(after.capacityBytes).toBeGreaterThan(2 * before.capacityBytes!)
  // Entries follow bytes, and are really held.
  expect(after.capacity).toBeGreaterThan(2 * before.capacity)
  expect(after.size).toBeGreaterThan(2 * before.capacity)
  expect(auto.shares.embeddings).toEqual({ bytes: after.capacityBytes, policy: after.policy })
  expect(policies.embeddings).toBe(after.policy)
  expect(told.some(({ cache, what }) => cache === 'embeddings' && what === 'capacity')).toBe(true)
  expect(auto.changes.map(({ at: _at, ...change }) => change).reverse()).toEqual(told)
  expect(JSON.stringify(told)).not.toContain('text ')
}, 30_000)

it('ends with the caches, which stay as they are', async () => {
  const set = await open(true)
  await set.embeddings.getOrEmbed('first')
  expect(vi.getTimerCount()).toBeGreaterThan(0)
  await set.close()
  const then = vi.getTimerCount()
  vi.advanceTimersByTime(60_000)
  expect(vi.getTimerCount()).toBe(then)
  expect(set.embeddings.memoryInfo().policy).toBe('lru')
})

it('starts from what somebody sets by hand meanwhile', async () => {
  const set = await open(true)
  await set.embeddings.getOrEmbed('first')
  vi.advanceTimersByTime(2000)
  const before = set.tuning()!.auto.budgetBytes
  const { capacityBytes } = set.embeddings.memoryInfo()
  set.embeddings.resize(600)
  vi.advanceTimersByTime(2000)
  expect(set.tuning()!.auto.budgetBytes).toBe(before + capacityBytes!)
  expect(set.tuning()!.auto.shares.embeddings!.bytes).toBe(2 * capacityBytes!)
})

it('is off unless it is asked for', async () => {
  const set = await open(false)
  await set.embeddings.getOrEmbed('first')
  expect(set.tuning()!.auto).toEqual({ on: false, budgetBytes: 0, usedBytes: 0, shares: {}, changes: [] })
})

it('gives up with a warning over a policy that it does not know, puts back what it changed, and the caches answer on', async () => {
  const warnings: string[] = []
  const set = await open(true, message => warnings.push(message))
  await set.embeddings.getOrEmbed('first')
  const start = CACHES.map(name => set[name].memoryInfo().capacityBytes)
  await workWith(set, 4)
  expect(CACHES.map(name => set[name].memoryInfo().capacityBytes)).not.toEqual(start)
  set.diffs.setPolicy(capacity => Object.assign(POLICIES.lru(capacity), { name: 'mine' }))
  vi.advanceTimersByTime(5000)
  expect(warnings).toEqual(['the tuner gave up, and the caches are as they were set: no policy is called mine'])
  expect(CACHES.map(name => set[name].memoryInfo().capacityBytes)).toEqual(start)
  const { auto } = set.tuning()!
  expect(auto).toMatchObject({ on: false, failed: 'no policy is called mine' })
  expect(auto.changes[0]).toMatchObject({ undone: true, why: 'the tuner gave up' })
  expect([...(await set.embeddings.getOrEmbed('first')).vector]).toEqual(vectorOf('first'))
})
