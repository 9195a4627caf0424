// Text -> token ids, cut at the model's limit as the model's authors do. Loads @huggingface/tokenizers only when asked.

/// <reference lib="es2024.string" />

import { messageOf, OpDbusError } from '../errors.js'
import type { ModelSpec } from './model-spec.js'
import { hastenWordPiece, type WordPieceModel } from './word-piece.js'

export interface Tokens {
  /** Special tokens included; empty for an empty text of a model that has none. */
  readonly ids: readonly number[]
  /** True when the end of the text is not in `ids`. */
  readonly truncated: boolean
}

export type Tokenize = (text: string) => Tokens

/** The settings that decide what becomes of a text before the model sees it. */
export type TextLimits = Pick<ModelSpec, 'id' | 'maxTokens' | 'maxChars' | 'prefix' | 'lowercase'>

/**
 * Builds the tokenizer from the texts of `tokenizer.json` and `tokenizer_config.json`. The truncation and padding inside
 * `tokenizer.json` are ignored: they are whatever was set when it was saved (MiniLM's says 128 where the model means 256).
 * Rejects with UNSUPPORTED_MODEL when the library cannot read them.
 */
export async function loadTokenizer(tokenizerJson: string, configJson: string, limits: TextLimits): Promise<Tokenize> {
  const { Tokenizer } = await import('@huggingface/tokenizers')
  const refuse = (why: string, cause?: unknown) =>
    new OpDbusError('UNSUPPORTED_MODEL', `model ${limits.id}: tokenizer.json ${why}`, {
      cause,
      details: { file: 'tokenizer.json' },
    })
  let encode: (text: string, special: boolean) => number[]
  let frame: { before: number[]; after: number[] } | undefined
  try {
    const file = JSON.parse(tokenizerJson)
    const tokenizer = new Tokenizer(file, JSON.parse(configJson))
    if (file.model.type === 'WordPiece') hastenWordPiece(tokenizer.model as unknown as WordPieceModel)
    encode = (text, special) => tokenizer.encode(text, { add_special_tokens: special }).ids
    frame = specialTokens(encode)
  } catch (error) {
    throw refuse(`cannot be used: ${messageOf(error)}`, error)
  }
  if (!frame) throw refuse('adds special tokens inside a text')
  const { before, after } = frame
  const room = limits.maxTokens - before.length - after.length
  if (room < 1) throw refuse(`needs more than the ${limits.maxTokens} tokens allowed`)

  return text => {
    const { kept, cut } = cutText(text, limits.maxChars)
    const input = limits.prefix + kept.toWellFormed()
    const body = encode(limits.lowercase ? input.toLowerCase() : input, false)
    const truncated = cut || body.length > room
    return { ids: [...before, ...(body.length > room ? body.slice(0, room) : body), ...after], truncated }
  }
}

/**
 * The first `maxChars` UTF-16 units of `text`, one fewer where that would split a surrogate pair. Tokenizers take time
 * and stack in proportion to the whole text, however little of it the model sees.
 */
export function cutText(text: string, maxChars: number): { kept: string; cut: boolean } {
  if (text.length <= maxChars) return { kept: text, cut: false }
  const splits = isHigh(text.charCodeAt(maxChars - 1)) && isLow(text.charCodeAt(maxChars))
  return { kept: text.slice(0, splits ? maxChars - 1 : maxChars), cut: true }
}

/** What the tokenizer puts before and after a text, found by looking at one: `[CLS] a [SEP]`. */
function specialTokens(encode: (text: string, special: boolean) => number[]) {
  const body = encode('a', false)
  const full = encode('a', true)
  for (let start = 0; start + body.length <= full.length; start++)
    if (body.every((id, index) => full[start + index] === id))
      return { before: full.slice(0, start), after: full.slice(start + body.length) }
  return undefined
}

const isHigh = (unit: number) => unit >= 0xd800 && unit < 0xdc00
const isLow = (unit: number) => unit >= 0xdc00 && unit < 0xe000
