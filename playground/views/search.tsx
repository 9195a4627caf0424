// Similarity search over what is in memory. The question is embedded like any line.
import { useSignal, useSignalEffect } from '@preact/signals'
import { plural } from '../../src/format.js'
import { fetchWords } from '../fetch-words.js'
import { shown } from '../lines.js'
import type { Session } from '../session.js'
import type { Found, Tools } from '../tools.js'
import { RunButton } from './run-button.js'

export function Search({ tools, session }: { readonly tools: Tools; readonly session: Session }) {
  const query = useSignal('')
  const found = tools.found.value
  const searching = tools.searching.value
  const empty = session.memory.value.held.length === 0
  const problem = tools.lost.value ? NO_THREAD : tools.problem.value
  useSignalEffect(() => {
    // Emptied first: the same words again would not be spoken.
    if (tools.searching.value) session.spoken.value = ''
  })
  useSignalEffect(() => {
    if (tools.found.value) session.spoken.value = foundText(tools.found.value)
  })
  return (
    <section class="search" aria-labelledby="search-title">
      <h2 id="search-title">Search what is in memory</h2>
      <form
        onSubmit={event => {
          event.preventDefault()
          if (!empty) void tools.search(query.peek())
        }}
      >
        <input
          type="search"
          aria-label="Find texts in memory like this"
          placeholder="a service was started"
          value={query.value}
          onInput={event => {
            query.value = event.currentTarget.value
          }}
        />
        <RunButton
          running={searching}
          disabled={!searching && (empty || query.value.trim() === '')}
          onStart={() => void tools.search(query.peek())}
          onStop={() => tools.stopSearching()}
        >
          Search
        </RunButton>
      </form>
      {problem !== '' && (
        <p class="bad" role="alert">
          {problem}
        </p>
      )}
      {searching ? (
        <p class="found quiet">{searchingText(session)}</p>
      ) : found ? (
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
          {empty
            ? 'Embed some lines; then find them by meaning.'
            : 'Finds lines by meaning, not by words; scores are cosines.'}
        </p>
      )}
    </section>
  )
}

const NO_THREAD = 'Search and map do not work now: their thread could not be started. The next search tries again.'

/** The question is embedded like any line, so it may be what loads the model. */
function searchingText(session: Session): string {
  const fetched = session.fetched.value
  return session.ready.value || !fetched ? 'searching …' : fetchWords(fetched)
}

/** For screen readers. */
function foundText({ neighbours }: Found): string {
  const [nearest] = neighbours
  if (!nearest) return 'Nothing found.'
  return `${plural(neighbours.length, 'line', 'lines')} found, nearest: ${shown(nearest.text, 80)}`
}
