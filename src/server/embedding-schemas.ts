// What the documents of the three embedding APIs have in common: JSON schemas by hand, for people and for generators of clients. They
// validate nothing: routes read their requests by hand, in the words of the API that each speaks.

/** Of a route whose handler checks its body itself. */
export const HAND_CHECKED = { validatorCompiler: () => () => true } as const

export const vector = { type: 'array', items: { type: 'number' } } as const
export const vectors = { type: 'array', items: vector } as const
export const optionalFlag = { type: ['boolean', 'null'] } as const
export const truncate = {
  ...optionalFlag,
  description: 'false: a text that the model does not see whole is refused. Default: true.',
} as const
export const dimensions = {
  type: ['integer', 'null'],
  minimum: 1,
  description: 'Only the number that the model has.',
} as const
export const count = { type: 'integer', minimum: 0 } as const

/** A text, or at most `most`. */
export function textOrTexts(most: number) {
  return [
    { type: 'string', minLength: 1 },
    { type: 'array', minItems: 1, maxItems: most, items: { type: 'string', minLength: 1 } },
  ] as const
}

/** An answer, and the errors of that API. */
export function answers(description: string, answer: object, error: object) {
  return {
    200: { description, ...answer },
    '4xx': { description: 'What was wrong', ...error },
    '5xx': { description: 'What failed', ...error },
  }
}
