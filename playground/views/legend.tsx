// What the shapes and colours of the pictures mean, in the letters of the chips. Which sources occur, too.
import { MARKS, type MarkOf } from '../../look/marks.js'
import { LETTERS, SOURCES } from '../../look/sources.js'
import type { Session } from '../session.js'
import { NAMES } from '../sources.js'

export function Legend({ session }: { readonly session: Session }) {
  const counts = session.counts.value
  return (
    <ul class="legend" aria-label="Sources in the pictures below">
      {SOURCES.map(source => (
        <li key={source} class={counts[source] ? '' : 'none'} data-source={source}>
          <Mark of={source} />
          <span class="chip" aria-hidden="true">
            {LETTERS[source]}
          </span>
          {NAMES[source]}
          {!counts[source] && <span class="unseen">, no answer yet</span>}
        </li>
      ))}
      <li>
        <Mark of="other" />
        in memory, but in no line above
      </li>
    </ul>
  )
}

function Mark({ of }: { readonly of: MarkOf }) {
  return (
    <svg class="mark" viewBox="-1.4 -1.4 2.8 2.8" aria-hidden="true">
      <path d={MARKS[of]} />
    </svg>
  )
}
