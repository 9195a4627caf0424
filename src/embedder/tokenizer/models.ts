// The model that a tokenizer.json asks for, by its kind.

import { bpe } from './bpe.js'
import { type Fields, fault } from './fields.js'
import { unigram } from './unigram.js'
import type { Model } from './vocabulary.js'
import { wordLevel } from './word-level.js'
import { wordPiece } from './word-piece.js'

/** The kinds by the names in the file. */
const MODELS: Readonly<Record<string, (fields: Fields) => Model>> = {
  WordPiece: wordPiece,
  BPE: bpe,
  Unigram: unigram,
  WordLevel: wordLevel,
}

export function modelOf(fields: Fields): Model {
  const kind = typeof fields.type === 'string' ? fields.type : unsaid(fields)
  const build = Object.hasOwn(MODELS, kind) ? MODELS[kind] : undefined
  return build ? build(fields) : fault(`has a "model" of type ${kind}; supported: ${Object.keys(MODELS).join(', ')}`)
}

/** Older files do not say the kind; then the library takes the first that has all its fields. */
function unsaid(fields: Fields): string {
  if (fields.merges !== undefined) return 'BPE'
  if (Array.isArray(fields.vocab)) return 'Unigram'
  return fields.max_input_chars_per_word === undefined ? 'WordLevel' : 'WordPiece'
}
