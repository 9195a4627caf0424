// A JSON value as the rows of a tree: what is open, what a search found, and never more rows than a page can bear. Pure; draws nothing.
import type { JsonValue } from '../src/json/json.js'
import { step } from '../src/json/pointer.js'

/** Rows at once; what is beyond is counted. */
export const MOST_ROWS = 2000
/** Members of one value before somebody asks for more. */
export const FIRST_MEMBERS = 100
/** Places that a search shows. */
export const MOST_FOUND = 200
/** No answer of ours nests deeper; what does is told as text. */
const DEEPEST = 200

export interface TreeRow {
  /** RFC 6901; of a row that stands for more members, that of their parent. */
  readonly path: string
  readonly depth: number
  /** The member's name, or its place in a list. */
  readonly name: string
  /** `more`: `size` members follow that are not shown. */
  readonly kind: 'object' | 'list' | 'value' | 'more'
  readonly value?: JsonValue
  /** Members. */
  readonly size: number
  readonly open: boolean
  /** The search is in its name or its value. */
  readonly found: boolean
  /** Its place among its neighbours, from 1 on, and how many there are. */
  readonly place: number
  readonly of: number
}

export interface TreeView {
  readonly rows: readonly TreeRow[]
  /** The rows are cut off at {@link MOST_ROWS}. */
  readonly cut: boolean
}

export interface TreeState {
  /** Paths of what is open. The root always is. */
  readonly open: ReadonlySet<string>
  /** How many members are shown of a path, where that is not {@link FIRST_MEMBERS}. */
  readonly members: ReadonlyMap<string, number>
  /** What a search found: only that, and what leads there, is shown. */
  readonly only?: Found | undefined
}

export interface Found {
  readonly hits: ReadonlySet<string>
  /** All that they are in. */
  readonly above: ReadonlySet<string>
  /** There are more than {@link MOST_FOUND}. */
  readonly more: boolean
}

/** The members of an object or a list; undefined for what has none. */
function membersOf(value: JsonValue): [string, JsonValue][] | undefined {
  if (Array.isArray(value)) return value.map((one: JsonValue, i) => [String(i), one])
  return typeof value === 'object' && value !== null ? Object.entries(value) : undefined
}

export function treeRows(root: JsonValue, { open, members, only }: TreeState): TreeView {
  const rows: TreeRow[] = []
  let cut = false
  // What a search found is shown whole where somebody opens it.
  const walk = (value: JsonValue, at: string, depth: number, found: Found | undefined) => {
    const all = membersOf(value) ?? []
    const isOnWay = (path: string) => found === undefined || found.hits.has(path) || found.above.has(path)
    const shown = found ? all.filter(([name]) => isOnWay(at + step(name))) : all
    const most = found ? shown.length : (members.get(at) ?? FIRST_MEMBERS)
    const of = Math.min(shown.length, most) + (shown.length > most ? 1 : 0)
    for (const [i, [name, inner]] of shown.entries()) {
      if (rows.length >= MOST_ROWS) {
        cut = true
        return
      }
      const place = i + 1
      if (i === most) {
        const left = shown.length - most
        rows.push({ path: at, depth, name: '', kind: 'more', size: left, open: false, found: false, place, of })
        return
      }
      const path = at + step(name)
      const size = membersOf(inner)?.length ?? 0
      const nested = size > 0 && depth < DEEPEST
      const isOpen = nested && (open.has(path) || found?.above.has(path) === true)
      rows.push({
        path,
        depth,
        name,
        kind: !nested ? 'value' : Array.isArray(inner) ? 'list' : 'object',
        value: inner,
        size,
        open: isOpen,
        found: found?.hits.has(path) ?? false,
        place,
        of,
      })
      if (isOpen) walk(inner, path, depth + 1, found?.hits.has(path) && open.has(path) ? undefined : found)
    }
  }
  walk(root, '', 0, only)
  return { rows, cut }
}

/** Where these words are, in names or in values, whatever their case. Undefined for no words: then everything is shown. */
export function findIn(root: JsonValue, words: string): Found | undefined {
  const needle = words.trim().toLowerCase()
  if (needle === '') return undefined
  const hits = new Set<string>()
  const above = new Set<string>()
  let more = false
  const holds = (text: string) => text.toLowerCase().includes(needle)
  const walk = (value: JsonValue, path: string, around: readonly string[]) => {
    for (const [name, inner] of membersOf(value) ?? []) {
      if (more) return
      const at = path + step(name)
      const within = membersOf(inner)
      if (holds(name) || (within === undefined && holds(String(inner)))) {
        if (hits.size === MOST_FOUND) {
          more = true
          return
        }
        hits.add(at)
        for (const one of around) above.add(one)
      }
      if (within !== undefined && around.length < DEEPEST) walk(inner, at, [...around, at])
    }
  }
  walk(root, '', [])
  return { hits, above, more }
}

/** What tells an object from its neighbours while it is closed: its name, and its first values that are no containers. */
export function hintOf(value: JsonValue, most = 80): string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return ''
  const told: string[] = []
  const isName = (name: string) => (name === 'name' || name === 'id' ? 0 : 1)
  for (const [name, inner] of Object.entries(value).sort(([a], [b]) => isName(a) - isName(b))) {
    if (told.length === 3) break
    if ((typeof inner === 'object' && inner !== null) || inner === '') continue
    told.push(`${name.slice(0, most)} ${valueText(inner, 40)}`)
  }
  const text = told.join(', ')
  return text.length > most ? `${text.slice(0, most)}\u2026` : text
}

/** A value in a line, as JSON; longer ones are cut off, and say how long they are. */
export function valueText(value: JsonValue, most = 300): string {
  // Of a megabyte of text only its beginning is written out.
  const cut = typeof value === 'string' && value.length > most
  const text = JSON.stringify(cut ? value.slice(0, most) : value)
  return cut ? `${text.slice(0, -1)}\u2026` : text.length > most ? `${text.slice(0, most)}\u2026` : text
}
