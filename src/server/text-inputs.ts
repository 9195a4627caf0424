// Texts in the bodies of APIs that take one text or several: checked, and coerced into nothing. Pure.
import { nearest } from '../nearest.js'
import { HttpProblem } from './http-errors.js'

export interface TextLimits {
  /** Texts. */
  readonly most: number
  /** What is answered where there are more. */
  readonly tooMany: number
  /** What is answered to what is no text. */
  readonly wrong: number
}

/**
 * The texts of field `name`: a string, or an array of strings. None where there is none, or an empty one: each API has an answer of its
 * own to that.
 * @throws HttpProblem for what is neither, and for an array that holds an empty text: a vector of it would mean nothing
 */
export function textsOf(value: unknown, name: string, { most, tooMany, wrong }: TextLimits): readonly string[] {
  if (value === undefined || value === null || value === '') return []
  if (typeof value === 'string') return [value]
  if (!Array.isArray(value)) throw refusedAs(wrong, `${name} is a text or an array of texts`, name)
  if (value.length > most) {
    throw refusedAs(tooMany, `${name} has ${value.length} texts, and at most ${most} go into one request`, name)
  }
  for (let index = 0; index < value.length; index++) {
    const text: unknown = value[index]
    if (text === '') throw refusedAs(wrong, `${name}[${index}] is an empty text`, name)
    if (typeof text === 'string') continue
    throw refusedAs(wrong, `${name}[${index}] is no text; token ids of another tokenizer are not taken`, name)
  }
  return value
}

/**
 * The fields of a body, all of which are in `known`: one that nobody knows could be to change vectors, or be misspelled.
 * @throws HttpProblem `status` where there is another one, and where `body` is no JSON object
 */
export function fieldsOf<F extends string>(
  body: unknown,
  known: readonly F[],
  status: number,
): { readonly [K in F]?: unknown } {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new HttpProblem(status, 'INVALID_INPUT', 'the body is no JSON object')
  for (const field of Object.keys(body)) {
    if ((known as readonly string[]).includes(field)) continue
    const { name, hint } = misspelled(field, known)
    const which = name === undefined ? '' : ` ${name}`
    const message = `unknown field${which}${hint}; this address takes ${known.join(', ')}`
    throw new HttpProblem(status, 'INVALID_INPUT', message, name === undefined ? {} : { param: name })
  }
  return body as { readonly [K in F]?: unknown }
}

/** A field that there is not: its name, where that can be no text of somebody's, and a question whether another one was meant. */
export function misspelled(field: string, known: readonly string[]): { readonly name?: string; readonly hint: string } {
  if (!/^\w{1,40}$/.test(field)) return { hint: '' }
  const meant = nearest(field, known)
  return { name: field, hint: meant === undefined ? '' : `. Did you mean '${meant}'?` }
}

/** What was asked for that would make other vectors than ours: refused, never passed over. */
export function refusedAs(status: number, message: string, param: string): HttpProblem {
  return new HttpProblem(status, 'INVALID_INPUT', message, { param })
}
