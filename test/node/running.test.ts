// What stats() of the built library says of the sessions that compute.
import { openCaches } from 'op-dbus'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../support.js'

test.each([
  [{ threads: 2 }, 2],
  [{ threads: 8 }, 4],
  [{ threads: 2, workers: 2 }, 1],
  [{ threads: 1, workers: 3 }, 1],
])('%j: %i thread(s) for a session, one session for few texts', async (settings, threads) => {
  const caches = await openCaches({ dir: temporaryFolder(), device: 'cpu', ...settings })
  try {
    expect((await caches.stats()).embeddings.running).toBeUndefined()
    await caches.embeddings.embedMany(['a', 'b'])
    const running = { device: 'cpu', refused: [], workers: 1, threads, batchTokens: undefined }
    expect((await caches.stats()).embeddings.running).toEqual(running)
  } finally {
    await caches.close()
  }
})

test('with patterns it is told as well', async () => {
  const caches = await openCaches({ dir: temporaryFolder(), device: 'cpu', patterns: 'template' })
  await caches.embeddings.getOrEmbed('Created container 100')
  expect((await caches.stats()).embeddings.running).toMatchObject({ device: 'cpu', workers: 1 })
  await caches.close()
})

test('an embedder of the user’s own says nothing of it', async () => {
  const embedder = { space: 'mine', dims: 1, embed: async (texts: readonly string[]) => new Float32Array(texts.length) }
  const caches = await openCaches({ dir: temporaryFolder(), embedder })
  await caches.embeddings.getOrEmbed('a')
  expect((await caches.stats()).embeddings.running).toBeUndefined()
  await caches.close()
})
