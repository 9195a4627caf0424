// The memory tier: who is in it, who was evicted, how large it may be, and what patterns do.
import { bytes, count, plural } from '../../src/cli/render.js'
import type { PatternMode } from '../../src/public.js'
import { shown } from '../lines.js'
import { CAPACITIES } from '../memory-view.js'
import type { Session } from '../session.js'

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

const MODES: Readonly<Record<PatternMode, string>> = {
  off: 'Each text is embedded as it is.',
  template: 'Ids, times and numbers are replaced by their kind, then embedded: one vector for each kind of event.',
  verified: 'Texts stay as they are; a pattern answers for others only after its members agreed within the bound.',
}

function Patterns({ session }: { readonly session: Session }) {
  const mode = session.mode.value
  const patterns = session.patterns.value
  return (
    <fieldset class="patterns" disabled={session.busy.value}>
      <legend>Patterns</legend>
      <div class="choices">
        {(Object.keys(MODES) as PatternMode[]).map(one => (
          <label key={one}>
            <input type="radio" name="patterns" checked={mode === one} onChange={() => void session.setPatterns(one)} />
            {one}
          </label>
        ))}
        <label>
          bound
          <select
            value={String(session.bound.value)}
            disabled={mode !== 'verified'}
            onChange={event => void session.setPatterns('verified', Number(event.currentTarget.value))}
          >
            <option value="0.14">0.14 (cosine 0.99)</option>
            <option value="0.4">0.40 (cosine 0.92)</option>
            <option value="0.7">0.70 (cosine 0.75)</option>
          </select>
        </label>
      </div>
      <p class="quiet mode">{MODES[mode]}</p>
      <p class="quiet served">
        {mode !== 'off' && patterns && (
          <>
            {plural(patterns.patterns, 'pattern serves', 'patterns serve')}, {plural(patterns.hits, 'hit', 'hits')}
            {mode === 'verified' &&
              `, ${plural(patterns.refusals, 'refusal', 'refusals')}; worst error seen ${patterns.worstError.toFixed(3)} of ${session.bound.value} allowed`}
            .
          </>
        )}
      </p>
    </fieldset>
  )
}
