// Which patterns may answer, within which bound, and what they did.
import { count, plural } from '../../src/cli/render.js'
import type { PatternMode } from '../../src/public.js'
import type { PatternCounts } from '../pattern-counts.js'
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

/** What patterns did, or why they did nothing. */
export function servedText(mode: PatternMode, counts: PatternCounts | undefined, bound: number): string {
  if (mode === 'off') return ''
  if (mode === 'template') {
    if (!counts) return ''
    return `${plural(counts.patterns, 'template', 'templates')} embedded, ${plural(counts.hits, 'text', 'texts')} answered by them.`
  }
  if (!counts || (counts.patterns === 0 && counts.refusals === 0)) {
    return 'None serves yet. It pays for long texts that differ in little: try the example "alerts" with bound 0.40.'
  }
  const { patterns, hits, refusals, checks, worstError, refusal } = counts
  const said = [`${plural(patterns, 'pattern serves', 'patterns serve')}, ${plural(hits, 'hit', 'hits')}`]
  if (checks > 0)
    said.push(`worst error in ${plural(checks, 'check', 'checks')} ${worstError.toFixed(3)} of ${bound} allowed`)
  if (refusals > 0) said.push(`${count(refusals)} refused${refusal ? refusalText(refusal) : ''}`)
  return `${said.join('; ')}.`
}

function refusalText({ distance, allowed }: NonNullable<PatternCounts['refusal']>): string {
  return `, the last since its members were ${distance.toFixed(3)} apart and ${allowed.toFixed(3)} is allowed`
}
