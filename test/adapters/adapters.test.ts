// The adapters, against the packages whose interfaces they have.
import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { EmbeddingModelV3 } from '@ai-sdk/provider'
import { type BaseStore, InMemoryStore } from '@langchain/core/stores'
import fc from 'fast-check'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { embeddingModel } from '../../src/adapters/ai-sdk.js'
import { OpDbusEmbeddings, OpDbusStore } from '../../src/adapters/langchain.js'
import { openCaches } from '../../src/node.js'
import { openMapStore } from '../../src/stores/map.js'
import { clientModule, clientPackages } from '../server/client-packages.js'
import { fakeEmbedder, fakeVector } from '../server/daemon.js'
import { newFolder } from '../support.js'

const dir = newFolder()
const embedder = fakeEmbedder()
const caches = await openCaches({ dir, embedder })
beforeEach(() => caches.clear())
afterAll(async () => {
  await caches.close()
  rmSync(dir, { recursive: true })
})

const plain = (text: string) => [...fakeVector(text)]
const TEXTS = ['a', 'b', 'a', 'c']

async function keysOf(store: BaseStore<string, Uint8Array>, prefix: string | undefined): Promise<Set<string>> {
  const keys = new Set<string>()
  for await (const key of store.yieldKeys(prefix)) keys.add(key)
  return keys
}

describe.skipIf(clientPackages === undefined)('op-dbus/ai-sdk (skipped where npm cannot install ai)', () => {
  it.each([
    ['ai', 20],
    ['ai-7', 22],
  ])('%s', async (sdk, least) => {
    if (Number.parseInt(process.versions.node, 10) < least) return
    const { embed, embedMany, cosineSimilarity } = await clientModule(sdk)
    const model = embeddingModel(caches, { modelId: 'mine' })
    embedder.computed.length = 0
    const many = await embedMany({ model, values: TEXTS })
    expect(many.embeddings).toEqual(TEXTS.map(plain))
    expect(many.usage).toEqual({ tokens: 0 })
    expect(many.warnings).toEqual([])
    expect(many.providerMetadata['op-dbus'].sources).toEqual(['computed', 'computed', 'memory', 'computed'])
    const one = await embed({ model, value: 'b' })
    expect(cosineSimilarity(one.embedding, many.embeddings[1])).toBeCloseTo(1)
    expect(embedder.computed).toEqual(['a', 'b', 'c'])
    const gone = AbortSignal.abort()
    await expect(embed({ model, value: 'new', abortSignal: gone, maxRetries: 0 })).rejects.toThrow()
  })
})

it('the model of the AI SDK says what was cut', async () => {
  const builtin = await openCaches({ dir, model: 'builtin' })
  const values = ['short', 'disk sda1 is full '.repeat(60)]
  // As the SDK's own type has it: what the adapter says of itself is written by hand.
  const model: EmbeddingModelV3 = embeddingModel(builtin)
  const { usage, warnings } = await model.doEmbed({ values })
  expect(usage!.tokens).toBeGreaterThan(128)
  expect(warnings).toEqual([{ type: 'other', message: '1 of 2 texts are longer than the model sees' }])
  await builtin.close()
})

describe('op-dbus/langchain', () => {
  it('embeddings are the cache', async () => {
    const embeddings = new OpDbusEmbeddings({ caches })
    embedder.computed.length = 0
    expect(await embeddings.embedDocuments(TEXTS)).toEqual(TEXTS.map(plain))
    expect(await embeddings.embedQuery('c')).toEqual(plain('c'))
    expect(await embeddings.embedDocuments([])).toEqual([])
    expect(embedder.computed).toEqual(['a', 'b', 'c'])
  })

  it('a store does what the one in memory does', async () => {
    const key = fc.constantFrom('', 'a', 'ab', 'ns:a', 'ns:b', '../up', 'Größe/漢字', 'x'.repeat(300))
    const value = fc.uint8Array({ maxLength: 20 })
    const step = fc.oneof(
      fc.record({ set: fc.array(fc.tuple(key, value), { maxLength: 4 }) }),
      fc.record({ delete: fc.array(key, { maxLength: 3 }) }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 8 }), async steps => {
        const [ours, theirs] = [new OpDbusStore({ store: openMapStore() }), new InMemoryStore<Uint8Array>()]
        for (const step of steps) {
          for (const store of [ours, theirs]) {
            if ('set' in step) await store.mset(step.set)
            else await store.mdelete(step.delete)
          }
          const keys = ['', 'a', 'ab', 'ns:a', 'ns:b', '../up', 'Größe/漢字', 'x'.repeat(300), 'never']
          expect(await ours.mget(keys)).toEqual(await theirs.mget(keys))
          for (const prefix of [undefined, '', 'ns:', 'none']) {
            expect(await keysOf(ours, prefix)).toEqual(await keysOf(theirs, prefix))
          }
        }
      }),
      { numRuns: 50 },
    )
  })

  it('a store in a folder is there for the next, and what is damaged is not there', async () => {
    const folder = join(dir, 'bytes')
    const bytes = Uint8Array.of(0, 255, 1)
    await OpDbusStore.fromPath(folder).mset([
      ['a', bytes],
      ['b', bytes],
    ])
    const again = OpDbusStore.fromPath(folder)
    expect(await again.mget(['a', 'b', 'c'])).toEqual([bytes, bytes, undefined])
    for (const name of readdirSync(folder)) writeFileSync(join(folder, name), 'damaged')
    expect(await OpDbusStore.fromPath(folder).mget(['a'])).toEqual([undefined])
    await expect(again.mset([['a', 'text' as never]])).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    await expect(again.mget([1 as never])).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  })
})
