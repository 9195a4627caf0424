// An answer does not wait for the disk: what was computed is handed over first, and written after.
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openCaches } from '../../src/node.js'
import { HEADER_BYTES } from '../../src/stores/segments/format.js'
import { temporaryFolder } from '../support.js'

it('hands a vector over before a byte of it is on disk, where it lies after a close', async () => {
  const dir = temporaryFolder()
  const dims = 512
  /** Bytes of vectors: a segment that was begun has a header alone. */
  const written = () => {
    const all = readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.vec'))
    return all.reduce((sum, name) => sum + Math.max(0, statSync(join(dir, name)).size - HEADER_BYTES), 0)
  }
  const embedder = {
    space: 's@1',
    dims,
    embed: async (texts: readonly string[]) => new Float32Array(texts.length * dims).fill(1),
  }
  const caches = await openCaches({ dir, embedder, embeddingCacheSize: 0 })
  const texts = ['one', 'two', 'three', 'four']
  for (const text of texts) {
    const { source } = await caches.embeddings.getOrEmbed(text)
    // In the same turn in which the answer came: no timer has run since.
    expect([source, written()]).toEqual(['computed', 0])
  }
  await caches.close()
  expect(written()).toBeGreaterThan(texts.length * 4 * dims)
})
