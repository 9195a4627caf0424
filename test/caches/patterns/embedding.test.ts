// Patterns in the embedding cache: what is computed, what it is called, under which key it is kept, in both modes.
import { describe, expect, it } from 'vitest'
import { embeddingKey } from '../../../src/cache/hash.js'
import { type Codec, StoreTier } from '../../../src/cache/store-tier.js'
import { decodeVec, encodeVec } from '../../../src/cache/vec.js'
import { EmbeddingCache } from '../../../src/caches/embedding-cache.js'
import { TemplatePatterns } from '../../../src/caches/patterns/modes.js'
import { planPatterns } from '../../../src/compose-patterns.js'
import type { PatternSetting } from '../../../src/config-patterns.js'
import { createMasker } from '../../../src/embedder/patterns/masker.js'
import type { Embedder, Embedding, Space, Store } from '../../../src/ports.js'
import { openMapStore } from '../../../src/stores/map.js'
import { deferred, hash, TestClock } from '../../support.js'

const DIMS = 2

/** Vectors of length 1 that turn a little with the text's last number; records what it computed. */
class Counting implements Embedder {
  readonly space = 'exact' as Space
  readonly description = {}
  readonly dims = DIMS
  readonly rows: string[] = []
  room = 1e6
  /** Radians per unit of the last number. */
  turn = 1e-4
  /** Awaited before a row is answered. */
  gate: Promise<unknown> = Promise.resolve()

  async embed(text: string): Promise<Embedding> {
    this.rows.push(text)
    await this.gate
    const angle = this.turn * Number(/\d+(?=\D*$)/.exec(text)?.[0] ?? 0)
    return { vector: new Float32Array([Math.cos(angle), Math.sin(angle)]), tokens: 1, truncated: false, device: 'cpu' }
  }

  async close(): Promise<void> {}
}

function codec(space: Space): Codec<Embedding> {
  return {
    key: text => embeddingKey(hash, space, text),
    encode: (_text, embedding) => encodeVec(embedding),
    decode(_text, bytes) {
      const value = decodeVec(bytes, DIMS)
      return value && { value }
    },
  }
}

/** A cache over `store`, as a process of its own would open it. Its patterns need no trial. */
function newCache(embedder: Embedder, patterns: PatternSetting, store?: Store): EmbeddingCache {
  const clock = new TestClock()
  const warn = () => {}
  const plan = planPatterns(patterns, { hash, warn, evidence: { trials: 0, variety: 1 } })
  return new EmbeddingCache({
    capacity: 1000,
    clock,
    async open() {
      const opened = plan?.embedder(embedder) ?? embedder
      const tiers = store ? [new StoreTier({ source: 'disk', store, codec: codec(opened.space), clock, warn })] : []
      return { embedder: opened, tiers, patterns: await plan?.open(opened) }
    },
  })
}

const containers = (from: number, count: number) =>
  Array.from({ length: count }, (_, i) => `Created container ${from + i}`)

describe('patterns off', () => {
  it('change nothing and say nothing', async () => {
    const cache = newCache(new Counting(), 'off')
    const result = await cache.getOrEmbed('Created container 100')
    expect(Object.keys(result).sort()).toEqual(['device', 'source', 'tokens', 'truncated', 'vector'])
    expect(await cache.embedMany(['a'])).not.toHaveProperty('templates')
  })
})

