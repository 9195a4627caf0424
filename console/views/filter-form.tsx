// Which blocks: by plugin, operation and time. Taken over when a field is left or Enter is pressed.
import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { type FilterFields, NO_FILTER } from '../block-rows.js'

interface FilterFormProps {
  readonly onFilter: (filter: FilterFields) => void
  readonly children?: ComponentChildren
}

const NAMES = [
  ['plugin', 'plugin'],
  ['operation', 'operation'],
] as const
const TIMES = [
  ['since', 'from'],
  ['until', 'before'],
] as const

export function FilterForm({ onFilter, children }: FilterFormProps) {
  const fields = useSignal<FilterFields>(NO_FILTER)
  const change = (name: keyof FilterFields, value: string) => {
    if (fields.peek()[name] === value) return
    const next = { ...fields.peek(), [name]: value }
    fields.value = Object.values(next).every(one => one === '') ? NO_FILTER : next
    onFilter(fields.peek())
  }
  return (
    <form class="filter" aria-label="Filter" onSubmit={event => event.preventDefault()}>
      {NAMES.map(([name, label]) => (
        <label key={name}>
          {label}{' '}
          <input
            type="text"
            size={12}
            placeholder="all"
            value={fields.value[name]}
            onChange={event => change(name, event.currentTarget.value)}
          />
        </label>
      ))}
      {TIMES.map(([name, label]) => (
        <label key={name}>
          {label}{' '}
          <input
            type="datetime-local"
            value={fields.value[name]}
            onChange={event => change(name, event.currentTarget.value)}
          />
        </label>
      ))}
      {children}
      {fields.value !== NO_FILTER && (
        <button
          type="button"
          class="link"
          onClick={() => {
            fields.value = NO_FILTER
            onFilter(NO_FILTER)
          }}
        >
          No filter
        </button>
      )}
    </form>
  )
}
