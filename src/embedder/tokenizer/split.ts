// Cutting a text at what a pattern finds, in the five ways of the Rust library. Pure.

import { type Fields, fault, text } from './fields.js'

/** Gets one piece after another, never an empty one; true ends the walk. */
export type Sink = (piece: string) => boolean

/** Tells the parts of a text in order, without gaps: whether the pattern found each, and where it ends. True ends the walk. */
export type Spans = (text: string, span: (isMatch: boolean, end: number) => boolean) => boolean

export type Behavior = 'Removed' | 'Isolated' | 'Contiguous' | 'MergedWithPrevious' | 'MergedWithNext'

const BEHAVIORS: readonly string[] = ['Removed', 'Isolated', 'Contiguous', 'MergedWithPrevious', 'MergedWithNext']

export function behaviorOf(fields: Fields): Behavior {
  const behavior = text(fields, 'behavior')
  return BEHAVIORS.includes(behavior)
    ? (behavior as Behavior)
    : fault(`splits with an unknown behavior, ${JSON.stringify(behavior)}`)
}

/** Cuts `input` at the spans and hands the pieces on. */
export function cut(input: string, spans: Spans, behavior: Behavior, sink: Sink): boolean {
  const emit = (from: number, to: number) =>
    to > from && sink(from === 0 && to === input.length ? input : input.slice(from, to))
  let from = 0
  if (behavior === 'Removed' || behavior === 'Isolated')
    return spans(input, (isMatch, end) => {
      const start = from
      from = end
      return behavior === 'Isolated' || !isMatch ? emit(start, end) : false
    })
  let last = 0
  let wasMatch = false
  const stopped = spans(input, (isMatch, end) => {
    // Whether this span begins a piece of its own; the first one always does.
    const begins =
      behavior === 'Contiguous'
        ? isMatch !== wasMatch
        : behavior === 'MergedWithPrevious'
          ? !isMatch || wasMatch
          : isMatch || !wasMatch
    const start = last
    last = end
    wasMatch = isMatch
    if (!begins || start === from) return false
    const piece = from
    from = start
    return emit(piece, start)
  })
  return stopped || emit(from, last)
}

/** The same spans with the found ones and the others exchanged. */
export function inverted(spans: Spans): Spans {
  return (input, span) => spans(input, (isMatch, end) => span(!isMatch, end))
}

/** Every character that `is` in, one by one. */
export function characterSpans(is: (code: number) => boolean): Spans {
  return (input, span) => {
    let seen = 0
    for (let at = 0; at < input.length; ) {
      const code = input.codePointAt(at)!
      const next = at + (code > 0xffff ? 2 : 1)
      if (is(code)) {
        if (at > seen && span(false, at)) return true
        if (span(true, next)) return true
        seen = next
      }
      at = next
    }
    return input.length > seen && span(false, input.length)
  }
}

/** Every place where the text `part` stands. */
export function literalSpans(part: string): Spans {
  if (part === '') fault('splits at an empty text')
  return (input, span) => {
    let seen = 0
    for (let at = input.indexOf(part); at >= 0; at = input.indexOf(part, seen)) {
      if (at > seen && span(false, at)) return true
      seen = at + part.length
      if (span(true, seen)) return true
    }
    return input.length > seen && span(false, input.length)
  }
}

/**
 * What `pattern` finds (flags `gu`), also where it finds nothing but a place between two characters. An empty match right
 * behind the last one does not count; the search goes on behind the next character.
 */
export function patternSpans(pattern: RegExp): Spans {
  return (input, span) => {
    let seen = 0
    let lastMatch = -1
    for (let from = 0; from <= input.length; ) {
      pattern.lastIndex = from
      const match = pattern.exec(input)
      if (match === null) break
      const end = match.index + match[0].length
      if (match[0] === '' && end === lastMatch) {
        from += (input.codePointAt(from) ?? 0) > 0xffff ? 2 : 1
        continue
      }
      if (match.index > seen && span(false, match.index)) return true
      if (span(true, end)) return true
      seen = from = lastMatch = end
    }
    return input.length > seen && span(false, input.length)
  }
}
