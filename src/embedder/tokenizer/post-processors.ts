// The post-processors of tokenizer.json, as far as one text and its ids are concerned: what stands before and behind them.

import { type Fields, fault, isFields, kindOf, list } from './fields.js'

export interface SpecialTokens {
  readonly before: readonly number[]
  readonly after: readonly number[]
}

const NONE: SpecialTokens = { before: [], after: [] }

/** The special tokens around a text. Throws TokenizerFault for a step that is not served. */
export function specialTokensOf(fields: Fields): SpecialTokens {
  const kind = kindOf(fields)
  if (kind === 'ByteLevel') return NONE
  if (kind === 'BertProcessing' || kind === 'RobertaProcessing')
    return { before: [pairId(fields, 'cls')], after: [pairId(fields, 'sep')] }
  if (kind === 'TemplateProcessing') return template(fields)
  if (kind === 'Sequence') {
    const steps = list(fields, 'processors')
    // A template fills itself with each part of what stands there by then, special tokens of an earlier one included.
    const first = steps.findIndex(({ type }) => type === 'TemplateProcessing' || type === 'Sequence')
    if (first >= 0 && steps.slice(first + 1).some(({ type }) => type !== 'ByteLevel'))
      fault('has a post_processor behind a TemplateProcessing')
    return steps
      .map(specialTokensOf)
      .reduce(
        (inner, { before, after }) => ({ before: [...before, ...inner.before], after: [...inner.after, ...after] }),
        NONE,
      )
  }
  return fault(`has a post_processor of type ${kind}, which is not supported`)
}

/** The id in `["[SEP]", 102]`. */
function pairId(fields: Fields, name: string): number {
  const pair = fields[name]
  const id = Array.isArray(pair) ? pair[1] : undefined
  return isId(id) ? id : fault(`has a ${kindOf(fields)} whose "${name}" is no token with its id`)
}

function template(fields: Fields): SpecialTokens {
  const before: number[] = []
  const after: number[] = []
  let texts = 0
  for (const step of list(fields, 'single')) {
    const part = step.SpecialToken ?? step.Sequence
    if (!isFields(part)) fault('has a TemplateProcessing with a part that is neither a SpecialToken nor a Sequence')
    // The network is given token types of 0 alone.
    if ((part.type_id ?? 0) !== 0) fault('has a TemplateProcessing that gives the type 1 to tokens of a single text')
    if (step.Sequence !== undefined) {
      if (part.id !== 'A') fault('has a TemplateProcessing with a second text where one is given')
      texts++
    } else (texts === 0 ? before : after).push(...idsOf(fields, String(part.id)))
  }
  return texts === 1 ? { before, after } : fault(`has a TemplateProcessing with ${texts} texts where one is given`)
}

function idsOf({ special_tokens: tokens }: Fields, name: string): readonly number[] {
  const token = isFields(tokens) && Object.hasOwn(tokens, name) ? tokens[name] : undefined
  const ids = isFields(token) ? token.ids : undefined
  return Array.isArray(ids) && ids.every(isId)
    ? ids
    : fault(`adds special tokens that have no id: ${JSON.stringify(name)}`)
}

const isId = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