describe('patterns template', () => {
  it('the strategy’s example: 100 is computed, 101 and 102 are pattern hits', async () => {
    const embedder = new Counting()
    const cache = newCache(embedder, 'template')
    const results = []
    for (const text of containers(100, 3)) results.push(await cache.getOrEmbed(text))
    expect(results.map(({ source }) => source)).toEqual(['computed', 'pattern', 'pattern'])
    expect(results.map(({ template }) => template)).toEqual(Array(3).fill('Created container <number>'))
    expect(results[2]!.vector).toEqual(results[0]!.vector)
    expect(results[2]!.vector.buffer).not.toBe(results[0]!.vector.buffer)
    expect(results[2]).not.toHaveProperty('bound')
    expect(embedder.rows).toEqual(['Created container <number>'])
    expect(cache.patternCounts()).toMatchObject({ patterns: 1, hits: 2 })
  })

  it('asked all at once: one computation, one computed, the others pattern', async () => {
    const embedder = new Counting()
    const gate = deferred<void>()
    embedder.gate = gate.promise
    const cache = newCache(embedder, 'template')
    const asked = containers(100, 20).map(text => cache.getOrEmbed(text))
    gate.resolve()
    const sources = (await Promise.all(asked)).map(({ source }) => source)
    expect(sources).toEqual(['computed', ...Array(19).fill('pattern')])
    expect(embedder.rows).toHaveLength(1)
  })

  it('over a second process: all three from disk, as pattern hits', async () => {
    const store = openMapStore()
    await newCache(new Counting(), 'template', store).embedMany(containers(100, 3))
    const embedder = new Counting()
    const later = newCache(embedder, 'template', store)
    for (const text of containers(100, 3)) expect((await later.getOrEmbed(text)).source).toBe('pattern')
    expect(embedder.rows).toEqual([])
    expect((await later.stats()).hits).toBe(3)
  })

  it('a text without variables is memory, disk or computed as always, and its own template', async () => {
    const store = openMapStore()
    const cache = newCache(new Counting(), 'template', store)
    expect(await cache.getOrEmbed('status 404')).toMatchObject({ source: 'computed', template: 'status 404' })
    expect(await cache.getOrEmbed('status 404')).toMatchObject({ source: 'memory', template: 'status 404' })
    const later = newCache(new Counting(), 'template', store)
    expect(await later.getOrEmbed('status 404')).toMatchObject({ source: 'disk' })
    expect(later.patternCounts()).toMatchObject({ patterns: 0, hits: 0 })
  })

  it('in a batch: each row its source and template, each template once', async () => {
    const embedder = new Counting()
    const cache = newCache(embedder, 'template')
    const texts = ['up 17', 'status 200', 'up 18', 'status 404', 'status 200', 'up 17', 'plain']
    const { sources, templates, matrix, bound } = await cache.embedMany(texts)
    expect(sources).toEqual(['computed', 'computed', 'pattern', 'computed', 'memory', 'pattern', 'computed'])
    const up = 'up <number>'
    expect(templates).toEqual([up, 'status 200', up, 'status 404', 'status 200', up, 'plain'])
    expect(embedder.rows).toEqual([up, 'status 200', 'status 404', 'plain'])
    expect(matrix.subarray(4, 6)).toEqual(matrix.subarray(0, 2))
    expect(bound).toBeUndefined()
    expect((await cache.embedMany(['up 19', 'plain'])).sources).toEqual(['pattern', 'memory'])
  })

  it('a batch that joins another caller’s computation calls it a pattern hit', async () => {
    const embedder = new Counting()
    const gate = deferred<void>()
    embedder.gate = gate.promise
    const cache = newCache(embedder, 'template')
    const [one, many] = [cache.getOrEmbed('up 17'), cache.embedMany(['up 18', 'up 19'])]
    gate.resolve()
    expect((await one).source).toBe('computed')
    expect((await many).sources).toEqual(['pattern', 'pattern'])
  })

  it('never mixes with exact vectors on the same disk', async () => {
    const store = openMapStore()
    await newCache(new Counting(), 'off', store).embedMany(['plain', 'up 17', 'up <number>'])
    const embedder = new Counting()
    const cache = newCache(embedder, 'template', store)
    expect((await cache.embedMany(['plain', 'up 17', 'up <number>'])).sources).toEqual(Array(3).fill('computed'))
    expect(embedder.rows).toEqual(['plain', 'up <number>', 'up <<number>'])
    expect((await newCache(new Counting(), 'off', store).getOrEmbed('up <number>')).source).toBe('disk')
    const other = newCache(new Counting(), { mode: 'template', literals: ['up'] }, store)
    expect((await other.getOrEmbed('plain')).source).toBe('computed')
  })

  it('view, get, has and delete speak of the template', async () => {
    const cache = newCache(new Counting(), 'template', openMapStore())
    expect(cache.view('up 17')).toBeUndefined()
    expect(await cache.get('up 17')).toBeUndefined()
    await cache.getOrEmbed('up 17')
    expect(cache.view('up 18')).toBe(cache.view('up 17'))
    expect(await cache.get('up 18')).toMatchObject({ source: 'pattern', template: 'up <number>' })
    expect(await cache.has('up 19')).toBe(true)
    expect(await cache.delete('up 20')).toBe(true)
    expect(await cache.has('up 17')).toBe(false)
    expect(cache.view('up 17')).toBeUndefined()
  })

  it('an abort is nobody else’s', async () => {
    const embedder = new Counting()
    const gate = deferred<void>()
    embedder.gate = gate.promise
    const cache = newCache(embedder, 'template')
    await cache.has('opens the cache')
    const leaver = new AbortController()
    const left = cache.getOrEmbed('up 17', { signal: leaver.signal })
    const stays = cache.getOrEmbed('up 18', { signal: new AbortController().signal })
    await Promise.resolve()
    leaver.abort()
    await expect(left).rejects.toMatchObject({ code: 'ABORTED' })
    gate.resolve()
    expect((await stays).source).toBe('pattern')
  })
})

