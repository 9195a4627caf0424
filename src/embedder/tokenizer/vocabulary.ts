// What every kind of model is to the tokenizer, words in and ids out, and what they share.

import { type Fields, fault, isFields } from './fields.js'

/** Cuts words into entries of a vocabulary. */
export interface Model {
  /** How many entries the vocabulary has. */
  readonly size: number
  /** The id of an entry of the vocabulary. */
  idOf(token: string): number | undefined
  /**
   * Appends the ids of `word` to `out`. May leave off once `most` were appended, and then has appended at least so many,
   * the same as without a limit. Throws UnknownWord where the word has none.
   */
  encode(word: string, most: number, out: number[]): void
}

/** A word for which the vocabulary has no id, nor one for unknown words. */
export class UnknownWord extends Error {}

/** The table in `model.vocab`. Its shape was looked at before (file-fault.ts). */
export function vocabularyOf(fields: Fields): Map<string, number> {
  const { vocab } = fields
  return isFields(vocab)
    ? new Map(Object.entries(vocab) as [string, number][])
    : fault('has a "model.vocab" that is no table')
}

/** Length in characters (code points), counted no further than to `most` + 1. */
export function lengthUpTo(word: string, most: number): number {
  if (word.length <= most) return word.length
  let length = 0
  for (let at = 0; at < word.length && length <= most; length++) at += word.codePointAt(at)! > 0xffff ? 2 : 1
  return length
}

/** Appends the ids of `<0x00>` to `<0xFF>` for the UTF-8 bytes of `piece`; false, and nothing, where one has none. */
export function pushBytes(piece: string, ids: ReadonlyMap<string, number>, out: number[]): boolean {
  const before = out.length
  for (const byte of new TextEncoder().encode(piece)) {
    const id = ids.get(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`)
    if (id === undefined) {
      out.length = before
      return false
    }
    out.push(id)
  }
  return true
}

/** Ids of words that come again and again; words are forgotten all at once when it is full. */
export class WordCache {
  readonly #ids = new Map<string, readonly number[]>()

  /** Appends the ids of `word`, found by `encode` when it is new. */
  encode(word: string, out: number[], encode: (ids: number[]) => void): void {
    let ids = this.#ids.get(word)
    if (!ids) {
      const found: number[] = []
      encode(found)
      if (this.#ids.size >= MOST_WORDS) this.#ids.clear()
      this.#ids.set(word, found)
      ids = found
    }
    for (let i = 0; i < ids.length; i++) out.push(ids[i]!)
  }
}

const MOST_WORDS = 10_000
/** Words up to this many UTF-16 units are worth remembering. */
export const CACHED_LENGTH = 64
