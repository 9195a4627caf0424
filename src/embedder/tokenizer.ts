// Text -> token ids, cut at the model's limit as the model's authors do. Loads @huggingface/tokenizers only when asked.

/// <reference lib="es2024.string" />

import { messageOf, OpDbusError } from '../errors.js'
import type { ModelFile } from './model/folder.js'
import type { ModelSpec } from './model/spec.js'
import { tokenizerFault } from './tokenizer-fault.js'
import { hastenWordPiece, type WordPieceModel } from './word-piece.js'

export interface Tokens {
  /** Special tokens included; empty for an empty text of a model that has none. */
  readonly ids: readonly number[]
  /** True when the end of the text is not in `ids`. */
  readonly truncated: boolean
}

export type Tokenize = (text: string) => Tokens

/** As {@link loadTokenizer}, from the files of a spec. */
export async function tokenizerOf(
  spec: TextLimits & { readonly files: Pick<ModelSpec['files'], 'tokenizer' | 'tokenizerConfig'> },
  readText: (file: ModelFile) => Promise<string>,
): Promise<Tokenize> {
  const { tokenizer, tokenizerConfig } = spec.files
  const [json, config] = await Promise.all([readText(tokenizer), tokenizerConfig ? readText(tokenizerConfig) : '{}'])
  return loadTokenizer(json, config, spec)
}

/** The settings that decide what becomes of a text before the model sees it. */
export type TextLimits = Pick<ModelSpec, 'id' | 'maxTokens' | 'maxChars' | 'prefix' | 'lowercase'>

/**
 * Builds the tokenizer from the texts of `tokenizer.json` and `tokenizer_config.json`. The truncation and padding inside
 * `tokenizer.json` are ignored: they are whatever was set when it was saved (MiniLM's says 128 where the model means 256).
 * Rejects with UNSUPPORTED_MODEL when they lack something, or the library cannot read them.
 */
export async function loadTokenizer(tokenizerJson: string, configJson: string, limits: TextLimits): Promise<Tokenize> {
  const { Tokenizer } = await import('@huggingface/tokenizers')
  const refuse = (why: string, cause?: unknown) =>
    new OpDbusError('UNSUPPORTED_MODEL', `model ${limits.id}: tokenizer.json ${why}`, {
      cause,
      details: { file: 'tokenizer.json' },
    })
  const fault = tokenizerFault(tokenizerJson)
  if (fault !== undefined) throw refuse(fault)
  let encode: (text: string, special: boolean) => number[]
  let frame: { before: number[]; after: number[] } | undefined
  try {
    // A file without a step means that there is none; the library wants it said.
    const none = { normalizer: null, pre_tokenizer: null, post_processor: null, decoder: null }
    const file = { ...none, ...JSON.parse(tokenizerJson) }
    file.added_tokens ??= []
    const tokenizer = new Tokenizer(file, JSON.parse(configJson))
    if (file.model.type === 'WordPiece') hastenWordPiece(tokenizer.model as unknown as WordPieceModel)
    encode = (text, special) => tokenizer.encode(text, { add_special_tokens: special }).ids
    frame = specialTokens(encode)
  } catch (error) {
    throw refuse(`cannot be used: ${messageOf(error)}`, error)
  }
  if (!frame) throw refuse('adds special tokens inside a text')
  if (![...frame.before, ...frame.after].every(isId)) throw refuse('adds special tokens that have no id')
  const { before, after } = frame
  const room = limits.maxTokens - before.length - after.length
  if (room < 1) throw refuse(`needs more than the ${limits.maxTokens} tokens allowed`)

  return text => {
    const { kept, cut } = cutText(text, limits.maxChars)
    const input = limits.prefix + kept.toWellFormed()
    const body = encode(limits.lowercase ? input.toLowerCase() : input, false)
    if (!body.every(isId)) throw refuse('has no id for a token of this text, nor one for unknown tokens')
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

/** Texts of which some vocabularies know none; the first that has a token is looked at. */
const PROBES = ['a', 'the', '0', '.', '\u4e00']

/** What the tokenizer puts before and after a text, found by looking at one: `[CLS] a [SEP]`. */
function specialTokens(encode: (text: string, special: boolean) => number[]) {
  const probe = PROBES.find(text => encode(text, false).length > 0) ?? ''
  const body = encode(probe, false)
  const full = encode(probe, true)
  if (body.length === 0 && full.length > 0) return undefined
  for (let start = 0; start + body.length <= full.length; start++)
    if (body.every((id, index) => full[start + index] === id))
      return { before: full.slice(0, start), after: full.slice(start + body.length) }
  return undefined
}

const isId = (id: unknown) => Number.isSafeInteger(id) && (id as number) >= 0
const isHigh = (unit: number) => unit >= 0xd800 && unit < 0xdc00
const isLow = (unit: number) => unit >= 0xdc00 && unit < 0xe000
