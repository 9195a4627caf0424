// Embeddings in memory as rows of slabs, against a plain list: what is held, in which order, and that nothing that was handed out
// ever changes, whatever happens to the entry.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MemoryTier } from '../../src/cache/memory-tier.js'
import { EmbeddingPool, vectorOf } from '../../src/caches/embedding-pool.js'
import type { Embedding } from '../../src/ports.js'
import { TestClock } from '../support.js'

const DIMS = 3
const ROWS = 4
const SLAB_BYTES = 4 * DIMS * ROWS

const embeddingOf = (seed: number): Embedding => ({
  vector: Float32Array.of(seed, -seed, seed / 3),
  tokens: seed,
  truncated: seed % 2 === 0,
  device: seed % 3 === 0 ? 'cpu' : 'webgpu',
})

/** Weighs differently for each text, so that the bound of bytes takes away more than one entry at a time. */
const sizeOf = (id: string) => 10 * (1 + (Number(id) % 3))

const poolOf = () => new EmbeddingPool(DIMS, DIMS * ROWS)

interface ModelEntry {
  readonly id: string
  readonly seed: number
  readonly ends: number
}

/** Least recently used first, in the plainest way. */
class Model {
  entries: ModelEntry[] = []
  evictions = 0

  constructor(
    private capacity: number,
    private bytes: number,
    private readonly clock: TestClock,
  ) {}

  use(id: string): number | undefined {
    const entry = this.#take(id)
    if (entry === undefined || entry.ends < this.clock.monotonic()) return undefined
    this.entries.push(entry)
    return entry.seed
  }

  set(id: string, seed: number, ttl: number | undefined): void {
    if (this.capacity === 0 || (ttl !== undefined && ttl <= 0)) return
    this.#take(id)
    if (sizeOf(id) > this.bytes) return
    this.entries.push({ id, seed, ends: ttl === undefined ? Infinity : this.clock.monotonic() + ttl })
    this.#evict()
  }

  delete(id: string): boolean {
    return this.#take(id) !== undefined
  }

  resize(capacity: number, bytes: number): void {
    this.capacity = capacity
    this.bytes = bytes
    this.entries = this.entries.filter(entry => entry.ends >= this.clock.monotonic())
    const fitting = this.entries.filter(entry => sizeOf(entry.id) <= bytes)
    this.evictions += this.entries.length - fitting.length
    this.entries = fitting
    this.#evict()
  }

  /** Alive, most recently used first. */
  list(): ModelEntry[] {
    return this.entries.filter(entry => entry.ends >= this.clock.monotonic()).reverse()
  }

  #evict(): void {
    const weight = () => this.entries.reduce((sum, entry) => sum + sizeOf(entry.id), 0)
    while (this.entries.length > this.capacity || weight() > this.bytes) {
      this.entries.shift()
      this.evictions++
    }
  }

  #take(id: string): ModelEntry | undefined {
    const at = this.entries.findIndex(entry => entry.id === id)
    return at < 0 ? undefined : this.entries.splice(at, 1)[0]
  }
}

/** Looks at all entries. Not after every step: what was listed counts as handed out, and is let go of in another way. */
function compare(tier: MemoryTier<Embedding>, model: Model): void {
  const found = [...tier.entries()].map(([id, embedding]) => [id, ...vectorOf(embedding)])
  expect(found).toEqual(model.list().map(({ id, seed }) => [id, ...embeddingOf(seed).vector]))
}

const id = fc.integer({ min: 0, max: 23 }).map(String)
const step = fc.oneof(
  {
    weight: 24,
    arbitrary: fc.record({ kind: fc.constant('set' as const), id, ttl: fc.option(fc.integer({ min: 0, max: 9 })) }),
  },
  { weight: 8, arbitrary: fc.record({ kind: fc.constantFrom('view', 'hold', 'copy', 'touch', 'delete'), id }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('entries' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('clear' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 5 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('resize' as const),
      capacity: fc.integer({ min: 0, max: 20 }),
      bytes: fc.integer({ min: 1, max: 400 }),
    }),
  },
)

describe('embeddings in memory', () => {
  it('are those of a plain list, and what was handed out never changes', () => {
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 150, maxLength: 150 }),
        fc.integer({ min: 1, max: 20 }),
        (steps, capacity) => {
          const clock = new TestClock()
          const pool = poolOf()
          const tier = new MemoryTier<Embedding>({
            capacity,
            capacityBytes: 400,
            sizeOf: (_embedding, text) => sizeOf(text),
            pool,
            clock,
            clockResolutionMs: 0,
          })
          const model = new Model(capacity, 400, clock)
          const views: [Float32Array, number][] = []
          const held: [Embedding, number][] = []
          let seed = 0
          for (const step of steps) {
            if (step.kind === 'set') {
              seed++
              tier.set(step.id, embeddingOf(seed), step.ttl ?? undefined)
              model.set(step.id, seed, step.ttl ?? undefined)
            } else if (step.kind === 'view' || step.kind === 'hold' || step.kind === 'copy') {
              const found = tier.get(step.id)
              const expected = model.use(step.id)
              expect(found === undefined).toBe(expected === undefined)
              if (found === undefined || expected === undefined) continue
              if (step.kind === 'hold') held.push([found, expected])
              else if (step.kind === 'copy') expect(vectorOf(found)).toEqual(embeddingOf(expected).vector)
              else {
                expect(found.vector).toBe(tier.get(step.id)!.vector)
                expect(found.vector.buffer.byteLength).toBe(4 * DIMS)
                views.push([found.vector, expected])
              }
            } else if (step.kind === 'touch') {
              tier.touch(step.id)
              model.use(step.id)
            } else if (step.kind === 'delete') {
              expect(tier.delete(step.id)).toBe(model.delete(step.id))
            } else if (step.kind === 'entries') {
              compare(tier, model)
            } else if (step.kind === 'clear') {
              tier.clear()
              model.entries = []
            } else if (step.kind === 'wait') {
              clock.advance(step.ms)
            } else if (step.kind === 'resize') {
              tier.resize(step.capacity, step.bytes)
              model.resize(step.capacity, step.bytes)
            }
            expect(tier.counts.evictions).toBe(model.evictions)
            // The rows in use, what is left of the last slab, and an empty one.
            expect(pool.bytes).toBeLessThanOrEqual((Math.ceil(model.entries.length / ROWS) + 1) * SLAB_BYTES)
          }
          compare(tier, model)
          for (const [vector, of] of views) expect(vector).toEqual(embeddingOf(of).vector)
          for (const [embedding, of] of held) expect(vectorOf(embedding)).toEqual(embeddingOf(of).vector)
          for (const [{ vector, tokens, truncated, device }, of] of held)
            expect({ vector, tokens, truncated, device }).toEqual(embeddingOf(of))
        },
      ),
      { numRuns: 200 },
    )
  })
})
