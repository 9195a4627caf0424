// Tokens that were added to a vocabulary: found in the text before (or, where they are `normalized`, after) it is normalised,
// and taken whole. Ids are those that the Rust library gives, which are not always those in the file.

import { type Fields, fault, flag, text } from './fields.js'
import type { Normalize } from './normalizers.js'
import { Trie } from './trie.js'
import { traitsTable, WHITE_SPACE, WORD } from './unicode.js'
import type { Model } from './vocabulary.js'

interface AddedToken {
  readonly id: number
  readonly content: string
  readonly singleWord: boolean
  readonly lstrip: boolean
  readonly rstrip: boolean
  readonly normalized: boolean
}

/** Cuts a text at the tokens of one set: `token` gets the id of each, `part` what lies between and where. True ends the walk. */
export type FindAdded = (
  input: string,
  part: (between: string, from: number) => boolean,
  token: (id: number) => boolean,
) => boolean

export interface AddedTokens {
  /** Those that are looked for in the text as it was given. */
  readonly raw: FindAdded
  /** Those that are looked for in a normalised part of it. */
  readonly normalized: FindAdded
}

export function addedTokensOf(rows: readonly Fields[], model: Model, normalize: Normalize): AddedTokens {
  const tokens = numbered(rows, model)
  return {
    raw: finder(tokens.filter(({ normalized }) => !normalized).map(token => [token.content, token])),
    normalized: finder(
      tokens.filter(({ normalized }) => normalized).map(token => [normalize(token.content, { kept: true }), token]),
    ),
  }
}

/** A token that the vocabulary has keeps its id there; the others are numbered on from its end, in the file's order. */
function numbered(rows: readonly Fields[], model: Model): AddedToken[] {
  const ids = new Map<string, number>()
  const byId = new Map<number, AddedToken>()
  let next = model.size
  for (const row of rows) {
    const content = text(row, 'content')
    if (content === '') continue
    const id = ids.get(content) ?? model.idOf(content) ?? next++
    ids.set(content, id)
    byId.set(id, {
      id,
      content,
      singleWord: flag(row, 'single_word', false),
      lstrip: flag(row, 'lstrip', false),
      rstrip: flag(row, 'rstrip', false),
      normalized: flag(row, 'normalized', !flag(row, 'special', false)),
    })
  }
  return [...byId.values()]
}

/** Leftmost first, the longest of those that begin there. */
function finder(entries: readonly (readonly [string, AddedToken])[]): FindAdded {
  if (entries.length === 0) return (input, part) => input !== '' && part(input, 0)
  const trie = new Trie()
  const tokens = entries.map(([, token]) => token)
  const firsts = new Uint8Array(0x10000)
  const patterns = new Set<string>()
  for (const [index, [pattern, { content }]] of entries.entries()) {
    if (pattern === '') fault(`has an added token of which its normalizer leaves nothing, ${JSON.stringify(content)}`)
    if (patterns.has(pattern)) fault(`has added tokens that its normalizer makes equal, ${JSON.stringify(content)}`)
    patterns.add(pattern)
    trie.set(pattern, index)
    firsts[pattern.charCodeAt(0)] = 1
  }
  const table = traitsTable()

  return (input, part, found) => {
    let done = 0
    for (let at = 0; at < input.length; ) {
      const match = firsts[input.charCodeAt(at)] ? longestAt(input, at) : undefined
      if (!match) {
        at++
        continue
      }
      const { token, end } = match
      let [from, to] = [at, end]
      at = end
      if (token.singleWord && (isWordBefore(input, from) || isWordAt(input, to))) continue
      if (token.lstrip) {
        while (from > done && isSpace(input, from - 1)) from--
        from = Math.max(from, done)
      }
      // The search goes on at `end`: blanks that are taken here may be tokens of their own as well, as in the library.
      if (token.rstrip) while (to < input.length && isSpace(input, to)) to++
      if (from > done && part(input.slice(done, from), done)) return true
      // Of a token that is blanks another one may have taken all.
      if (to > from && found(token.id)) return true
      done = to
    }
    return input.length > done && part(input.slice(done), done)
  }

  function longestAt(input: string, start: number): { token: AddedToken; end: number } | undefined {
    let best: { token: AddedToken; end: number } | undefined
    for (let node = 0, at = start; at < input.length; ) {
      node = trie.next(node, input.charCodeAt(at++))
      if (node < 0) break
      const value = trie.value(node)
      if (value >= 0) best = { token: tokens[value]!, end: at }
    }
    return best
  }

  function isSpace(input: string, at: number): boolean {
    return (table[input.charCodeAt(at)]! & WHITE_SPACE) > 0
  }

  function isWordAt(input: string, at: number): boolean {
    return at < input.length && (table[input.codePointAt(at)!]! & WORD) > 0
  }

  function isWordBefore(input: string, at: number): boolean {
    if (at === 0) return false
    const unit = input.charCodeAt(at - 1)
    return isWordAt(input, unit >= 0xdc00 && unit < 0xe000 ? at - 2 : at - 1)
  }
}
