// A JSON value as a tree that can be opened and searched. One tab stop; arrows move and open, as in every tree.
import { useComputed, useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { oneLine, plural, visibleJson } from '../../src/format.js'
import type { JsonValue } from '../../src/json/json.js'
import { FIRST_MEMBERS, findIn, hintOf, MOST_FOUND, type TreeRow, treeRows, valueText } from '../json-tree.js'
import { Empty } from './parts.js'

interface TreeProps {
  /** Unique in the page. */
  readonly id: string
  /** For screen readers: what it is a tree of. */
  readonly label: string
  readonly value: JsonValue
}

/** More members at a press. */
const MORE = 400

export function Tree({ id, label, value }: TreeProps) {
  const words = useSignal('')
  const open = useSignal<ReadonlySet<string>>(new Set())
  const members = useSignal<ReadonlyMap<string, number>>(new Map())
  const at = useSignal(0)
  const root = useSignal(value)
  useEffect(() => {
    root.value = value
  }, [value])
  const found = useComputed(() => findIn(root.value, words.value))
  const view = useComputed(() => treeRows(root.value, { open: open.value, members: members.value, only: found.value }))
  const { rows, cut } = view.value
  const current = Math.min(at.value, rows.length - 1)
  const list = useRef<HTMLDivElement>(null)

  const setOpen = (path: string, wanted: boolean) => {
    const next = new Set(open.peek())
    if (wanted) next.add(path)
    else next.delete(path)
    open.value = next
  }
  const press = (row: TreeRow) => {
    if (row.kind === 'more') {
      const shown = members.peek().get(row.path) ?? FIRST_MEMBERS
      members.value = new Map(members.peek()).set(row.path, shown + MORE)
    } else if (row.kind !== 'value') setOpen(row.path, !row.open)
  }
  const move = (to: number) => {
    at.value = Math.max(0, Math.min(rows.length - 1, to))
    list.current?.querySelector(`#${id}-${at.peek()}`)?.scrollIntoView({ block: 'nearest' })
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const row = rows[current]
    if (!row) return
    if (!act(event.key, row)) return
    event.preventDefault()
  }
  const act = (key: string, row: TreeRow): boolean => {
    if (key === 'ArrowDown') move(current + 1)
    else if (key === 'ArrowUp') move(current - 1)
    else if (key === 'Home') move(0)
    else if (key === 'End') move(rows.length - 1)
    else if (key === 'Enter' || key === ' ') press(row)
    else if (key === 'ArrowRight') {
      if (row.open) move(current + 1)
      else if (row.kind === 'list' || row.kind === 'object') setOpen(row.path, true)
    } else if (key === 'ArrowLeft') {
      if (row.open && !found.peek()) setOpen(row.path, false)
      else move(rows.findLastIndex((one, i) => i < current && one.depth < row.depth))
    } else return false
    return true
  }

  return (
    <div class="tree">
      <div class="tree-search">
        <input
          type="search"
          aria-label={`Search in ${label}`}
          placeholder="search names and values"
          value={words}
          onInput={event => {
            words.value = event.currentTarget.value
          }}
        />
        <span class="quiet" role="status">
          {found.value && foundText(found.value.hits.size, found.value.more)}
        </span>
      </div>
      {rows.length === 0 ? (
        <Empty>{found.value ? 'Nothing in it has these words.' : 'There is nothing in it.'}</Empty>
      ) : (
        <div
          ref={list}
          class="tree-rows"
          role="tree"
          aria-label={label}
          tabIndex={0}
          aria-activedescendant={`${id}-${current}`}
          onKeyDown={onKeyDown}
        >
          {rows.map((row, i) => (
            <Row
              key={`${row.path} ${row.kind === 'more'}`}
              id={`${id}-${i}`}
              row={row}
              current={i === current}
              onPress={() => {
                at.value = i
                press(row)
              }}
            />
          ))}
        </div>
      )}
      {cut && <p class="quiet">There is more than is shown: close what you do not need, or search.</p>}
    </div>
  )
}

function foundText(hits: number, more: boolean): string {
  return more ? `the first ${MOST_FOUND} places` : plural(hits, 'place', 'places')
}

interface RowProps {
  readonly id: string
  readonly row: TreeRow
  readonly current: boolean
  readonly onPress: () => void
}

function Row({ id, row, current, onPress }: RowProps) {
  const { depth, name, kind, size, open, found, place, of } = row
  const nested = kind === 'object' || kind === 'list'
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the tree around it has the keys
    // biome-ignore lint/a11y/useFocusableInteractive: the tree around it has the focus
    <div
      id={id}
      role="treeitem"
      class={`tree-row${current ? ' current' : ''}${found ? ' hit' : ''}`}
      aria-level={depth + 1}
      aria-posinset={place}
      aria-setsize={of}
      aria-expanded={nested ? open : undefined}
      aria-selected={current}
      style={{ paddingInlineStart: `${8 + 20 * Math.min(depth, 12)}px` }}
      onClick={onPress}
    >
      {kind === 'more' ? (
        <span class="link">{plural(size, 'more', 'more')} …</span>
      ) : (
        <>
          <span class="twist" aria-hidden="true">
            {nested ? (open ? '▾' : '▸') : ''}
          </span>
          <bdi class="name mono">{oneLine(name, 100).toWellFormed()}</bdi>
          {nested ? (
            <span class="quiet">
              {kind === 'list' ? plural(size, 'element', 'elements') : plural(size, 'member', 'members')}
              {!open && <bdi class="hint">{visibleJson(hintOf(row.value ?? null)).toWellFormed()}</bdi>}
            </span>
          ) : (
            <bdi class="value mono">{visibleJson(valueText(row.value ?? null)).toWellFormed()}</bdi>
          )}
        </>
      )}
    </div>
  )
}
