// What memory holds after a long batch from disk, of which only the last rows are put into memory: each text its own vector, and
// what an LRU would hold where no text comes twice.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { openCaches } from '../../src/node.js'

const TEXTS = 2000
const dir = mkdtempSync(join(tmpdir(), 'op-dbus-passing-'))
afterAll(() => rmSync(dir, { recursive: true }))

const textOf = (n: number) => `text number ${n}`
const vectorOf = (text: string) => [Number(text.slice(12)), text.length, 1]

function open(capacity: number, mayCompute = false) {
  return openCaches({
    dir,
    embeddingCacheSize: capacity,
    embeddingCacheBytes: 1e9,
    embedder: {
      space: 'passing',
      dims: 3,
      async embed(texts) {
        if (!mayCompute) expect.fail(`${texts[0]} is not on disk`)
        return new Float32Array(texts.flatMap(vectorOf))
      },
    },
  })
}

async function written(): Promise<void> {
  const caches = await open(0, true)
  await caches.embeddings.embedMany(Array.from({ length: TEXTS }, (_, n) => textOf(n)))
  await caches.close()
}

describe('a batch from disk that is longer than memory', () => {
  const filled = written()

  it('leaves the last rows in memory, newest first, and pushes nothing out twice', async () => {
    await filled
    for (const [capacity, rows] of [
      [0, 700],
      [1, 700],
      [10, 2000],
      [300, 1000],
      [700, 700],
      [1000, 700],
    ] as const) {
      const caches = await open(capacity)
      const texts = Array.from({ length: rows }, (_, n) => textOf((n * 7) % TEXTS))
      const { matrix, sources } = await caches.embeddings.embedMany(texts)
      expect([...matrix]).toEqual(texts.flatMap(vectorOf))
      expect(new Set(sources)).toEqual(new Set(['disk']))
      const held = [...caches.embeddings.entries()].map(([text]) => text)
      expect(held).toEqual(capacity === 0 ? [] : texts.slice(-capacity).reverse())
      const { evictions } = (await caches.embeddings.stats()).memory
      // A chunk of rows is put into memory or passes it by as a whole.
      expect(evictions).toBeLessThan(256)
      await caches.close()
    }
  })

  it('gives every text its own vector, whatever was repeated or in memory before, and holds what was new at its end', async () => {
    await filled
    const property = fc.asyncProperty(
      fc.integer({ min: 1, max: 600 }),
      fc.array(fc.record({ rows: fc.integer({ min: 1, max: 900 }), of: fc.integer({ min: 1, max: TEXTS }) }), {
        minLength: 1,
        maxLength: 3,
      }),
      fc.integer(),
      async (capacity, batches, seed) => {
        const caches = await open(capacity)
        let state = seed
        for (const { rows, of } of batches) {
          const texts = Array.from({ length: rows }, () => {
            state = (Math.imul(state, 1664525) + 1013904223) | 0
            return textOf((state >>> 8) % of)
          })
          // Whoever is told of progress asks for more in between.
          let asked: Promise<unknown> | undefined
          const onProgress = () => {
            asked ??= caches.embeddings.embedMany(texts.slice(0, 300).reverse())
          }
          const earlier = new Set(texts.slice(0, -capacity))
          const { matrix } = await caches.embeddings.embedMany(texts)
          expect([...matrix]).toEqual(texts.flatMap(vectorOf))
          const held = [...caches.embeddings.entries()]
          for (const [text, vector] of held) expect([...vector]).toEqual(vectorOf(text))
          expect(held.length).toBeLessThanOrEqual(capacity)
          const known = new Set(held.map(([text]) => text))
          // A memory smaller than a chunk of rows may lose one that it had to others of its chunk.
          for (const text of capacity < 256 ? [] : texts.slice(-capacity)) {
            expect(earlier.has(text) || known.has(text)).toBe(true)
          }
          const again = await caches.embeddings.embedMany(texts, { onProgress })
          expect([...again.matrix]).toEqual(texts.flatMap(vectorOf))
          await asked
        }
        await caches.close()
      },
    )
    await fc.assert(property, { numRuns: 25 })
  })
})
