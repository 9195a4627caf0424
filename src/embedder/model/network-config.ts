// What config.json and tokenizer_config.json say of the network: width, positions, padding, token limit. Pure.

import { OpDbusError } from '../../errors.js'
import { isCount, isObject, type JsonObject, type ModelFolder, unsupported } from './folder.js'

/** Dims of a token vector by the names that architectures use (BERT, DistilBERT, T5, GPT-like); undefined where none is. */
export function hiddenSize(config: JsonObject): number | undefined {
  return [config.hidden_size, config.dim, config.d_model, config.n_embd].find(isCount)
}

/**
 * Architectures of the RoBERTa kind (`model_type`): they count positions from `pad_token_id + 1`, so of 514 positions a
 * text can use 512.
 */
const COUNTED_FROM_PAD = [
  'roberta',
  'xlm-roberta',
  'xlm-roberta-xl',
  'roberta-prelayernorm',
  'camembert',
  'mpnet',
  'longformer',
  'data2vec-text',
  'ibert',
  'luke',
  'xmod',
]

/** Their pad id where `config.json` leaves it to the default. */
const ROBERTA_PAD = 1

/** Tokens that the network has positions for; Infinity where the file does not say. */
function positionsOf(config: JsonObject): number {
  const most = [config.max_position_embeddings, config.n_positions].find(isCount)
  if (most === undefined) return Infinity
  if (!COUNTED_FROM_PAD.includes(String(config.model_type))) return most
  const pad = Number.isSafeInteger(config.pad_token_id) ? (config.pad_token_id as number) : ROBERTA_PAD
  return Math.max(most - pad - 1, 1)
}

/**
 * The id that fills a row up. The tokenizer's own pad token decides, as it does for sentence-transformers; files that do
 * not list its id leave it to the network's `pad_token_id`, else it is 0.
 */
export function padIdOf(config: JsonObject, tokenizer: JsonObject): number {
  const token = contentOf(tokenizer.pad_token)
  const added = isObject(tokenizer.added_tokens_decoder) ? Object.entries(tokenizer.added_tokens_decoder) : []
  const id = token === undefined ? undefined : added.find(([, entry]) => contentOf(entry) === token)?.[0]
  for (const candidate of [id === undefined ? undefined : Number(id), config.pad_token_id])
    if (Number.isSafeInteger(candidate) && (candidate as number) >= 0) return candidate as number
  return 0
}

/** A token is written as its text, or as an object around it. */
function contentOf(token: unknown): string | undefined {
  const content = isObject(token) ? token.content : token
  return typeof content === 'string' ? content : undefined
}

/** From here on a `model_max_length` means "no limit" (it is 1e30 in many files). */
const NO_LIMIT = 1_000_000

/**
 * Tokens after which a text is cut: the caller's limit, else `max_seq_length`, else what the tokenizer says (the order of
 * sentence-transformers), and never more than the network has positions for: a file that says more is mistaken, and a long
 * text would fail.
 */
export function tokenLimit(
  folder: ModelFolder,
  wanted: number | undefined,
  sentence: JsonObject,
  tokenizer: JsonObject,
  config: JsonObject,
): number {
  const positions = positionsOf(config)
  if (wanted !== undefined) {
    if (isCount(wanted) && wanted <= positions) return wanted
    const most = positions === Infinity ? '' : ` to ${positions}`
    throw new OpDbusError(
      'INVALID_INPUT',
      `maxTokens of model ${folder.id} must be a whole number from 1${most}, not ${wanted}`,
      { details: { option: 'maxTokens' } },
    )
  }
  const own = sentence.max_seq_length
  if (isCount(own) && own < NO_LIMIT) return Math.min(own, positions)
  const length = tokenizer.model_max_length
  const limit = Math.min(positions, isCount(length) && length < NO_LIMIT ? length : Infinity)
  if (limit === Infinity)
    throw unsupported(folder, 'tokenizer_config.json', 'gives no token limit, nor does any other file: set maxTokens')
  return limit
}
