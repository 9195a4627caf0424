// Token arrays as texts: some clients send the ids of OpenAI's tokenizer in place of a text. Decodes; embeds nothing.
import { OpDbusError } from '../errors.js'
import type { Tiktoken } from './tiktoken.js'

/** Whose ids token arrays hold. */
export const TOKEN_ARRAYS = ['cl100k_base'] as const
export type TokenArrays = (typeof TOKEN_ARRAYS)[number]

/** The first id of cl100k_base that is no piece of a text: above it are special tokens, and gaps. */
const FIRST_SPECIAL = 100_256

let loading: Promise<Tiktoken> | undefined

/**
 * The texts of token arrays. A text that a client cut in the middle of a character has U+FFFD there.
 * @throws OpDbusError INVALID_INPUT for an id that is no piece of a text: decoded without it, the text would be another one
 */
export async function textsOfTokens(arrays: readonly (readonly number[])[]): Promise<string[]> {
  for (const [index, ids] of arrays.entries()) {
    const strange = ids.find(id => !Number.isSafeInteger(id) || id < 0 || id >= FIRST_SPECIAL)
    if (strange === undefined) continue
    throw new OpDbusError('INVALID_INPUT', `input ${index} holds ${strange}, which is no text token of cl100k_base`, {
      details: { param: 'input' },
    })
  }
  loading ??= import('./tiktoken.js').then(({ Tiktoken, cl100kBase }) => new Tiktoken(cl100kBase))
  const tokenizer = await loading
  return arrays.map(ids => tokenizer.decode([...ids]))
}
