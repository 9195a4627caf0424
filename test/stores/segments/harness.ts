// A folder of segment stores for tests: one clock, values that tell their key, and the files underneath.
import fs, { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import type { Key, Space } from '../../../src/ports.js'
import { openSegmentStore, type SegmentOptions, type SegmentStore } from '../../../src/stores/segments.js'
import { bytesOf, keyOf } from '../../../src/testing/entries.js'
import { crc32, hash, memoryFolder, TestClock } from '../../support.js'

export const VALUE_BYTES = 24
export const SPACE = 'model@1 fp32 mean' as Space

export class SegmentBench {
  readonly dir: string
  readonly clock = new TestClock()
  readonly warnings: string[] = []
  readonly #stores: SegmentStore[] = []

  constructor(dir = join(memoryFolder(), 'embeddings')) {
    this.dir = dir
    this.clock.wall = Date.now()
  }

  open(options: Partial<SegmentOptions> = {}): SegmentStore {
    const store = openSegmentStore({
      dir: this.dir,
      space: SPACE,
      description: { model: 'model', revision: 1 },
      dims: (VALUE_BYTES - 8) / 4,
      valueBytes: VALUE_BYTES,
      budgetBytes: 2 ** 30,
      hash,
      crc32,
      clock: this.clock,
      warn: message => this.warnings.push(message),
      ...options,
    })
    this.#stores.push(store)
    return store
  }

  /** Everything that was set is on disk, and every store looks at the folder before it answers. */
  settle(): void {
    for (const store of this.#stores) store.flushSync()
    this.clock.advance(1000)
  }

  async close(): Promise<void> {
    for (const store of this.#stores.splice(0)) await store.close().catch(() => {})
  }

  /** The folder of a space. */
  folder(space: string = SPACE): string {
    return join(this.dir, hash.sha256(space).slice(0, 16))
  }

  /** The paths of the segments of a space, the oldest first. */
  segments(space: string = SPACE): string[] {
    mkdirSync(this.folder(space), { recursive: true })
    return readdirSync(this.folder(space))
      .filter(name => name.endsWith('.vec'))
      .sort()
      .map(name => join(this.folder(space), name))
  }

  /** What a folder holds, by path and content: equal before and after means nothing was touched. */
  static snapshot(dir: string): Record<string, string> {
    const names = readdirSync(dir, { recursive: true, withFileTypes: true })
    const files = names.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name))
    return Object.fromEntries(files.map(file => [file, hash.sha256(readFileSync(file, 'latin1'))]))
  }
}

/** The value that belongs to key `n`; `version` tells rewrites apart. */
export function valueFor(n: number, version = 0, length = VALUE_BYTES): Uint8Array {
  return bytesOf(n + 1_000_000 * version, length)
}

/** Keys and values `from <= n < to`. */
export function items(from: number, to: number, version = 0): [Key, Uint8Array][] {
  return Array.from({ length: to - from }, (_, i) => [keyOf(from + i), valueFor(from + i, version)])
}

/** Runs `action`, and `between` before its `moment`-th call of a function of node:fs: what another process may do there. */
export async function interrupted(
  name: 'fdatasyncSync' | 'unlinkSync' | 'writeSync' | 'renameSync' | 'readSync',
  moment: number,
  between: () => void,
  action: () => unknown,
): Promise<void> {
  const builtin = fs as unknown as Record<string, (...args: unknown[]) => unknown>
  const real = builtin[name]!
  let calls = 0
  builtin[name] = (...args) => {
    if (++calls === moment) between()
    return real(...args)
  }
  syncBuiltinESMExports()
  try {
    await action()
  } finally {
    builtin[name] = real
    syncBuiltinESMExports()
  }
}
