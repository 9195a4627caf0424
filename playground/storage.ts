// Whether IndexedDB keeps the vectors, in words. Pure.
import type { Stats, StorageProblemKind } from '../src/public.js'

export interface Trouble {
  /** Nothing is found there either: a look-up passes it by. */
  readonly off: boolean
  /** At the tier. */
  readonly word: string
  /** One sentence for the page. */
  readonly notice: string
}

const WORDS: Readonly<Record<StorageProblemKind, string>> = {
  missing: 'not in this browser',
  denied: 'blocked',
  silent: 'does not answer',
  full: 'full',
  closed: 'closed by the browser',
  newer: 'of a newer page',
  foreign: 'not ours',
  failed: 'fails',
}

/** Undefined while IndexedDB keeps vectors, or nobody has asked it yet. */
export function storageTrouble(stats: Pick<Stats, 'storage'> | undefined): Trouble | undefined {
  const { problem: notice, problemKind: kind } = stats?.storage ?? {}
  if (notice === undefined || kind === undefined) return undefined
  // What is full still answers for what it has.
  return { off: kind !== 'full', word: WORDS[kind], notice }
}

/** A warning of the library's that says what the notice says. */
export function isOfStorage(warning: string): boolean {
  return /^cannot (read|write) the embedding cache\b/.test(warning)
}
