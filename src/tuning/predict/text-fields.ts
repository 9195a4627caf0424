// Texts as templates and fields: words that hold a digit vary, all else is the template. Coarser than the masker (src/patterns), which must
// not merge what differs in meaning; here a wrong merge costs a prediction, and every prediction is compared before it counts.

/** Longer texts, and those with more fields, are not foreseen. */
const LONGEST_TEXT = 400
const MOST_FIELDS = 12
/** Letters, digits and what joins them inside a name, a number or an address; it begins and ends with a letter or a digit. */
const WORD = /[A-Za-z0-9]+(?:[._-]+[A-Za-z0-9]+)*/g
const DIGIT = /[0-9]/
/** The one run of digits that steps, with what stands around it; no more of them than a double counts exactly. */
const COUNTER = /^([^0-9]*)([0-9]{1,15})([^0-9]*)$/

export interface Fields {
  /** The text with a NUL in place of each field. */
  readonly template: string
  readonly values: readonly string[]
}

/** Undefined for texts that have no field, or are not to be foreseen. Takes time linear in the text. */
export function fieldsOf(text: string): Fields | undefined {
  if (text.length > LONGEST_TEXT || text.includes('\0')) return undefined
  const values: string[] = []
  const template = text.replace(WORD, word => {
    if (!DIGIT.test(word)) return word
    values.push(word)
    return '\0'
  })
  return values.length > 0 && values.length <= MOST_FIELDS ? { template, values } : undefined
}

/** The text that has these fields. */
export function textOf(template: string, values: readonly string[]): string {
  let next = 0
  return template.replace(/\0/g, () => values[next++]!)
}

/** By how much the number in `word` is more than that in `before`, where all else is equal; undefined where it is not. */
export function stepOf(before: string, word: string): number | undefined {
  if (before === word) return 0
  const one = COUNTER.exec(before)
  const other = COUNTER.exec(word)
  if (one === null || other === null || one[1] !== other[1] || one[3] !== other[3]) return undefined
  const step = Number(other[2]) - Number(one[2])
  return plus(before, step) === word ? step : undefined
}

/** `word` with its number `step` more, of the same number of digits where it began with zeros; undefined where it has none. */
export function plus(word: string, step: number): string | undefined {
  if (step === 0) return word
  const [, before, digits, after] = COUNTER.exec(word) ?? []
  if (digits === undefined) return undefined
  const value = Number(digits) + step
  if (value < 0 || !Number.isSafeInteger(value)) return undefined
  const written = digits.startsWith('0') ? String(value).padStart(digits.length, '0') : String(value)
  return `${before}${written}${after}`
}
