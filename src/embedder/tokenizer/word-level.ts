// WordLevel: one id a word. Pure.

import { type Fields, text } from './fields.js'
import { type Model, UnknownWord, vocabularyOf } from './vocabulary.js'

export function wordLevel(fields: Fields): Model {
  const vocabulary = vocabularyOf(fields)
  const unknown = vocabulary.get(text(fields, 'unk_token'))
  return {
    size: vocabulary.size,
    idOf: token => vocabulary.get(token),
    encode(word, _most, out) {
      const id = vocabulary.get(word) ?? unknown
      if (id === undefined) throw new UnknownWord()
      out.push(id)
    },
  }
}
