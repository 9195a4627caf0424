// Which patterns may answer, within which bound, and what they did.
import type { PatternMode } from '../../src/public.js'
import { servedText } from '../pattern-counts.js'
import type { Session } from '../session.js'

const MODES: Readonly<Record<PatternMode, string>> = {
  off: 'Each text is embedded as it is.',
  template: 'Ids, times and numbers are replaced by their kind, then embedded: one vector for each kind of event.',
  verified: 'Texts stay as they are; a pattern answers for others only after its members agreed well within the bound.',
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
      <p class="quiet served">{servedText(mode, counts, session.bound.value)}</p>
    </fieldset>
  )
}
