// BPE: a word's characters (bytes, behind a byte-level step) become symbols, and pairs of symbols merge by rank.

import { type Fields, fault, flag, optionalText } from './fields.js'
import { type Merged, mergeAll } from './merge.js'
import { Pairs } from './pairs.js'
import { CACHED_LENGTH, type Model, pushBytes, UnknownWord, vocabularyOf, WordCache } from './vocabulary.js'

/** Words longer than this, in UTF-16 units, are merged only as far as they are needed. */
const LONG = 4096
/** With longer tokens, all places that would have to be tried cost more than the whole word. */
const LONGEST = 256

export function bpe(fields: Fields): Model {
  const vocabulary = vocabularyOf(fields)
  const prefix = optionalText(fields, 'continuing_subword_prefix') ?? ''
  const suffix = optionalText(fields, 'end_of_word_suffix') ?? ''
  const unknownToken = optionalText(fields, 'unk_token')
  const unknown = unknownToken === undefined ? undefined : vocabulary.get(unknownToken)
  const fuse = flag(fields, 'fuse_unk', false)
  const byteFallback = flag(fields, 'byte_fallback', false)
  const ignoreMerges = flag(fields, 'ignore_merges', false)
  if (fields.dropout != null && fields.dropout !== 0) fault('has a BPE model with "dropout": its ids are random')
  const { pairs, longest } = mergesOf(fields, vocabulary, prefix)
  const cache = new WordCache()

  return { size: vocabulary.size, idOf: token => vocabulary.get(token), encode }

  function encode(word: string, most: number, out: number[]): void {
    if (word.length <= CACHED_LENGTH) {
      cache.encode(word, out, found => find(word, Number.POSITIVE_INFINITY, found))
    } else {
      find(word, most, out)
    }
  }

  function find(word: string, most: number, out: number[]): void {
    const whole = ignoreMerges ? vocabulary.get(word) : undefined
    if (whole !== undefined) {
      out.push(whole)
      return
    }
    const settled = word.length > LONG ? beginningOf(word, most) : undefined
    const ids = settled ?? merge(symbolsOf(word, word.length)).ids
    for (const id of ids) out.push(id)
  }

  function merge(symbols: readonly number[], from = 0, to = symbols.length): Merged {
    return mergeAll(symbols, from, to, pairs)
  }

  /**
   * The first tokens of a long word, at least `most`; undefined where they cannot be told without the rest.
   *
   * What BPE makes of a word is the one sequence of tokens of which any two neighbours, merged by themselves, stay as they are:
   * a merge across their border would happen between the two alone as well. So the beginning of that sequence is what BPE
   * makes of the word up to any of its borders, and among any `longest` places there is one. All of these are tried.
   */
  function beginningOf(word: string, most: number): number[] | undefined {
    if (longest > LONGEST) return undefined
    for (let units = LONG; units < word.length / 2; units *= 2) {
      const symbols = symbolsOf(word, units)
      const { ids, starts } = merge(symbols)
      const count = starts.findLastIndex(start => start <= symbols.length - 3 * longest)
      if (count >= most && count > 0 && isSettled(symbols, starts[count - 1]!, starts[count]!))
        return ids.slice(0, count)
    }
    return undefined
  }

  /** Whether `border`, where a token that began at `before` ends, is one whichever of the last `longest` places is. */
  function isSettled(symbols: readonly number[], before: number, border: number): boolean {
    for (let end = symbols.length; end > symbols.length - longest; end--) {
      const next = merge(symbols, border, end).starts[1] ?? end
      const { starts } = merge(symbols, before, next)
      if (starts.length !== 2 || starts[1] !== border) return false
    }
    return true
  }

  /** The symbols of the first `units` of a word, or a few less: unknown characters at a cut may go on behind it. */
  function symbolsOf(word: string, units: number): number[] {
    const symbols: number[] = []
    let pending = false
    for (let at = 0; at < units && at < word.length; ) {
      const next = at + (word.codePointAt(at)! > 0xffff ? 2 : 1)
      let character = word.slice(at, next)
      if (at > 0) character = prefix + character
      if (next >= word.length) character += suffix
      at = next
      const id = vocabulary.get(character)
      if (id !== undefined) {
        if (pending) symbols.push(unknown!)
        pending = false
        symbols.push(id)
      } else if (!(byteFallback && pushBytes(character, vocabulary, symbols)) && unknownToken !== undefined) {
        if (unknown === undefined) throw new UnknownWord()
        if (pending && !fuse) symbols.push(unknown)
        pending = true
      }
    }
    if (pending && units >= word.length) symbols.push(unknown!)
    return symbols
  }
}

/** The merges by rank, and the length of the longest token that they make, in UTF-16 units: no fewer than its symbols. */
function mergesOf(fields: Fields, vocabulary: ReadonlyMap<string, number>, prefix: string) {
  const merges = fields.merges as readonly (string | readonly [string, string])[]
  // Files of before 2024 begin with a line for the version, as merges.txt does.
  const rows = merges.filter(merge => typeof merge !== 'string' || !merge.startsWith('#version'))
  const pairs = new Pairs(rows.length)
  let longest = 1
  const idOf = (token: string) =>
    vocabulary.get(token) ?? fault(`merges into or from ${JSON.stringify(token)}, which is not in its vocabulary`)
  for (const [rank, row] of rows.entries()) {
    const [left, right, ...more] = typeof row === 'string' ? row.split(' ') : row
    if (left === undefined || right === undefined || more.length > 0)
      fault(`has in "model.merges" an entry ${rank} that is no pair`)
    if (!right.startsWith(prefix))
      fault(`merges ${JSON.stringify(right)}, which does not begin with its "continuing_subword_prefix"`)
    const merged = left + right.slice(prefix.length)
    longest = Math.max(longest, merged.length)
    pairs.set(idOf(left), idOf(right), rank, idOf(merged))
  }
  return { pairs, longest }
}
