// Whether texts share the vector of their template, and what that saved.
import type { PatternMode } from '../../src/public.js'
import { servedText } from '../pattern-counts.js'
import type { Session } from '../session.js'

const MODES: Readonly<Record<PatternMode, string>> = {
  off: 'Each text is embedded as it is.',
  template: 'Ids, times and numbers are replaced by their kind, then embedded: one vector for each kind of event.',
}

export function Patterns({ session }: { readonly session: Session }) {
  const mode = session.mode.value
  const counts = session.patterns.value
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
      </div>
      <p class="quiet mode">{MODES[mode]}</p>
      <p class="quiet served">{mode === 'template' && counts ? servedText(counts) : ''}</p>
    </fieldset>
  )
}
