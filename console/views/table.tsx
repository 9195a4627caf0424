// A table that can be sorted by its headings; on a phone its rows become cards. Cells are what its caller makes of a row.
import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'

export interface Column<T> {
  readonly name: string
  readonly cell: (row: T) => ComponentChildren
  /** What to sort by; without it the heading is no button. */
  readonly sort?: (row: T) => number | string
  /** Numbers stand to the right. */
  readonly right?: boolean
}

export interface TableProps<T> {
  /** For screen readers. */
  readonly caption: string
  readonly columns: readonly Column<T>[]
  readonly rows: readonly T[]
  readonly keyOf: (row: T) => string
  /** Name of the column that it is sorted by at first, and how; absent: as the rows come. */
  readonly sortedBy?: readonly [name: string, direction: Direction]
}

type Direction = 'ascending' | 'descending'

export function Table<T>({ caption, columns, rows, keyOf, sortedBy }: TableProps<T>) {
  const order = useSignal<readonly [string, Direction] | undefined>(sortedBy)
  const [by, direction] = order.value ?? []
  const sort = columns.find(({ name }) => name === by)?.sort
  const shown = sort ? sorted(rows, sort, direction === 'descending') : rows
  const press = (column: Column<T>) => {
    const other = direction === 'descending' ? 'ascending' : 'descending'
    // Numbers are looked at from the largest on, names from A.
    order.value = [column.name, by === column.name ? other : column.right ? 'descending' : 'ascending']
  }
  return (
    <div class="table-box">
      <table class="table">
        <caption class="unseen">{caption}</caption>
        <thead>
          <tr>
            {columns.map(column => (
              <th
                key={column.name}
                scope="col"
                class={column.right ? 'right' : ''}
                aria-sort={column.name === by ? direction : undefined}
              >
                {column.sort ? (
                  <button type="button" class="sort" onClick={() => press(column)}>
                    {column.name}
                    <span aria-hidden="true">{column.name !== by ? '' : direction === 'ascending' ? ' ↑' : ' ↓'}</span>
                  </button>
                ) : (
                  column.name
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map(row => (
            <tr key={keyOf(row)}>
              {columns.map(column => (
                <td key={column.name} class={column.right ? 'right number' : ''} data-label={column.name}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function sorted<T>(rows: readonly T[], by: (row: T) => number | string, falling: boolean): T[] {
  return [...rows].sort((a, b) => {
    const [one, other] = [by(a), by(b)]
    const order =
      typeof one === 'number' && typeof other === 'number' ? one - other : String(one).localeCompare(String(other))
    return falling ? -order : order
  })
}
