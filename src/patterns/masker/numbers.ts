// Whether a number is a name or a measurement, and gives way to its kind, or a meaning, and stays: from the words before it
// (context.ts), what stands right around it (around.ts) and its own form. In doubt it stays.
import { type After, followsCurrency, isCodeOfName, isSaidAfter, lookAfter, lookBehind, measureIn } from './around.js'
import { isSign } from './characters.js'
import { type Context, isNextTo, JOINS_A_NAME } from './context.js'
import type { Kind } from './shapes.js'
import { COUNTED, ORDINAL, THING } from './words.js'

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
/** So many digits behind the point, and a unit, were measured: nobody sets a limit of 1.234 s. */
const PRECISE_FRACTION = 3
/** Zeros in front of so many digits fill up a counter; in front of fewer they are part of a code. */
const COUNTER_DIGITS = 8
/** So long a number behind `_-` is the name of a block, and its sign is a part of that. */
const SIGNED_NAME = 6
/** Ties a number to the number before it, so that they are one meaning: `80-90`, `200/503`, `1.2-3`. */
const TIES = new Set('-/.:_~+\u2013')

/** Units of time, as they are written or in words. */
const TIME = /^(?:s|ms|us|ns|µs|μs|(?:milli|micro|nano)?(?:sec|second)s?|msecs?)$/i

/** What to put in a number's place, and from where on; undefined: it stays. */
export type Verdict = { readonly kind: Kind; readonly start: number } | undefined

/** What the rules ask of a number. */
class Question {
  readonly digits: number
  readonly after: After
  /** The unit of time or of bytes behind it; `''` where none is. */
  readonly unit: string
  /** It could be a status of HTTP. */
  readonly status: boolean

  constructor(
    readonly text: string,
    readonly context: Context,
    readonly number: Numeral,
    /** The text speaks of outcomes. */
    readonly outcome: boolean,
    readonly literals: ReadonlySet<string>,
  ) {
    const { start, end, whole } = number
    this.digits = end - start
    this.after = lookAfter(text, end)
    this.unit = measureIn(text, this.after, literals)
    this.status = this.digits === 3 && whole >= 100 && whole <= 599
  }

  get saidAfter(): boolean {
    const { text, after, status, number, literals } = this
    return isSaidAfter(text, after, { status, large: number.whole >= CODE }, literals)
  }

  /** A status where the text speaks of outcomes. */
  get mayBeOutcome(): boolean {
    return this.outcome && this.status
  }

  /** The word before it, with nothing but `=` or `:` between, is a unit: `elapsed_ms=5`. */
  get keyUnit(): Context['wordUnit'] {
    const { text, context, number } = this
    return context.word === number.start - 1 && /[=:]/.test(text[number.start - 1]!) ? context.wordUnit : 'none'
  }
}

type Answer = 'stays' | 'number' | 'name' | 'port' | undefined

/**
 * The rules, the first one that answers decides. Their order is their meaning: what says that a number is a meaning comes
 * before what says that it is a measurement or a name, and what nearly touches the number before what stands further off;
 * at the end, where nobody has spoken, its form decides. The one exception is named so.
 */
const RULES: readonly (readonly [name: string, rule: (question: Question) => Answer])[] = [
  // Only the form of an address is surer than words: `listening on 0.0.0.0:80`.
  [
    'port of an address',
    q => (isPortOfAddress(q.text, q.context, q.number.start) ? portIf(q.number.whole) : undefined),
  ],
  ['tied to a number that stayed', q => stayIf(isTied(q.text, q.context, q.number.start))],
  ['said by the word before', q => stayIf(MEANT.has(q.context.said))],
  ['a code between two colons', q => stayIf(isColonCode(q.text, q.number))],
  // A unit makes no measurement where the clause speaks of a setting, or of nothing that was measured.
  ['a setting with a unit', q => stayIf(hasUnit(q) && isSetting(q))],
  ['measured', q => (q.unit === '' ? undefined : isMeasured(q) ? 'number' : 'stays')],
  [
    'an amount by name',
    q => (q.context.said === 'amount' ? (isAmount(q) && !q.saidAfter ? 'number' : 'stays') : undefined),
  ],
  ['used, without a unit', q => stayIf(q.context.said === 'spent')],
  ['a thing by number', numbered],
  ['one of a few', ordinal],
  // The exception: pieces of a name that has an id in it are looked at before their form is.
  ['piece of a name', piece],
  ['a port', q => (isPort(q.text, q.context, q.number) ? ephemeral(q) : undefined)],
  ['said behind it', q => stayIf(q.saidAfter)],
  ['a form of meanings', q => stayIf(hasFormOfMeaning(q))],
]
const CHECKS = RULES.map(([, rule]) => rule)
/** What the words before may say so that nothing else counts. */
const MEANT: ReadonlySet<Context['said']> = new Set(['meaning', 'version', 'port'])

/** `outcome`: the text speaks of outcomes. `literals`: words of the user's own beside which numbers stay. */
export function judge(
  text: string,
  context: Context,
  number: Numeral,
  outcome: boolean,
  literals: ReadonlySet<string>,
): Verdict {
  const question = new Question(text, context, number, outcome, literals)
  let answer: Answer
  for (let at = 0; at < CHECKS.length && answer === undefined; at++) answer = CHECKS[at]!(question)
  if (answer === 'stays') return undefined
  if (answer === 'port') return { kind: 'port', start: number.start }
  return { kind: 'number', start: answer === 'number' ? number.start : startOfName(text, number) }
}

