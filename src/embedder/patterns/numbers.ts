// Whether a number is a name or a measurement, and gives way to its kind, or a meaning, and stays: from the words before it
// (context.ts), what stands right around it (around.ts) and its own form. In doubt it stays.
import { followsCurrency, isCodeOfName, isSaidAfter, lookAfter, measureIn } from './around.js'
import { isSign } from './characters.js'
import { type Context, isNextTo, JOINS_A_NAME } from './context.js'
import type { Kind } from './shapes.js'
import { ORDINAL, THING } from './words.js'

/** A number as it is written, `1,234.5`, in UTF-16 offsets. */
export interface Numeral {
  readonly start: number
  readonly end: number
  /** What points divide: 2 of `1,234.5`. */
  readonly parts: number
  /** How many digits follow the last point; 0 without one. */
  readonly fraction: number
  /** What stands before the point: 1234 of `1,234.5`. */
  readonly whole: number
}

/** From here up a port that stands with an address names a connection: Linux's own range (RFC 6056 on why). */
const EPHEMERAL_PORT = 32_768
const MOST_PORT = 65_535
/** A number below this may be a status, an exit code, a well-known port, the size of a page. */
const CODE = 1000
/** Below this a number after `attempt` or `stage` says which of a few. */
const FEW = 100
/** So many digits behind the point were measured: no version, price or level has them. */
const MEASURED_FRACTION = 6
/** Zeros in front of so many digits fill up a counter; in front of fewer they are part of a code. */
const COUNTER_DIGITS = 8
/** So long a number behind `_-` is the name of a block, and its sign is a part of that. */
const SIGNED_NAME = 6
/** Ties a number to the number before it, so that they are one meaning: `80-90`, `200/503`, `1.2-3`. */
const TIES = new Set('-/.:_~+\u2013')

/** What to put in a number's place, and from where on; undefined: it stays. */
export type Verdict = { readonly kind: Kind; readonly start: number } | undefined

/** `outcome`: the text speaks of outcomes. `literals`: words of the user's own beside which numbers stay. */
export function judge(
  text: string,
  context: Context,
  number: Numeral,
  outcome: boolean,
  literals: ReadonlySet<string>,
): Verdict {
  const { start, end, parts, whole } = number
  const masked: Verdict = { kind: 'number', start }
  if (isPortOfAddress(text, context, start)) return whole >= EPHEMERAL_PORT ? { kind: 'port', start } : undefined
  const after = lookAfter(text, end)
  const unit = measureIn(text, after, literals)
  if (unit !== '') return isMeasured(text, context, number, unit) ? masked : undefined
  if (isTied(text, context, start)) return undefined
  const digits = end - start
  const status = digits === 3 && whole >= 100 && whole <= 599
  const saidAfter = () => isSaidAfter(text, after, { status, large: whole >= CODE }, literals)
  switch (context.said) {
    case 'meaning':
    case 'version':
    case 'port':
      return undefined
    case 'amount':
      return isAmount(text, context, number, outcome && status) && !saidAfter() ? masked : undefined
    case 'thing':
      if (!isNumbered(text, context, number) || saidAfter()) break
      context.dottedNames ||= parts === 2
      return masked
    case 'ordinal':
      if (parts === 2 && context.dottedNames) return masked
      if (whole < FEW && !isCounter(text, number)) return undefined
  }
  const inName = context.inName && parts === 1 && JOINS_A_NAME.has(text[start - 1]!)
  if (inName && !(outcome && status)) {
    // The `m` of `_0001_m_` is no unit.
    return text[end] !== '_' && saidAfter() ? undefined : { kind: 'number', start: startOfName(text, number) }
  }
  if (isPort(text, context, number)) return isEphemeral(context, number) ? { kind: 'port', start } : undefined
  const measured = number.fraction >= MEASURED_FRACTION && !isZero(text, start, end)
  const stays =
    // Decimals tell versions and levels; one digit counts or tells which of a few; 007 is a code, 2024 a year.
    (!measured && (parts > 1 || text[start] === '0') && !isCounter(text, number)) ||
    digits === 1 ||
    (digits === 4 && whole >= 1900 && whole < 2100 && !isSign(text, start)) ||
    (!measured && outcome && whole < CODE) ||
    (context.word === start - 1 && context.wordUnit === 'other' && /[=:]/.test(text[start - 1]!)) ||
    (whole < CODE && context.word === start - 1 && context.wordUnit === 'counted' && /[=:]/.test(text[start - 1]!)) ||
    isCodeOfName(text, start) ||
    (isSign(text, start) && !isKeyed(text, number)) ||
    followsCurrency(text, start) ||
    (start === 1 && text[0] === '<' && text[end] === '>') ||
    saidAfter()
  return stays ? undefined : { kind: 'number', start: startOfName(text, number) }
}

