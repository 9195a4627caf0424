// The masker: a text's variable parts give way to the names of their kinds, so that `Created container 100` and
// `Created container 101` become one template. Text in, text out; knows no cache and no model.
import { OpDbusError } from '../errors.js'
import { isRegExp } from '../realms.js'
import { type Span, scan } from './masker/scan.js'
import { KINDS } from './masker/shapes.js'

/** Goes up with every change that makes a different template of any text: it is part of the space of templates. */
export const MASKER_VERSION = 3

/** Texts to templates: pure, and linear in the text. */
export interface Masker {
  /** Everything that can change a template: the version and the user's own masks and literals. */
  readonly name: string
  mask(text: string): Masked
}

/** A text with its variable parts replaced by their kinds. */
export interface Masked {
  /** `Created container <number>`. Equal for two texts only if they differ in nothing but variables of the same kinds. */
  readonly template: string
  /** What was replaced, in order; empty where nothing was. */
  readonly variables: readonly { readonly kind: string; readonly text: string }[]
}

/** A mask of the user's own. */
export interface UserMask {
  /** What stands in the template, as `<name>`: letters, digits, `-` and `_`, and not one of the built-in kinds. */
  readonly name: string
  /** What it replaces; looked for everywhere in a text's first 8,192 characters. How long it takes is the user's own affair. */
  readonly pattern: RegExp
}

export interface MaskerOptions {
  /** Tried in this order, before the built-in ones. */
  readonly masks?: readonly UserMask[]
  /** Words, in any case, beside which a number stays as it is: `['vlan']` keeps `vlan 7` and `7 vlan` apart from the rest. */
  readonly literals?: readonly string[]
}

/**
 * How much of a text is masked, in UTF-16 units; the rest is part of the template as it is. No model of the table sees
 * more (512 tokens), so this merges nothing that differs and costs no hit that matters. Part of what MASKER_VERSION names.
 */
const MASKED_CHARACTERS = 16_384
/** What ends this close to that limit is not masked: the words behind it are not seen. */
const MARGIN = 128

/** How much of a text a user's expressions are run over: they may backtrack. */
const USER_MASK_CHARACTERS = 8192

/**
 * A masker. Its built-in part takes time linear in the text's first 16,384 characters, and copies the rest.
 *
 * What it masks are names and measurements: ids, addresses, times, what a long number or a word like `task` says is a name,
 * durations and sizes that a word says were measured (`took <number> ms`: the unit stays, and so does zero; of `15 ms`
 * alone, and beside what was set, is left or is due, the number stays too), and numbers of two digits or more
 * that nothing around them marks as a meaning. The marks are lists of words (words.ts), and no list is whole: a phrasing
 * that it does not know can give two meanings one template. So in doubt a number stays: decimals, single digits, years,
 * leading zeros, numbers right behind a colon, and all below 1,000 in a text that speaks of outcomes, requests or ports.
 *
 * A template cannot be mistaken for a text that happens to read like one: where a text says `<number>` itself, its `<`
 * are doubled, and only an odd number of them opens a variable. So two texts share a template only if they differ in
 * nothing but variables of the same kinds.
 * @throws OpDbusError INVALID_INPUT for a mask or literal that is not what its type says
 */
export function createMasker(options: MaskerOptions = {}): Masker {
  const masks = (options.masks ?? []).map(checkMask)
  const literals = new Set((options.literals ?? []).map(checkLiteral))
  const kinds = [...KINDS, ...masks.map(mask => mask.name)]
  const name = JSON.stringify({
    v: MASKER_VERSION,
    masks: masks.map(({ name, pattern }) => [name, pattern.source, pattern.flags]),
    literals: [...literals].sort(),
  })
  return {
    name,
    mask(text) {
      const seen = text.length > MASKED_CHARACTERS ? text.slice(0, MASKED_CHARACTERS) : text
      const own = masks.length > 0 ? userSpans(seen, masks) : []
      let spans = own.length > 0 ? around(seen, own, literals) : scan(seen, literals).spans
      if (seen !== text) spans = spans.filter(span => span.end <= MASKED_CHARACTERS - MARGIN)
      return { template: render(text, spans, kinds), variables: spans.map(span => variable(text, span)) }
    },
  }
}

function variable(text: string, { kind, start, end }: Span): Masked['variables'][number] {
  return { kind, text: text.slice(start, end) }
}

/** The built-in variables between the user's own. */
function around(text: string, own: readonly Span[], literals: ReadonlySet<string>): Span[] {
  // What the user has masked is blanked by a letter that joins nothing, so that the words around it still speak.
  const spans: Span[] = [...own]
  let blanked = ''
  let last = 0
  for (const { start, end } of own) {
    blanked += text.slice(last, start) + '\ufffc'.repeat(end - start)
    last = end
  }
  spans.push(...scan(blanked + text.slice(last), literals).spans)
  return spans.sort((a, b) => a.start - b.start)
}

function userSpans(text: string, masks: readonly UserMask[]): Span[] {
  const seen = text.slice(0, USER_MASK_CHARACTERS)
  const taken = new Uint8Array(seen.length)
  const spans: Span[] = []
  for (const { name, pattern } of masks) {
    const everywhere = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, '').concat('g'))
    for (const match of seen.matchAll(everywhere)) {
      const [start, end] = [match.index, match.index + match[0].length]
      // An earlier mask has the first say.
      if (end === start || taken.subarray(start, end).includes(1)) continue
      taken.fill(1, start, end)
      spans.push({ kind: name, start, end })
    }
  }
  return spans.sort((a, b) => a.start - b.start)
}

function render(text: string, spans: readonly Span[], kinds: readonly string[]): string {
  let template = ''
  let last = 0
  for (const { kind, start, end } of spans) {
    template += `${escaped(text.slice(last, start), kinds, true)}<${kind}>`
    last = end
  }
  return template + escaped(text.slice(last), kinds, false)
}

/** Doubles the `<` that would otherwise open, or run into, a variable. */
function escaped(literal: string, kinds: readonly string[], beforeVariable: boolean): string {
  let out = ''
  let last = 0
  for (let at = literal.indexOf('<'); at >= 0; ) {
    let end = at
    while (literal[end] === '<') end++
    const opens = end === literal.length ? beforeVariable : kinds.some(kind => literal.startsWith(`${kind}>`, end))
    if (opens) {
      out += literal.slice(last, end) + literal.slice(at, end)
      last = end
    }
    at = literal.indexOf('<', end)
  }
  return out + literal.slice(last)
}

function checkMask(mask: UserMask): UserMask {
  const { name, pattern } = mask ?? {}
  if (typeof name !== 'string' || !/^[A-Za-z][\w-]{0,31}$/.test(name) || (KINDS as readonly string[]).includes(name)) {
    throw invalid(
      `a mask's name is 1 to 32 letters, digits, - and _, and none of ${KINDS.join(', ')}: not ${show(name)}`,
    )
  }
  if (!isRegExp(pattern)) throw invalid(`mask ${show(name)}: pattern must be a RegExp`)
  return { name, pattern }
}

function checkLiteral(word: string): string {
  if (typeof word === 'string' && /^[\p{L}\p{N}]{1,24}$/u.test(word)) return word.toLowerCase()
  throw invalid(`a literal is one word of up to 24 letters and digits: not ${show(word)}`)
}

function show(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 40)) : String(value)
}

function invalid(why: string): OpDbusError {
  return new OpDbusError('INVALID_INPUT', `patterns: ${why}`)
}
