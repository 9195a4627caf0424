// JSON texts that people write: read strictly, and everything that is wrong told with its line and column. Opens no file.
import { type JSONVisitor, printParseErrorCode, visit } from 'jsonc-parser'
import { OpDbusError } from '../errors.js'
import { visible } from '../format.js'
import type { Problem } from './json.js'
import { MAX_BYTES, MAX_DEPTH } from './plain.js'
import { step, stepsOf } from './pointer.js'

/** How many problems a message tells; the rest is counted. */
const TOLD = 10

/** What is wrong in one document: the first that were found, told in the order of the text. */
export class Problems {
  readonly first: Problem[] = []
  total = 0

  /** As a function of its own, to hand it on. */
  readonly add = (path: string, message: string): void => {
    this.total++
    if (this.first.length < TOLD) this.first.push({ path, message })
  }

  /** @throws OpDbusError INVALID_INPUT, where there are any */
  throwIfAny(source?: JsonDocument): void {
    if (this.total === 0) return
    const places = source?.positionsOf(this.first.map(({ path }) => path))
    const problems: (Problem & Partial<Position>)[] = this.first
      .map((problem, index) => ({ ...problem, ...places?.[index] }))
      .sort((one, other) => (one.line ?? 0) - (other.line ?? 0) || (one.column ?? 0) - (other.column ?? 0))
    const lines = problems.map(problem => told(problem, source?.file))
    if (this.total > lines.length) lines.push(`and ${this.total - lines.length} more`)
    throw new OpDbusError('INVALID_INPUT', lines.join('\n'), { details: { problems, total: this.total } })
  }
}

function told({ path, message, line, column }: Problem & Partial<Position>, file: string | undefined): string {
  const place = line === undefined ? file : `${file}:${line}:${column}`
  const where = [place, path].filter(part => part !== undefined && part !== '').join(' ')
  return visible(where === '' ? message : `${where}: ${message}`)
}

/** From 1. Columns are UTF-16 units, as editors count. */
export interface Position {
  readonly line: number
  readonly column: number
}

export interface JsonDocument {
  readonly file: string
  readonly value: unknown
  /** Where each pointer's value stands, or the nearest thing around it that there is. */
  positionsOf(pointers: readonly string[]): Position[]
}

/**
 * A JSON text (RFC 8259: no comments, no trailing commas) in UTF-8, with or without a byte order mark.
 * @throws OpDbusError INVALID_INPUT, `file:line:column: message`: what is not JSON, too long, nested too deep, and what JSON leaves open (a
 *   name twice in one object, and `__proto__` as a name)
 */
export function readJson(
  input: string | Uint8Array,
  file: string,
  { maxBytes = MAX_BYTES, maxDepth = MAX_DEPTH } = {},
): JsonDocument {
  if (input.length > maxBytes) refuse(file, undefined, `is over ${maxBytes / 1024 / 1024} MiB`)
  const text = typeof input === 'string' ? input.replace(/^\uFEFF/, '') : decoded(input, file)
  checkDepth(text, file, maxDepth)
  const value = parsed(text, file)
  checkNames(text, file)
  return { file, value, positionsOf: pointers => locate(text, pointers) }
}

function refuse(file: string, at: Position | undefined, message: string, path = ''): never {
  const problem = { path, message, ...at }
  throw new OpDbusError('INVALID_INPUT', told(problem, file), { details: { problems: [problem], total: 1 } })
}

function decoded(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return refuse(file, { line: badLine(bytes), column: 1 }, 'is not UTF-8 from this line on')
  }
}

/** No character of several bytes holds the byte of a newline: lines can be looked at one by one. */
function badLine(bytes: Uint8Array): number {
  for (let line = 1, start = 0; start <= bytes.length; line++) {
    const newline = bytes.indexOf(10, start)
    const end = newline < 0 ? bytes.length : newline
    try {
      new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(start, end))
    } catch {
      return line
    }
    start = end + 1
  }
  return 1
}

/** Before any parser: they call themselves for each level, and overflow. */
function checkDepth(text: string, file: string, maxDepth: number): void {
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit === QUOTE) at = endOfString(text, at)
    else if (unit === BRACE || unit === BRACKET) {
      if (++depth > maxDepth) refuse(file, positionAt(text, at), `is nested deeper than ${maxDepth}`)
    } else if (unit === BRACE + 2 || unit === BRACKET + 2) depth--
  }
}

const [QUOTE, BACKSLASH, BRACKET, BRACE] = [0x22, 0x5c, 0x5b, 0x7b]

function endOfString(text: string, start: number): number {
  let at = start + 1
  for (; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit === BACKSLASH) at++
    else if (unit === QUOTE) break
  }
  return at
}

