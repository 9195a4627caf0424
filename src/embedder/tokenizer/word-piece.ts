// WordPiece: the longest entry from the left, again and again; a word of which some part has no entry is unknown as a whole.

import { count, type Fields, text } from './fields.js'
import { lengthUpTo, type Model, UnknownWord, vocabularyOf } from './vocabulary.js'

export function wordPiece(fields: Fields): Model {
  const vocabulary = vocabularyOf(fields)
  const prefix = text(fields, 'continuing_subword_prefix')
  const mostCharacters = count(fields, 'max_input_chars_per_word')
  const unknown = vocabulary.get(text(fields, 'unk_token'))
  // What may stand inside a word, without the prefix: no string is put together while a text is read.
  const inner = new Map<string, number>()
  let longest = 0
  let longestInner = 0
  for (const [token, id] of vocabulary) {
    longest = Math.max(longest, token.length)
    if (!token.startsWith(prefix)) continue
    inner.set(token.slice(prefix.length), id)
    longestInner = Math.max(longestInner, token.length - prefix.length)
  }

  return { size: vocabulary.size, idOf: token => vocabulary.get(token), encode }

  function encode(word: string, _most: number, out: number[]): void {
    const whole = vocabulary.get(word)
    if (whole !== undefined && word.length <= mostCharacters) {
      out.push(whole)
      return
    }
    const before = out.length
    if (lengthUpTo(word, mostCharacters) > mostCharacters || !split(word, out)) {
      out.length = before
      if (unknown === undefined) throw new UnknownWord()
      out.push(unknown)
    }
  }

  /** False when some part of the word has no entry. Half a surrogate pair is in no vocabulary, so units will do. */
  function split(word: string, out: number[]): boolean {
    for (let start = 0; start < word.length; ) {
      const entries = start === 0 ? vocabulary : inner
      let end = Math.min(word.length, start + (start === 0 ? longest : longestInner))
      let id: number | undefined
      for (; end > start; end--) {
        id = entries.get(word.slice(start, end))
        if (id !== undefined) break
      }
      if (id === undefined) return false
      out.push(id)
      start = end
    }
    return true
  }
}