/** `5 ms`, `93.0 B`: some amount, and not none, less than one, or a setting. */
function isMeasured(text: string, context: Context, { start, end, parts, whole }: Numeral, unit: string): boolean {
  const { said } = context
  if (said === 'version' || said === 'port' || (said === 'meaning' && unit.length === 1)) return false
  if (unit.length === 1 && text[end] === unit && said !== 'amount') {
    // `7B` parameters, the last `24h`; a phone `5s`, the `80s`, a timeout of `30s`; but `1.5s`.
    if (unit !== 's' || (parts === 1 && (end - start === 1 || (whole % 10 === 0 && end - start <= 4)))) return false
  }
  return !isTied(text, context, start) && isSome(text, start, end) && !isCodeOfName(text, start)
}

/** `size 67108864`, `time: 0.25`. Where the text speaks of outcomes, `len: 404` has to be said outright. */
function isAmount(text: string, context: Context, { start, end, parts }: Numeral, maybeStatus: boolean): boolean {
  if ((parts === 1 && end - start === 1) || parts > 2) return false
  if (maybeStatus && !/^ ?[:=] ?"?$/.test(text.slice(Math.max(context.word, start - 5), start))) return false
  return isSome(text, start, end)
}

/** Neither nothing, nor below it, nor a threshold or a price. */
function isSome(text: string, start: number, end: number): boolean {
  return !isZero(text, start, end) && !isSign(text, start) && !isCompared(text, start) && !followsCurrency(text, start)
}

/** `task 3`; `task 3.0 in stage 7.0`; but `container: 0` may say no. */
function isNumbered(text: string, context: Context, { start, end, parts }: Numeral): boolean {
  if (!isNextTo(text, context.word, start) || (text[end] === '/' && /\d/.test(text[end + 1] ?? ''))) return false
  if (parts === 1) {
    return end - start > 1 || /^(?:[ \t]{1,2}#?|[-_#])$/.test(text.slice(context.word, start))
  }
  const inWhich = /^ (?:in|of) ([a-z]{1,24}) \d{1,9}\.\d{1,9}(?!\w|\.\d)/.exec(text.slice(end, end + 50))?.[1] ?? ''
  return parts === 2 && (ORDINAL.has(inWhich) || THING.has(inWhich))
}

/** `80-90`, `200/503`: tied to a number that stayed. */
function isTied(text: string, context: Context, start: number): boolean {
  return context.stayed === start - 1 && TIES.has(text[start - 1]!)
}

/** Zero is a meaning of its own. */
function isZero(text: string, start: number, end: number): boolean {
  return !/[1-9]/.test(text.slice(start, Math.min(end, start + 64)))
}

/** `<1 sec`, `> 95`: a threshold; but not the arrow of `512MB->128MB`. */
function isCompared(text: string, start: number): boolean {
  return /(?:^|[^-=])[<>≤≥]=?[ \t]?$/.test(text.slice(Math.max(0, start - 4), start))
}

/** `part-00590`, `00000007`: a counter that is filled up with zeros. */
function isCounter(text: string, { start, end, parts }: Numeral): boolean {
  if (parts > 1) return false
  if (end - start >= COUNTER_DIGITS) return !isZero(text, start, end)
  return end - start >= 4 && /[a-z]{3}[-_]$/.test(text.slice(Math.max(0, start - 4), start))
}

/** `boot = -1072`: a counter below zero. What is no longer than an error number of a kernel, `-110`, stays. */
function isKeyed(text: string, { start, parts, fraction, whole }: Numeral): boolean {
  if (!/[=:] ?[-+]$/.test(text.slice(Math.max(0, start - 3), start))) return false
  return fraction >= MEASURED_FRACTION || (parts === 1 && whole >= CODE)
}

/** `blk_-1608999687919862906`: the sign is a part of the name. */
function startOfName(text: string, { start, end }: Numeral): number {
  return end - start >= SIGNED_NAME && text[start - 1] === '-' && text[start - 2] === '_' ? start - 1 : start
}

/** `:51234` or ` port 51234` directly behind an address, and the width of a network, `/8`, which is as small. */
function isPortOfAddress(text: string, { address }: Context, start: number): boolean {
  if (address < 0 || start - address > 7) return false
  return /^(?:\]?[:#/]| port[ :=])$/i.test(text.slice(address, start))
}

/** `:8080`, `*:80`, `db:5432`: right behind a colon; but `Main.java:12` tells a line, `x.log:7292+7292` a range. */
function isPort(text: string, context: Context, { start, end, whole }: Numeral): boolean {
  if (text[start - 1] !== ':' || /["'`]/.test(text[start - 2] ?? '')) return false
  if (whole > MOST_PORT || (text[end] === '+' && /\d/.test(text[end + 1] ?? ''))) return false
  return !(context.word === start - 1 && context.wordIsFile)
}

/** `node7:54883`, `db.example.com:54883`: behind what can only be the name of a machine. */
function isEphemeral(context: Context, { start, whole }: Numeral): boolean {
  return whole >= EPHEMERAL_PORT && context.word === start - 1 && (context.wordIsDotted || context.wordEndsInDigit)
}