function positionAt(text: string, offset: number): Position {
  const before = text.slice(0, offset).split(/\r\n|\r|\n/)
  return { line: before.length, column: before.at(-1)!.length + 1 }
}

/** The engine's parser decides, and is fast; where it says no, the slower one says where. */
function parsed(text: string, file: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    if (text.trim() === '') refuse(file, { line: 1, column: 1 }, 'is empty')
    const { offset, code } = firstFault(text)
    const found = text.slice(offset, offset + 20).split(/[\r\n]/, 1)[0]
    const here = offset >= text.length ? 'and the text ends here' : `and here is ${JSON.stringify(found)}`
    return refuse(
      file,
      positionAt(text, offset),
      `is not JSON: ${FAULTS[code] ?? 'something else is expected'}, ${here}`,
    )
  }
}

function firstFault(text: string): { offset: number; code: string } {
  const faults: { offset: number; code: string }[] = []
  const onError: JSONVisitor['onError'] = (code, offset) => {
    if (faults.length === 0) faults.push({ offset, code: printParseErrorCode(code) })
  }
  visit(text, { onError }, { disallowComments: true })
  return faults[0] ?? { offset: 0, code: '' }
}

const FAULTS: Readonly<Record<string, string>> = {
  InvalidSymbol: 'a value, a text in double quotes or the end of one is expected',
  InvalidNumberFormat: 'no number is written like this',
  PropertyNameExpected: 'a name in double quotes is expected',
  ValueExpected: 'a value is expected',
  ColonExpected: 'a colon is expected',
  CommaExpected: 'a comma is expected',
  CloseBraceExpected: 'a closing brace is expected',
  CloseBracketExpected: 'a closing bracket is expected',
  EndOfFileExpected: 'nothing may follow the first value',
  InvalidCommentToken: 'JSON has no comments',
  UnexpectedEndOfComment: 'JSON has no comments',
  UnexpectedEndOfString: 'a text has to end on the line where it begins',
  UnexpectedEndOfNumber: 'a number has to go on',
  InvalidUnicode: 'four hexadecimal digits have to follow \\u',
  InvalidEscapeCharacter: 'there is no such escape',
  InvalidCharacter: 'control characters are written as escapes',
}

/** `JSON.parse` keeps the last of two members of one name, without a word. */
function checkNames(text: string, file: string): void {
  const around: Set<string>[] = []
  visit(text, {
    onObjectBegin: () => void around.push(new Set()),
    onObjectEnd: () => void around.pop(),
    onObjectProperty(name, _offset, _length, line, character, pathOf) {
      const names = around.at(-1)!
      const why = name === '__proto__' ? 'is no name that a member may have' : names.has(name) && 'is there twice'
      if (why) {
        refuse(file, { line: line + 1, column: character + 1 }, why, [...pathOf(), name].map(step).join(''))
      }
      names.add(name)
    },
  })
}

/** What is looked for, as a tree: the steps of all pointers that begin alike are one way. */
interface Looked {
  at?: Position
  readonly inner: Map<string, Looked>
}

function locate(text: string, pointers: readonly string[]): Position[] {
  const root: Looked = { at: { line: 1, column: 1 }, inner: new Map() }
  const ways = pointers.map(pointer => {
    const way = [root]
    for (const name of stepsOf(pointer) ?? []) {
      const { inner } = way.at(-1)!
      if (!inner.has(name)) inner.set(name, { inner: new Map() })
      way.push(inner.get(name)!)
    }
    return way
  })
  visit(text, finder(root))
  return ways.map(way => way.findLast(({ at }) => at !== undefined)!.at!)
}

/** Notes where each thing begins that is looked for: a member at its name, an element at its value. */
function finder(root: Looked): JSONVisitor {
  /** What the visitor is in: `index` counts the elements of a list; undefined: nothing within it is looked for. */
  const around: { node: Looked | undefined; index?: number }[] = []
  let next: Looked | undefined = root
  const value = (line: number, character: number): Looked | undefined => {
    const list = around.at(-1)
    if (list?.index === undefined) return next
    const node = list.node?.inner.get(String(list.index++))
    if (node) node.at = { line: line + 1, column: character + 1 }
    return node
  }
  return {
    onObjectBegin: (_offset, _length, line, character) => void around.push({ node: value(line, character) }),
    onArrayBegin: (_offset, _length, line, character) => void around.push({ node: value(line, character), index: 0 }),
    onObjectEnd: () => void around.pop(),
    onArrayEnd: () => void around.pop(),
    onLiteralValue: (_value, _offset, _length, line, character) => void value(line, character),
    onObjectProperty(name, _offset, _length, line, character) {
      next = around.at(-1)?.node?.inner.get(name)
      if (next) next.at = { line: line + 1, column: character + 1 }
    },
  }
}
