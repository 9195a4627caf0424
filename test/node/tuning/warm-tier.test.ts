// Entries that were loaded ahead, as a part of memory, against the plainest model of both: what is answered, in which order things go, and
// that the bounds hold for both together.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MemoryTier } from '../../../src/cache/memory-tier.js'
import { EmbeddingPool, vectorOf } from '../../../src/caches/embedding-pool.js'
import { decodeVec, encodeVec, vecBytes } from '../../../src/caches/embedding-record.js'
import { NameTable, nameAt, packNames } from '../../../src/node/tuning/names.js'
import { WarmTier } from '../../../src/node/tuning/warm-tier.js'
import type { Embedding, Key } from '../../../src/ports.js'
import { hash, TestClock } from '../../support.js'

const DIMS = 2
const BYTES = 100
const keyOf = (id: string) => hash.sha256(id) as Key
const embeddingOf = (id: string): Embedding => ({
  vector: Float32Array.of(id.length, Number(id)),
  tokens: 1,
  truncated: false,
  device: 'cpu',
})

const rowsOf = (ids: readonly string[]) => Buffer.concat(ids.map(id => encodeVec(embeddingOf(id))))

function tiers(capacity: number, capacityBytes = capacity * BYTES) {
  const memory = new MemoryTier<Embedding>({
    capacity,
    capacityBytes,
    sizeOf: () => BYTES,
    pool: new EmbeddingPool(DIMS, 8),
    clock: new TestClock(),
  })
  const warm = new WarmTier<Embedding>({
    keyOf,
    decode: bytes => decodeVec(bytes, DIMS),
    rowBytes: vecBytes(DIMS),
    stands: () => true,
    entryBytes: BYTES,
  })
  memory.warm = warm
  return { memory, warm }
}

const inOrder = (ids: readonly string[]) => Uint32Array.from(ids.keys())
const planOf = (warm: WarmTier<Embedding>, ids: readonly string[]) =>
  warm.plan(packNames(ids.map(keyOf)), inOrder(ids), new NameTable(0), async () => {})

const idArb = fc.integer({ min: 0, max: 11 }).map(String)
const commandArb = fc.oneof(
  fc.record({ do: fc.constant('load' as const), ids: fc.uniqueArray(idArb, { maxLength: 8 }), skip: fc.nat(8) }),
  fc.record({ do: fc.constantFrom('get' as const, 'set' as const, 'delete' as const, 'has' as const), id: idArb }),
  fc.record({ do: fc.constant('resize' as const), to: fc.integer({ min: 0, max: 8 }) }),
  fc.record({ do: fc.constant('clear' as const) }),
)

