// Token arrays as texts: some clients send the ids of OpenAI's tokenizer in place of a text. Decodes; embeds nothing.
import { setImmediate as turn } from 'node:timers/promises'
import { HttpProblem } from './http-errors.js'
import { MOST_TOKENS, refused, tooManyTokens } from './openai-request.js'
import type { Tiktoken } from './tiktoken.js'

/** In one array, as OpenAI has it. */
const MOST_IDS = 8_192

/** The first id of cl100k_base that is no piece of a text: above it are special tokens, and gaps. */
const FIRST_SPECIAL = 100_256

/** How much is decoded before others have a turn, UTF-16 units: some milliseconds. An array comes to a million at most. */
const UNITS_A_TURN = 2 ** 16

let loading: Promise<Tiktoken> | undefined

/**
 * The texts of token arrays.
 * `mostUnits`: how long all of them together may be, in UTF-16 units. One id may be 128 letters, which take five in a body.
 * @throws HttpProblem 400 for more ids than OpenAI's API takes, for an id that is no piece of a text, and for an array that
 *   holds a part of a character: the text would be another one; 413 for more text
 */
export async function textsOfTokens(
  arrays: readonly (readonly number[])[],
  mostUnits: number,
  signal: AbortSignal,
): Promise<string[]> {
  let all = 0
  for (const [index, ids] of arrays.entries()) {
    all += ids.length
    if (ids.length > MOST_IDS) throw tooLong(index, ids.length)
  }
  if (all > MOST_TOKENS) throw tooManyTokens(all)
  for (const [index, ids] of arrays.entries()) {
    const strange = ids.find(id => !Number.isSafeInteger(id) || id < 0 || id >= FIRST_SPECIAL)
    if (strange === undefined) continue
    const message = `Invalid 'input[${index}]': it holds ${strange}, which is no text token of cl100k_base.`
    throw refused(message, 'input', 'invalid_value')
  }
  loading ??= import('./tiktoken.js').then(({ Tiktoken, cl100kBase }) =>
    // In place of its own, which puts U+FFFD for what is no character, and leaves out a mark of the byte order.
    Object.assign(new Tiktoken(cl100kBase), {
      textDecoder: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }),
    }),
  )
  const tokenizer = await loading
  const texts: string[] = []
  let units = 0
  let sinceTurn = 0
  for (const [index, ids] of arrays.entries()) {
    const text = decoded(tokenizer, ids, index)
    texts.push(text)
    units += text.length
    if (units > mostUnits) throw tooMuchText(mostUnits)
    sinceTurn += text.length
    if (sinceTurn < UNITS_A_TURN) continue
    sinceTurn = 0
    await turn()
    signal.throwIfAborted()
  }
  return texts
}

function decoded(tokenizer: Tiktoken, ids: readonly number[], index: number): string {
  try {
    return tokenizer.decode([...ids])
  } catch {
    const message = `Invalid 'input[${index}]': it begins or ends within a character. Cut elsewhere, or send texts.`
    throw refused(message, 'input', 'invalid_value')
  }
}

function tooLong(index: number, ids: number): HttpProblem {
  const message = `Invalid 'input[${index}]': ${ids} tokens; at most ${MOST_IDS} in one array. Send them in several.`
  return refused(message, 'input', 'array_above_max_length')
}

function tooMuchText(most: number): HttpProblem {
  const message = `the texts of the token arrays are longer than the ${most} letters that this server takes: send them in several requests`
  return new HttpProblem(413, 'TOO_LARGE', message, { param: 'input' })
}
