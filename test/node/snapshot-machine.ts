// A machine with a cache of its own whose vectors a text alone determines, for tests of snapshots; and what lies in their target.
import { createHash } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { spaceId } from '../../src/node/spaces.js'
import { openCaches } from '../../src/node.js'
import { temporaryFolder } from '../support.js'

export const DIMS = 64
/** Numbers that a text alone determines. */
const vectorOf = (text: string) => {
  const bytes = createHash('sha256').update(text).digest()
  return Float32Array.from({ length: DIMS }, (_, i) => bytes[i % 32]! - 128 + i)
}
const bytesOf = (texts: readonly string[]) => Buffer.concat(texts.map(text => Buffer.from(vectorOf(text).buffer)))
export const named = (space: string) => spaceId(JSON.stringify({ v: 1, custom: space, dims: DIMS }))

export class Machine {
  readonly dir = temporaryFolder()
  computed = 0

  constructor(readonly bytes = 2 ** 31) {}

  get options() {
    return { dir: this.dir, embeddingDiskBytes: this.bytes }
  }

  /** Asks for `text FROM` to `text TO`, and says how many were computed. */
  async ask(from: number, to: number, space = 'one'): Promise<number> {
    const before = this.computed
    const embed = async (texts: readonly string[]) => {
      this.computed += texts.length
      return Float32Array.from(texts.flatMap(text => [...vectorOf(text)]))
    }
    const caches = await openCaches({ ...this.options, embedder: { space, dims: DIMS, embed } })
    const texts = Array.from({ length: to - from }, (_, i) => `text ${from + i}`)
    const { matrix } = await caches.embeddings.embedMany(texts)
    expect(Buffer.compare(Buffer.from(matrix.buffer, matrix.byteOffset, matrix.byteLength), bytesOf(texts))).toBe(0)
    await caches.close()
    return this.computed - before
  }

  segments(space = 'one'): string[] {
    const folder = join(this.dir, 'embeddings', named(space).slice(0, 16))
    const names = existsSync(folder) ? readdirSync(folder) : []
    return names
      .filter(name => name.endsWith('.vec'))
      .sort()
      .map(name => join(folder, name))
  }
}

/** The files of a space in a folder that holds snapshots. */
export function objectsIn(target: string, space = 'one'): { segments: string[]; manifests: string[] } {
  const folder = join(target, named(space))
  const inside = (name: string) =>
    readdirSync(join(folder, name))
      .sort()
      .map(file => join(folder, name, file))
  return { segments: inside('segments'), manifests: inside('snapshots') }
}
