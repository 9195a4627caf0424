// Text -> token ids, cut at the model's limit as the model's authors do. Loads the tokenizer only when asked.

/// <reference lib="es2024.string" />

import { messageOf, OpDbusError } from '../../errors.js'
import type { ModelFile } from '../model/folder.js'
import type { ModelSpec } from '../model/spec.js'
import type { Encoder } from './encoder.js'
import { configFault, tokenizerFault } from './file-fault.js'

export interface Tokens {
  /** Special tokens included; empty for an empty text of a model that has none. */
  readonly ids: readonly number[]
  /** True when a token of the text is not in `ids`: the model does not see its end. */
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
export type TextLimits = Pick<ModelSpec, 'id' | 'maxTokens' | 'prefix' | 'lowercase'>

/**
 * Builds the tokenizer from the texts of `tokenizer.json` and `tokenizer_config.json`. The length of truncation and the
 * padding inside `tokenizer.json` are ignored: they are whatever was set when it was saved (MiniLM's says 128 where the model
 * means 256). Rejects with UNSUPPORTED_MODEL when they lack something, or ask for a part that is not served exactly.
 */
export async function loadTokenizer(tokenizerJson: string, configJson: string, limits: TextLimits): Promise<Tokenize> {
  const { encoderOf, isFault, isUnknownWord } = await import('./index.js')
  const refuse = (why: string, file = 'tokenizer.json', cause?: unknown) =>
    new OpDbusError('UNSUPPORTED_MODEL', `model ${limits.id}: ${file} ${why}`, { cause, details: { file } })
  const file = parsed(tokenizerJson)
  const fault = tokenizerFault(file)
  if (fault !== undefined) throw refuse(fault)
  const contradiction = configFault(parsed(configJson), file)
  if (contradiction !== undefined) throw refuse(contradiction, 'tokenizer_config.json')
  let encoder: Encoder
  try {
    encoder = encoderOf(file)
  } catch (error) {
    throw refuse(isFault(error) ? error.message : `cannot be used: ${messageOf(error)}`, undefined, error)
  }
  const { before, after } = encoder.special
  const room = limits.maxTokens - before.length - after.length
  if (room < 1) throw refuse(`needs more than the ${limits.maxTokens} tokens allowed`)

  return text => {
    const input = limits.prefix + text.toWellFormed()
    let body: number[]
    try {
      body = encoder.encode(limits.lowercase ? input.toLowerCase() : input, room + 1)
    } catch (error) {
      if (isUnknownWord(error)) throw refuse('has no id for a token of this text, nor one for unknown tokens')
      throw error
    }
    const truncated = body.length > room
    if (truncated) body.length = room
    return { ids: [...before, ...body, ...after], truncated }
  }
}

/** Undefined where `json` is not JSON, which itself cannot say undefined. */
function parsed(json: string) {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}