function stayIf(meant: boolean): Answer {
  return meant ? 'stays' : undefined
}

function portIf(whole: number): Answer {
  return whole >= EPHEMERAL_PORT ? 'port' : 'stays'
}

function hasUnit({ unit, after, context }: Question): boolean {
  return unit !== '' || COUNTED.has(after.word.toLowerCase()) || context.said === 'amount'
}

/** `limit 512 MB`, `ban 1.2.3.4 for 600 seconds`, `12 MB left`. */
function isSetting({ text, context, after }: Question): boolean {
  return context.clause === 'setting' || (after.word !== '' && lookBehind(text, after.end) === 'setting')
}

/** `took 5 ms`, `sent 93 B`: some amount, and not none, less than one, or a setting. */
function isMeasured({ text, context, number, unit, after }: Question): boolean {
  const { start, end, parts, whole, fraction } = number
  const { said, clause, request } = context
  const measured =
    said === 'amount' ||
    said === 'spent' ||
    clause === 'measured' ||
    fraction >= PRECISE_FRACTION ||
    (request && TIME.test(unit)) ||
    lookBehind(text, after.end) === 'measured'
  if (!measured) return false
  if (unit.length === 1 && text[end] === unit && said !== 'amount') {
    // `7B` parameters, the last `24h`; a phone `5s`, the `80s`, a timeout of `30s`; but `1.5s`.
    if (unit !== 's' || (parts === 1 && (end - start === 1 || (whole % 10 === 0 && end - start <= 4)))) return false
  }
  return isSome(text, start, end) && !isCodeOfName(text, start)
}

/** `task 3`; but `task 0` may be the only one, or none. */
function numbered(question: Question): Answer {
  const { text, context, number } = question
  if (context.said !== 'thing' || !isNumbered(text, context, number) || question.saidAfter) return undefined
  if (number.parts === 1 && isZero(text, number.start, number.end)) return 'stays'
  context.dottedNames ||= number.parts === 2
  return 'number'
}

function ordinal({ text, context, number }: Question): Answer {
  if (context.said !== 'ordinal') return undefined
  if (number.parts === 2 && context.dottedNames) return 'number'
  return stayIf(number.whole < FEW && !isCounter(text, number))
}

function piece(question: Question): Answer {
  const { text, context, number } = question
  if (!context.inName || number.parts > 1 || !JOINS_A_NAME.has(text[number.start - 1]!)) return undefined
  if (question.mayBeOutcome) return undefined
  // The `m` of `_0001_m_` is no unit.
  return text[number.end] !== '_' && question.saidAfter ? 'stays' : 'name'
}

function ephemeral({ context, number }: Question): Answer {
  return isEphemeral(context, number) ? 'port' : 'stays'
}

/** Decimals tell versions and levels; one digit counts or tells which of a few; 007 is a code, 2024 a year. */
function hasFormOfMeaning(question: Question): boolean {
  const { text, context, number, digits, outcome, keyUnit } = question
  const { start, end, parts, whole } = number
  const measured = number.fraction >= MEASURED_FRACTION && !isZero(text, start, end)
  if (!measured && (parts > 1 || text[start] === '0') && !isCounter(text, number)) return true
  if (!measured && outcome && whole < CODE) return true
  const signed = isSign(text, start)
  if (signed && !isNamedBelowZero(text, context, number)) return true
  if (digits === 1 || (digits === 4 && whole >= 1900 && whole < 2100 && !signed)) return true
  if (keyUnit === 'other' || (keyUnit === 'counted' && whole < CODE)) return true
  if (isCodeOfName(text, start) || followsCurrency(text, start)) return true
  // The priority of syslog.
  return start === 1 && text[0] === '<' && text[end] === '>'
}

/** `size 67108864`, `time: 0.25`. Where the text speaks of outcomes, `len: 404` has to be said outright. */
function isAmount({ text, context, number, mayBeOutcome }: Question): boolean {
  const { start, end, parts } = number
  if ((parts === 1 && end - start === 1) || parts > 2) return false
  if (mayBeOutcome && !/^ ?[:=] ?"?$/.test(text.slice(Math.max(context.word, start - 5), start))) return false
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

/** `keyId: -127633188`, `x=-22.524063`: names and what was measured; any other number below zero may be a code. */
function isNamedBelowZero(text: string, context: Context, { start, fraction, whole }: Numeral): boolean {
  if (!/[=:] ?[-+]$/.test(text.slice(Math.max(0, start - 3), start))) return false
  return fraction >= MEASURED_FRACTION || (whole >= CODE && context.wordIsId)
}

/** `from 10.0.0.1: 11: Bye`. */
function isColonCode(text: string, { start, end }: Numeral): boolean {
  return (
    text[end] === ':' &&
    /\S: $/.test(text.slice(Math.max(0, start - 3), start)) &&
    /^:(?: |$)/.test(text.slice(end, end + 2))
  )
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