describe('WarmTier', () => {
  it('with memory answers what was put in, and never holds more than memory may', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 8 }),
        fc.array(commandArb, { maxLength: 60 }),
        async (first, commands) => {
          let capacity = first
          const { memory, warm } = tiers(capacity)
          // Ids, the last used first: memory's own, then those that were loaded ahead.
          let own: string[] = []
          let ahead: string[] = []
          const toBounds = () => {
            own = own.slice(0, capacity)
            ahead = ahead.slice(0, Math.max(0, capacity - own.length))
          }
          const use = (id: string) => {
            own = [id, ...own.filter(other => other !== id)]
            ahead = ahead.filter(other => other !== id)
            toBounds()
          }
          for (const command of commands) {
            if (command.do === 'load') {
              const known = new NameTable(own.length)
              known.addAll(packNames(own.map(keyOf)))
              const plan = await warm.plan(
                packNames(command.ids.map(keyOf)),
                inOrder(command.ids),
                known,
                async () => {},
              )
              memory.fitWarm()
              const news = command.ids.filter(id => !own.includes(id) && !ahead.includes(id))
              expect(plan.names).toEqual(new Uint8Array(packNames(news.map(keyOf))))
              // In any order; one of them is not there any more, and one comes twice.
              const places = [...news.keys()].reverse()
              const skipped = places.filter(place => place === command.skip)
              for (const place of skipped) warm.giveUp(plan.first + place)
              warm.put(places.slice(0, 1), plan.first, rowsOf(places.slice(0, 1).map(place => news[place]!)))
              warm.put(places, plan.first, rowsOf(places.map(place => news[place]!)))
              // What is announced has its place for as long as it is awaited.
              const planned = [...ahead, ...news].slice(0, Math.max(0, capacity - own.length))
              ahead = planned.filter(id => id !== news[command.skip])
            } else if (command.do === 'get') {
              const isThere = own.includes(command.id) || ahead.includes(command.id)
              const value = memory.get(command.id)
              expect(value && [...vectorOf(value)]).toEqual(isThere ? [...embeddingOf(command.id).vector] : undefined)
              if (isThere) use(command.id)
            } else if (command.do === 'set') {
              memory.set(command.id, embeddingOf(command.id))
              if (capacity > 0) use(command.id)
            } else if (command.do === 'delete') {
              expect(memory.delete(command.id)).toBe(own.includes(command.id) || ahead.includes(command.id))
              own = own.filter(id => id !== command.id)
              ahead = ahead.filter(id => id !== command.id)
            } else if (command.do === 'has') {
              expect(memory.has(command.id)).toBe(own.includes(command.id) || ahead.includes(command.id))
            } else if (command.do === 'resize') {
              capacity = command.to
              // What was loaded ahead gives way first.
              ahead = ahead.slice(0, Math.max(0, capacity - own.length))
              memory.resize(capacity, capacity * BYTES)
              toBounds()
            } else {
              memory.clear()
              own = []
              ahead = []
            }
            expect(warm.awaited).toBe(0)
            expect([...memory.entries()].map(([id]) => id)).toEqual(own)
            const names = warm.names()
            expect(ahead.map((_, i) => nameAt(names, i))).toEqual(ahead.map(keyOf))
            const { size, bytes } = memory.stats()
            expect({ size, bytes }).toEqual({
              size: own.length + ahead.length,
              bytes: BYTES * (own.length + ahead.length),
            })
            expect(size).toBeLessThanOrEqual(capacity)
          }
        },
      ),
      { numRuns: 300 },
    )
  })

  it('does not take in what memory got, deleted or cleared while it was awaited', async () => {
    const { memory, warm } = tiers(10)
    const { first } = await planOf(warm, ['1', '2', '3'])
    memory.set('1', embeddingOf('1'))
    expect(memory.delete('2')).toBe(false)
    expect(warm.put([0], first, rowsOf(['1']))).toBe(0)
    expect(warm.put([1], first, rowsOf(['2']))).toBe(0)
    expect(warm.put([2], first, rowsOf(['3']))).toBe(1)
    const again = await planOf(warm, ['4'])
    memory.clear()
    expect(warm.put([0], again.first, rowsOf(['4']))).toBe(0)
    expect(memory.get('3')).toBeUndefined()
  })

  it('hands out a vector that stays as it is', async () => {
    const { memory, warm } = tiers(10)
    const { first } = await planOf(warm, ['1', '2'])
    warm.put([0], first, rowsOf(['1']))
    warm.put([1], first, rowsOf(['2']))
    const one = memory.get('1')!
    memory.get('2')
    memory.clear()
    const more = await planOf(warm, ['33', '44'])
    warm.put([0], more.first, rowsOf(['33']))
    warm.put([1], more.first, rowsOf(['44']))
    expect([...one.vector]).toEqual([1, 1])
  })
  it('announces nothing that memory got, and nothing at all after a clear, while it was about to', async () => {
    const { memory, warm } = tiers(10)
    warm.put([0, 1], (await planOf(warm, ['1', '2'])).first, rowsOf(['1', '2']))
    const news = ['3', '4', '5']
    const planWhile = (act: () => void) =>
      warm.plan(packNames(news.map(keyOf)), inOrder(news), new NameTable(0), async () => act())
    const { first } = await planWhile(() => {
      memory.set('3', embeddingOf('3'))
      expect(memory.get('1')).toBeDefined()
    })
    expect(warm.put([0, 1, 2], first, rowsOf(news))).toBe(2)
    for (const id of ['1', '2', ...news]) expect([...vectorOf(memory.get(id)!)]).toEqual([...embeddingOf(id).vector])
    expect(memory.stats().size).toBe(5)
    expect((await planWhile(() => memory.clear())).names).toHaveLength(0)
    expect(warm.awaited).toBe(0)
  })
})
