// What variables look like: shapes that are recognised by their form alone. No expression here has an open quantifier,
// so that each try costs a bounded number of steps, whatever the text.

/** The kinds of variables, as they stand in a template: `Created container <number>`. */
export const KINDS = ['uuid', 'timestamp', 'date', 'time', 'ip', 'port', 'mac', 'hex', 'id', 'number'] as const
export type Kind = (typeof KINDS)[number]

const MONTH = '(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}'
const WEEKDAY = '(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6},? '
const DAY = '(?:[ 0]?[1-9]|[12]\\d|3[01])'
const YEAR = '(?:19|20)\\d{2}'
const CLOCK = '(?:[01]?\\d|2[0-4]):[0-5]\\d:[0-6]\\d(?:[.,]\\d{1,9})?'
const HOUR_MINUTE = '(?:[01]?\\d|2[0-4]):[0-5]\\d(?: ?[AaPp][Mm])?'
const ZONE = '(?: ?(?:Z|UTC|GMT|[+-]\\d{2}:?\\d{2}))?'
const ISO_DATE = `${YEAR}[-/.](?:0[1-9]|1[0-2])[-/.](?:0[1-9]|[12]\\d|3[01])`
const SHORT_DATE = '\\d{1,2}([-/.])\\d{1,2}\\1(?:\\d{4}|\\d{2})'
const OCTET = '(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)'
const DASHED = `(?:${OCTET}-){3}${OCTET}`
const HEX = '[0-9A-Fa-f]'
/** A shape ends where its word ends. */
const END = '(?![A-Za-z0-9]|[.:]\\d)'
const ADDRESS_END = '(?![A-Za-z0-9]|\\.\\d)'

type Shape = { readonly kind: Kind; readonly expression: RegExp }

const shape = (kind: Kind, source: string, end = END): Shape => ({ kind, expression: new RegExp(source + end, 'y') })

const UUID = [shape('uuid', `${HEX}{8}-(?:${HEX}{4}-){3}${HEX}{12}`)]
const MAC = [
  shape('mac', `(?:(?:${HEX}{2}:){7}|(?:${HEX}{2}:){5}|(?:${HEX}{2}-){5})${HEX}{2}`, '(?![A-Za-z0-9]|[:-][0-9A-Fa-f])'),
  shape('mac', `(?:${HEX}{4}\\.){2}${HEX}{4}`),
]
/** What begins with the name of a month or a day. */
const NAMED = [
  shape('timestamp', `(?:${WEEKDAY})?${DAY}[ /-]${MONTH}[ /-]${YEAR}[ :]${CLOCK}${ZONE}`),
  shape('timestamp', `(?:${WEEKDAY})?${MONTH} ${DAY},?(?: ${YEAR})? ${CLOCK}${ZONE}(?: ${YEAR})?`),
]
/** What begins with a digit. */
const NUMERIC = [
  shape('timestamp', `${ISO_DATE}(?:[T_ :]|, )(?:${CLOCK}|${HOUR_MINUTE})${ZONE}`),
  shape('timestamp', `${YEAR}\\d{4}T\\d{6}(?:[.,]\\d{1,9})?${ZONE}`),
  NAMED[0]!,
  shape('timestamp', `${SHORT_DATE} ${CLOCK}${ZONE}`),
  shape('timestamp', `${YEAR}([-/.])\\d{1,2}\\1\\d{1,2}[ :T_]${CLOCK}${ZONE}`),
  shape('date', ISO_DATE),
  shape('date', '\\d{1,2}([-/.])\\d{1,2}\\1(?:19|20)\\d{2}'),
  shape('time', `(?:${CLOCK}|${HOUR_MINUTE})${ZONE}`),
  shape('ip', `(?:${OCTET}\\.){3}${OCTET}`, ADDRESS_END),
  // As providers name machines: `dsl-192-0-2-7.example.net`.
  shape('ip', `(?<=[A-Za-z]\\d{0,3}-)${DASHED}`, '(?![A-Za-z0-9]|-\\d)'),
  shape('ip', `(?<!(?:^|[^A-Za-z0-9])\\d{1,4}-)${DASHED}`, '(?=[.-][A-Za-z])'),
]
const NOTHING: readonly Shape[] = []
const HEX_OR_DATE = [...MAC, ...NUMERIC]

export const SHAPES: readonly Shape[] = [...UUID, ...MAC, ...NUMERIC, NAMED[1]!]

/**
 * The shapes that a run of letters and digits can begin, in the order in which they are tried. `first`: its first
 * character; `length`: of the run; `next`: the character behind it.
 */
export function shapesFor(first: number, length: number, next: string | undefined): readonly Shape[] {
  const digit = first >= 48 && first <= 57
  if (length === 8 && next === '-') return UUID
  if (digit) return length <= 2 || length === 4 ? HEX_OR_DATE : length === 3 || length >= 15 ? NUMERIC : NOTHING
  if (length === 2 || (length === 4 && next === '.')) return MAC
  return first >= 65 && first <= 90 && length >= 3 && length <= 9 ? NAMED : NOTHING
}

/** The longest an IPv6 address is written, in characters. */
const IPV6_LENGTH = 45

/** Where the IPv6 address that begins at `start` ends; -1 where none does. Without a digit it is no address: `a::b`. */
export function ipv6End(text: string, start: number): number {
  let end = start
  while (end < text.length && end - start <= IPV6_LENGTH && /[0-9A-Fa-f:.]/.test(text[end]!)) end++
  if (/[A-Za-z0-9]/.test(text[end] ?? '')) return -1
  // A sentence goes on after an address: "from fe80::1: refused".
  while (end > start && (text[end - 1] === '.' || (text[end - 1] === ':' && text[end - 2] !== ':'))) end--
  return isIpv6(text.slice(start, end)) ? end : -1
}

/** Where the run of signs of an address ends that `start` is in. */
export function addressRunEnd(text: string, start: number): number {
  let end = start
  while (end < text.length && /[0-9A-Fa-f:.]/.test(text[end]!)) end++
  return end
}

function isIpv6(address: string): boolean {
  const [left = '', right, more] = address.split('::')
  if (more !== undefined || !/\d/.test(address)) return false
  const groups = [...left.split(':'), ...(right ?? '').split(':')].filter(group => group !== '')
  const last = groups.at(-1)
  const dotted = last?.includes('.') === true
  if (dotted && !/^\d{1,3}(?:\.\d{1,3}){3}$/.test(last)) return false
  const hex = dotted ? groups.slice(0, -1) : groups
  const width = hex.length + (dotted ? 2 : 0)
  return hex.every(group => /^[0-9A-Fa-f]{1,4}$/.test(group)) && (right === undefined ? width === 8 : width <= 7)
}
