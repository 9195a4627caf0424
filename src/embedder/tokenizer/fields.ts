// Reading tokenizer.json: fields by type, and the one complaint about a part that is not served. Pure.

export type Fields = Readonly<Record<string, unknown>>

/** What a tokenizer.json asks for and does not get; the message goes behind the file's name. */
export class TokenizerFault extends Error {}

export function fault(why: string): never {
  throw new TokenizerFault(why)
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** `fields[name]`, a boolean; `otherwise` where the file may leave it out. */
export function flag(fields: Fields, name: string, otherwise?: boolean): boolean {
  const value = fields[name] ?? otherwise
  return typeof value === 'boolean' ? value : fault(`has a ${kindOf(fields)} whose "${name}" is not true or false`)
}

/** `fields[name]`, a string. */
export function text(fields: Fields, name: string): string {
  const value = fields[name]
  return typeof value === 'string' ? value : fault(`has a ${kindOf(fields)} whose "${name}" is no text`)
}

/** `fields[name]`, a string, or undefined where it is null or absent. */
export function optionalText(fields: Fields, name: string): string | undefined {
  return fields[name] == null ? undefined : text(fields, name)
}

/** `fields[name]`, a list of objects. */
export function list(fields: Fields, name: string): readonly Fields[] {
  const value = fields[name]
  return Array.isArray(value) && value.every(isFields)
    ? value
    : fault(`has a ${kindOf(fields)} whose "${name}" is no list of steps`)
}

/** The whole number from `least` in `fields[name]`. */
export function count(fields: Fields, name: string, least = 0): number {
  const value = fields[name]
  return Number.isSafeInteger(value) && (value as number) >= least
    ? (value as number)
    : fault(`has a ${kindOf(fields)} whose "${name}" is no whole number from ${least}`)
}

export function kindOf(fields: Fields): string {
  return typeof fields.type === 'string' ? fields.type : 'step'
}
