// Search: blocks by meaning, by text, or both, with how near each is and what could not be searched.
import { useSignal } from '@preact/signals'
import { count, plural } from '../../src/format.js'
import { useAsked } from '../asked.js'
import { type FilterFields, filterOf, lineOf, NO_FILTER } from '../block-rows.js'
import type { SearchReply } from '../client.js'
import { searchNotes } from '../search-words.js'
import { BlockTable } from './block-table.js'
import { FilterForm } from './filter-form.js'
import { Empty, Failed, Loading, Panel } from './parts.js'
import type { ScreenProps } from './screen.js'

const WAYS = ['meaning', 'text', 'hybrid'] as const
type Way = (typeof WAYS)[number]
const HINTS: Readonly<Record<Way, string>> = {
  meaning: 'What says the same in other words; the score is a cosine.',
  text: 'What holds these words as they are, whatever their case; newest first.',
  hybrid: 'Both, by rank.',
}
const COUNTS = [10, 20, 50, 100]

interface Asking {
  readonly by: Way
  readonly reply: SearchReply
}

export function SearchScreen({ session }: ScreenProps) {
  const text = useSignal('')
  const by = useSignal<Way>('meaning')
  const k = useSignal(10)
  const filter = useSignal<FilterFields>(NO_FILTER)
  const search = useAsked<Asking>()
  const run = async () => {
    const asked = text.peek()
    if (asked.trim() === '') return
    const way = by.peek()
    const body = { text: asked, by: way, k: k.peek(), ...filterOf(filter.peek()) }
    const answer = await search.ask(async signal => ({
      by: way,
      // The first one may have to embed blocks.
      reply: await session.client.post('api/search', body, { signal, ms: 120_000 }),
    }))
    if (answer) session.say(plural(answer.reply.found.length, 'block found', 'blocks found'))
  }
  const shown = search.value.value
  return (
    <Panel id="search" title="Search blocks">
      <form
        class="search-form"
        onSubmit={event => {
          event.preventDefault()
          if (search.busy.peek()) search.stop()
          else void run()
        }}
      >
        <input
          type="search"
          aria-label="Words to search for"
          placeholder="a bridge was made"
          value={text}
          onInput={event => {
            text.value = event.currentTarget.value
          }}
        />
        <button type="submit" class="main" disabled={!search.busy.value && text.value.trim() === ''}>
          {search.busy.value ? 'Stop' : 'Search'}
        </button>
        <div class="ways" role="radiogroup" aria-label="How to search">
          {WAYS.map(way => (
            <label key={way}>
              <input
                type="radio"
                name="way"
                checked={by.value === way}
                onChange={() => {
                  by.value = way
                }}
              />{' '}
              {way}
            </label>
          ))}
        </div>
        <label>
          at most{' '}
          <select
            value={k.value}
            onChange={event => {
              k.value = Number(event.currentTarget.value)
            }}
          >
            {COUNTS.map(one => (
              <option key={one} value={one}>
                {one}
              </option>
            ))}
          </select>
        </label>
        <p class="quiet">{HINTS[by.value]}</p>
      </form>
      <FilterForm
        onFilter={fields => {
          filter.value = fields
          if (search.value.peek()) void run()
        }}
      />
      {search.failure.value && <Failed failure={search.failure.value} what="Not searched" onRetry={() => void run()} />}
      {shown ? (
        <Results {...shown} />
      ) : search.busy.value ? (
        <Loading what="what is found" rows={6} />
      ) : (
        <Empty>Search says what was done to this system, when, and where it is written.</Empty>
      )}
    </Panel>
  )
}

function Results({ by, reply }: Asking) {
  const whole = by === 'hybrid' ? Math.max(0, ...reply.found.map(({ score }) => score)) : 1
  return (
    <div class="results">
      <p class="quiet">
        {plural(reply.found.length, 'block', 'blocks')} of {count(reply.searched)} that were searched.
      </p>
      {searchNotes(reply).map(note => (
        <p key={note} class="note">
          {note}
        </p>
      ))}
      {reply.found.length === 0 ? (
        <Empty>Nothing was found. Other words, or another way of searching, may find it.</Empty>
      ) : (
        <BlockTable
          caption="Blocks found, nearest first"
          rows={reply.found.map(({ block, score }) => ({ block: lineOf(block), score }))}
          {...(by !== 'text' && { whole })}
        />
      )}
    </div>
  )
}
