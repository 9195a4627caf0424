// Similarity search over what is cached. The question is embedded like any line.
import { useSignal } from '@preact/signals'
import { shown } from '../lines.js'
import type { Session } from '../session.js'
import type { Tools } from '../tools.js'

export function Search({ tools, session }: { readonly tools: Tools; readonly session: Session }) {
  const query = useSignal('')
  const found = tools.found.value
  return (
    <section class="search" aria-labelledby="search-title">
      <h2 id="search-title">Search what is cached</h2>
      <form
        onSubmit={event => {
          event.preventDefault()
          void tools.search(query.peek())
        }}
      >
        <input
          type="search"
          aria-label="Find cached texts like this"
          placeholder="a service was started"
          value={query.value}
          onInput={event => {
            query.value = event.currentTarget.value
          }}
        />
        <button type="submit" disabled={tools.searching.value || query.value.trim() === ''}>
          Search
        </button>
      </form>
      {tools.problem.value !== '' && <p class="bad">{tools.problem.value}</p>}
      {found ? (
        <ol class="found">
          {found.neighbours.map(({ text, score }) => (
            <li key={text}>
              <span class="number">{score.toFixed(2)}</span>
              <span class="bar">
                <span style={{ width: `${Math.max(0, Math.min(100, 100 * score))}%` }} />
              </span>
              <span class="mono" title={shown(text, 1000)}>
                {shown(text)}
              </span>
            </li>
          ))}
        </ol>
      ) : (
        <p class="found quiet">
          {session.memory.value.held.length > 0
            ? 'Finds lines by meaning, not by words; scores are cosines.'
            : 'Embed some lines first; then find them by meaning.'}
        </p>
      )}
    </section>
  )
}
