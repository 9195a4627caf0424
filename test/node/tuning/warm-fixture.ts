// Caches with a warm start over real folders, with an embedder whose vectors are known, and the list that they leave.
import { expect } from 'vitest'
import type { CacheSet } from '../../../src/caches/cache-set.js'
import type { WarmedEvent } from '../../../src/diagnostics.js'
import { type HotList, hotListPath, readHotList } from '../../../src/node/tuning/hot-list.js'
import { type OpenOptions, openCaches } from '../../../src/node.js'
import type { Key } from '../../../src/ports.js'
import { hash, temporaryFolder } from '../../support.js'

export const DIMS = 4
export const OWN_SPACE = 'sums@1'
/** The same as caches call it. */
export const SPACE = await spaceOf()

export function vectorOf(text: string): number[] {
  return [text.length, ...[1, 2, 3].map(i => text.charCodeAt(text.length - i) || 0)]
}

/** Caches, what they warned of, what they computed, and what was loaded once that is over. */
export async function open(dir: string, options: OpenOptions = {}) {
  const warnings: string[] = []
  const computed: string[] = []
  const caches = await openCaches({
    dir,
    warmStart: true,
    onWarning: message => warnings.push(message),
    embedder: {
      space: OWN_SPACE,
      dims: DIMS,
      async embed(texts) {
        computed.push(...texts)
        return Float32Array.from(texts.flatMap(vectorOf))
      },
    },
    ...options,
  })
  const warmed = new Promise<WarmedEvent>(resolve => void caches.on('warmed', resolve))
  return { caches, warnings, computed, warmed }
}

export const texts = Array.from({ length: 300 }, (_, i) => `text number ${i}`)
export const keyOf = (text: string) => hash.sha256(`${SPACE.length}:${SPACE}${text}`) as Key

export async function fill(dir: string, some = texts): Promise<void> {
  const { caches } = await open(dir)
  await caches.embeddings.embedMany(some)
  await caches.close()
}

export async function expectAll({ embeddings }: CacheSet, some: readonly string[], source: string): Promise<void> {
  for (const text of some) {
    const found = await embeddings.getOrEmbed(text)
    expect([text, found.source, [...found.vector]]).toEqual([text, source, vectorOf(text)])
  }
}

/** The list that lies in the folder now. */
export function list(dir: string): HotList {
  const found = readHotList(hotListPath(dir, SPACE), SPACE)
  return typeof found === 'string' ? expect.fail(found) : found
}

async function spaceOf(): Promise<string> {
  const { caches } = await open(temporaryFolder(), { embeddingDiskCache: false })
  const { space } = await caches.embeddings.computing()
  await caches.close()
  return space
}
