// Unigram: the way through a word whose entries score highest in sum (Viterbi), characters without an entry counting as
// unknown. The sums are taken in the library's order, so that ties fall as they do there.

import { type Fields, fault, flag } from './fields.js'
import { Trie } from './trie.js'
import { CACHED_LENGTH, type Model, pushBytes, UnknownWord, WordCache } from './vocabulary.js'

/** By how much an unknown character scores below the lowest entry. */
const UNKNOWN_PENALTY = 10
/** Units after which a long word is first asked whether its beginning is settled. */
const FIRST_LOOK = 1024

export function unigram(fields: Fields): Model {
  const vocab = fields.vocab as readonly (readonly [string, number])[]
  const unknown = fields.unk_id == null ? undefined : (fields.unk_id as number)
  const byteFallback = flag(fields, 'byte_fallback', false)
  if (vocab.length === 0) fault('has an empty "model.vocab"')
  const ids = new Map<string, number>()
  const trie = new Trie()
  const scores = new Float64Array(vocab.length)
  let lowest = Number.POSITIVE_INFINITY
  let longest = 1
  for (const [id, [token, score]] of vocab.entries()) {
    ids.set(token, id)
    scores[id] = score
    lowest = Math.min(lowest, score)
    longest = Math.max(longest, token.length)
    if (token !== '') trie.set(token, id)
  }
  const unknownScore = lowest - UNKNOWN_PENALTY
  const cache = new WordCache()
  let best = newPaths(256)

  return { size: vocab.length, idOf: token => ids.get(token), encode }

  function encode(word: string, most: number, out: number[]): void {
    if (word.length > CACHED_LENGTH) find(word, most, out)
    else cache.encode(word, out, found => find(word, Number.POSITIVE_INFINITY, found))
  }

  function find(word: string, most: number, out: number[]): void {
    const size = word.length
    if (best.score.length <= size) best = newPaths(2 * size)
    const { score, start, id } = best
    start.fill(-1, 0, size + 1)
    score[0] = 0
    let look = Math.max(FIRST_LOOK, 2 * longest)
    for (let at = 0; at < size; ) {
      if (at >= look) {
        look *= 2
        if (settle(word, at, most, out)) return
      }
      const here = score[at]!
      const next = at + (word.codePointAt(at)! > 0xffff ? 2 : 1)
      let single = false
      for (let node = 0, end = at; end < size; ) {
        node = trie.next(node, word.charCodeAt(end++))
        if (node < 0) break
        const entry = trie.value(node)
        if (entry < 0) continue
        reach(end, scores[entry]! + here, at, entry)
        if (end === next) single = true
      }
      if (!single && (start[next] === -1 || unknownScore + here > score[next]!)) {
        if (unknown === undefined) throw new UnknownWord()
        reach(next, unknownScore + here, at, unknown)
      }
      at = next
    }
    collect(word, size, out)

    function reach(end: number, sum: number, from: number, entry: number): void {
      if (start[end] !== -1 && sum <= score[end]!) return
      score[end] = sum
      start[end] = from
      id[end] = entry
    }
  }

  /**
   * Every way to the end of the word has a place among the last `longest` before `at`, and is the best way up to there. Where
   * all of these have a place in common, what lies before it is settled whatever follows. True when that is enough.
   */
  function settle(word: string, at: number, most: number, out: number[]): boolean {
    const { start, id } = best
    const marked = new Uint8Array(at + 1)
    let ways = 0
    for (let place = at; place > Math.max(at - longest, 0); place--) {
      if (start[place] === -1) continue
      marked[place] = 1
      ways++
    }
    let place = at
    for (; ways > 1; place--) {
      if (!marked[place]) continue
      marked[place] = 0
      const before = start[place]!
      if (marked[before]) ways--
      else marked[before] = 1
    }
    while (!marked[place]) place--
    // Unknown characters at the end may go on behind it.
    while (place > 0 && id[place] === unknown) place = start[place]!
    const ids: number[] = []
    collect(word, place, ids)
    if (ids.length < most) return false
    for (const found of ids) out.push(found)
    return true
  }

  /** Appends the ids of the best way to `end`. Unknown characters side by side are one piece. */
  function collect(word: string, end: number, out: number[]): void {
    const { start, id } = best
    const pieces: number[] = []
    for (let place = end; place > 0; ) {
      let from = start[place]!
      if (id[place] === unknown) while (from > 0 && id[from] === unknown) from = start[from]!
      pieces.push(from, place)
      place = from
    }
    for (let i = pieces.length - 2; i >= 0; i -= 2) {
      const [from, to] = [pieces[i]!, pieces[i + 1]!]
      if (id[to] !== unknown) out.push(id[to]!)
      else pushUnknown(word.slice(from, to), out)
    }
  }

  function pushUnknown(piece: string, out: number[]): void {
    const entry = ids.get(piece)
    if (entry !== undefined) out.push(entry)
    else if (!byteFallback || !pushBytes(piece, ids, out)) out.push(unknown!)
  }
}

/** Of each place in a word: the best sum up to it, and the start and id of the entry by which it is reached. */
function newPaths(size: number) {
  return { score: new Float64Array(size + 1), start: new Int32Array(size + 1), id: new Int32Array(size + 1) }
}
