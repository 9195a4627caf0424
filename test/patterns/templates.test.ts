// Patterns in the embedding cache: what is computed, what it is called, under which key it is kept.
import { describe, expect, it } from 'vitest'
import type { Codec } from '../../src/cache/codec.js'
import { StoreTier } from '../../src/cache/store-tier.js'
import { EmbeddingCache } from '../../src/caches/embedding-cache.js'
import { embeddingKey } from '../../src/caches/embedding-codec.js'
import { decodeVec, encodeVec } from '../../src/caches/embedding-record.js'
import { createMasker } from '../../src/patterns/masker.js'
import type { PatternSetting } from '../../src/patterns/setting.js'
import { openTemplates, Templates } from '../../src/patterns/templates.js'
import type { Embedder, Embedding, EmbedJob, Space, Store } from '../../src/ports.js'
import { openMapStore } from '../../src/stores/map.js'
import { deferred, hash, TestClock } from '../support.js'

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

  submit(job: EmbedJob): void {
    this.rows.push(...job.texts)
    void this.gate.then(() => {
      const angles = job.texts.map(text => this.turn * Number(/\d+(?=\D*$)/.exec(text)?.[0] ?? 0))
      const matrix = Float32Array.from(angles.flatMap(angle => [Math.cos(angle), Math.sin(angle)]))
      const rows = [...job.texts.keys()]
      job.done({ rows, matrix, tokens: rows.map(() => 1), truncated: rows.map(() => 0), device: 'cpu' })
    })
  }

  drop(): void {}

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

/** A cache over `store`, as a process of its own would open it. */
function newCache(embedder: Embedder, patterns: PatternSetting, store?: Store): EmbeddingCache {
  const clock = new TestClock()
  const warn = () => {}
  const templates = openTemplates(patterns)
  return new EmbeddingCache({
    capacity: 1000,
    clock,
    async open() {
      const opened = templates?.over(embedder) ?? embedder
      const tiers = store ? [new StoreTier({ source: 'disk', store, codec: codec(opened.space), clock, warn })] : []
      return { embedder: opened, tiers, templates }
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
    expect(embedder.rows).toEqual(['Created container <number>'])
    expect(cache.patternCounts()).toMatchObject({ templates: 1, hits: 2 })
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
    expect(later.patternCounts()).toMatchObject({ templates: 0, hits: 0 })
  })

  it('in a batch: each row its source and template, each template once', async () => {
    const embedder = new Counting()
    const cache = newCache(embedder, 'template')
    const texts = ['up 17', 'status 200', 'up 18', 'status 404', 'status 200', 'up 17', 'plain']
    const { sources, templates, matrix } = await cache.embedMany(texts)
    expect(sources).toEqual(['computed', 'computed', 'pattern', 'computed', 'memory', 'pattern', 'computed'])
    const up = 'up <number>'
    expect(templates).toEqual([up, 'status 200', up, 'status 404', 'status 200', up, 'plain'])
    expect(embedder.rows).toEqual([up, 'status 200', 'status 404', 'plain'])
    expect(matrix.subarray(4, 6)).toEqual(matrix.subarray(0, 2))
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
    const templates = new Templates({
      name: masker.name,
      mask(text) {
        masked++
        clock.advance(1)
        return masker.mask(text)
      },
    })
    const open = async () => ({ embedder: new Counting(), tiers: [], templates })
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
