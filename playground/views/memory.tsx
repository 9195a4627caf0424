// The memory tier: who is in it, who was evicted, how large it may be, and what patterns do.
import { bytes, count, plural } from '../../src/format.js'
import { shown } from '../lines.js'
import { CAPACITIES } from '../memory-view.js'
import type { Session } from '../session.js'
import { Patterns } from './patterns.js'

/** Cells that are drawn; more would be dust. */
const CELLS = 100

export function Memory({ session }: { readonly session: Session }) {
  const { held, gone, left } = session.memory.value
  const capacity = session.capacity.value
  const stop = Math.max(
    0,
    CAPACITIES.findIndex(one => one >= capacity),
  )
  const used = session.stats.value?.embeddings.memory
  const free = Math.max(0, Math.min(CELLS, capacity) - Math.min(CELLS, held.length))
  return (
    <section class="memory" aria-labelledby="memory-title">
      <h2 id="memory-title">
        Memory{' '}
        <span class="figure">
          {count(held.length)} of {count(capacity)}
          {used && used.bytes > 0 && `, ${bytes(used.bytes)}`}
        </span>
      </h2>
      <label class="slider">
        Capacity
        <input
          type="range"
          min={0}
          max={CAPACITIES.length - 1}
          step={1}
          value={stop}
          aria-valuetext={plural(capacity, 'vector', 'vectors')}
          onInput={event => void session.resize(CAPACITIES[Number(event.currentTarget.value)]!)}
        />
        <span aria-hidden="true">{plural(capacity, 'vector', 'vectors')}</span>
      </label>
      <div class="cells" aria-hidden="true">
        {held.slice(0, CELLS).map((text, i) => (
          <span key={text} class="cell" title={`${i + 1}. ${shown(text, 100)}`} />
        ))}
        {gone.slice(0, Math.max(0, CELLS - held.length)).map(text => (
          <span key={text} class="cell gone" title={`evicted: ${shown(text, 100)}`} />
        ))}
        {Array.from({ length: Math.max(0, free - gone.length) }, (_, i) => (
          <span key={`free ${i}`} class="cell free" />
        ))}
      </div>
      <p class="quiet evicted">
        {left > 0 || gone.length > 0 ? (
          <>
            Evicted{left > 0 && ` just now: ${count(left)}`}. The least recently used goes first. Last to go:{' '}
            <span class="mono">
              {gone
                .slice(0, 3)
                .map(text => shown(text, 40))
                .join(' · ')}
            </span>
            {gone.length > 3 && ' …'}
          </>
        ) : (
          'Most recently used first. Move the slider below what is held to see who is evicted.'
        )}
      </p>
      <Patterns session={session} />
    </section>
  )
}
