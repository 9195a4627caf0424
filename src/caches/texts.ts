// What callers hand over as texts, and what those are kept under.
import { OpDbusError } from '../errors.js'
import type { Templates } from '../patterns/templates.js'

/** @throws OpDbusError INVALID_INPUT where it is no string */
export function checkText(text: unknown): void {
  if (typeof text !== 'string') throw new OpDbusError('INVALID_INPUT', `a text is needed, got ${typeof text}`)
}

/** A copy, since the caller may go on with his array while it is read. @throws OpDbusError INVALID_INPUT */
export function checkedTexts(texts: readonly string[]): readonly string[] {
  if (!Array.isArray(texts)) throw new OpDbusError('INVALID_INPUT', 'embedMany takes an array of texts')
  const copy: readonly string[] = texts.slice()
  for (let i = 0; i < copy.length; i++) checkText(copy[i])
  return copy
}

/** What a text is kept under: itself or, where patterns are on, its template. */
export function idOf(text: string, { templates }: { readonly templates?: Templates | undefined }): string {
  return templates?.of(text).text ?? text
}