describe('a long batch', () => {
  it('is masked on the way, each text once, with a turn of the event loop at least every 5 ms', async () => {
    const clock = new TestClock()
    const masker = createMasker()
    let masked = 0
    const patterns = new TemplatePatterns({
      name: masker.name,
      mask(text) {
        masked++
        clock.advance(1)
        return masker.mask(text)
      },
    })
    const open = async () => ({ embedder: new Counting(), tiers: [], patterns })
    const cache = new EmbeddingCache({ capacity: 1000, clock, open })
    await cache.getOrEmbed('Created container 100')
    masked = 0
    let turns = 0
    let watching = true
    const watch = () => {
      turns++
      if (watching) setImmediate(watch)
    }
    setImmediate(watch)
    await cache.embedMany(containers(200, 300))
    watching = false
    expect(masked).toBe(300)
    expect(turns).toBeGreaterThanOrEqual(300 / 5 - 2)
  })
})

describe('patterns verified', () => {
  const verified: PatternSetting = { mode: 'verified', epsilon: 0.1, members: 4, checkShare: 0 }

  it('answers what no tier has with a member’s vector, says so and states the bound', async () => {
    const embedder = new Counting()
    const cache = newCache(embedder, verified, openMapStore())
    const results = []
    for (const text of containers(100, 8)) results.push(await cache.getOrEmbed(text))
    expect(results.map(({ source }) => source)).toEqual([...Array(4).fill('computed'), ...Array(4).fill('pattern')])
    expect(results[0]).not.toHaveProperty('template')
    for (const { template, bound } of results.slice(4)) {
      expect({ template, bound }).toEqual({ template: 'Created container <number>', bound: 0.1 })
    }
    expect(embedder.rows).toEqual(containers(100, 4))
    expect(cache.patternCounts()).toMatchObject({ patterns: 1, hits: 4 })
    // A vector that stands in is a hit of the cache, not a miss.
    expect(cache.counts()).toMatchObject({ hits: 4, misses: 4 })
  })

  it('never puts a stand-in where an exact vector belongs: not in memory, not on disk', async () => {
    const store = openMapStore()
    const cache = newCache(new Counting(), verified, store)
    for (const text of containers(100, 8)) await cache.getOrEmbed(text)
    expect(cache.view('Created container 106')).toBeUndefined()
    expect(await cache.get('Created container 106')).toBeUndefined()
    expect(await cache.has('Created container 106')).toBe(false)
    const exact = newCache(new Counting(), 'off', store)
    expect((await exact.embedMany(containers(100, 8))).sources).toEqual([
      ...Array(4).fill('disk'),
      ...Array(4).fill('computed'),
    ])
  })

  it('asks the exact tiers first', async () => {
    const store = openMapStore()
    await newCache(new Counting(), 'off', store).embedMany(containers(104, 1))
    const cache = newCache(new Counting(), verified, store)
    const sources = []
    for (const text of containers(100, 6)) sources.push((await cache.getOrEmbed(text)).source)
    expect(sources).toEqual([...Array(4).fill('computed'), 'disk', 'pattern'])
    expect((await cache.getOrEmbed('Created container 100')).source).toBe('memory')
  })

  it('stores what a check computed, and serves it as computed', async () => {
    const cache = newCache(new Counting(), { ...verified, checkShare: 1 })
    for (const text of containers(100, 6)) expect((await cache.getOrEmbed(text)).source).toBe('computed')
    expect(cache.view('Created container 105')).toBeDefined()
    expect(cache.patternCounts()).toMatchObject({ patterns: 1, hits: 0, checks: 2 })
    expect(cache.patternCounts().worstError).toBeGreaterThan(0)
  })

  it('in a batch: a pattern learns from its first rows and serves the rest of the same batch', async () => {
    const embedder = new Counting()
    const cache = newCache(embedder, verified)
    const texts = [...containers(100, 50), 'plain', ...containers(120, 10), 'plain']
    const { sources, templates, bound, matrix } = await cache.embedMany(texts)
    expect(embedder.rows.filter(text => text !== 'plain')).toEqual(containers(100, 4))
    expect(sources.filter(source => source === 'pattern')).toHaveLength(46 + 10)
    expect([sources[50], sources[61]]).toEqual(['computed', 'memory'])
    expect(bound).toBe(0.1)
    texts.forEach((text, i) => {
      expect(templates![i]).toBe(sources[i] === 'pattern' ? 'Created container <number>' : undefined)
      const exact = 1e-4 * Number(/\d+/.exec(text)?.[0] ?? 0)
      const off = Math.hypot(matrix[2 * i]! - Math.cos(exact), matrix[2 * i + 1]! - Math.sin(exact))
      expect(off).toBeLessThanOrEqual(sources[i] === 'pattern' ? bound! : 1e-6)
    })
  })

  it('refuses a pattern whose members differ, and tells which', async () => {
    const embedder = new Counting()
    embedder.turn = 0.3
    const cache = newCache(embedder, verified)
    const { sources } = await cache.embedMany(containers(100, 10))
    expect(sources).toEqual(Array(10).fill('computed'))
    expect(cache.patternCounts()).toMatchObject({ patterns: 0, hits: 0, refusals: 1 })
    expect(cache.refusal).toMatchObject({ template: 'Created container <number>', allowed: 0.025 })
    expect(cache.refusal!.distance).toBeGreaterThan(0.29)
  })

  it('a deleted text is forgotten by its pattern as well', async () => {
    const cache = newCache(new Counting(), verified, openMapStore())
    await cache.embedMany(containers(100, 4))
    expect((await cache.getOrEmbed('Created container 200')).source).toBe('pattern')
    expect(await cache.delete('Created container 200')).toBe(false)
    expect((await cache.getOrEmbed('Created container 201')).source).toBe('pattern')
    expect(await cache.delete('Created container 102')).toBe(true)
    expect((await cache.getOrEmbed('Created container 202')).source).toBe('computed')
  })

  it('clear forgets patterns; close ends those who wait', async () => {
    const embedder = new Counting()
    const cache = newCache(embedder, verified, openMapStore())
    await cache.embedMany(containers(100, 4))
    await cache.clear()
    expect((await cache.getOrEmbed('Created container 200')).source).toBe('computed')
    const gate = deferred<void>()
    embedder.gate = gate.promise
    const asked = containers(300, 10).map(text => cache.getOrEmbed(text))
    const outcomes = Promise.allSettled(asked)
    await Promise.resolve()
    await cache.close()
    for (const outcome of await outcomes) expect(outcome).toMatchObject({ reason: { code: 'CLOSED' } })
    gate.resolve()
  })
})
