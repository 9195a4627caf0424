// How the run goes, or what it came to, in one line under the buttons. Starts nothing.

import { shortTime } from '../../look/scale.js'
import { count, plural } from '../../src/format.js'
import { fetchWords } from '../fetch-words.js'
import type { Run } from '../run-sum.js'
import type { Session } from '../session.js'

/** One line that is always there, so that nothing jumps. */
export function Progress({ session }: { readonly session: Session }) {
  const phase = session.phase.value
  const fetched = session.fetched.value
  if (phase.kind === 'working' && fetched && phase.done === 0) {
    const { done, total } = fetched
    return (
      <p class="progress">
        <progress max={Math.max(1, total)} value={done} aria-label="fetching the model" />
        <span>{fetchWords(fetched)}</span>
      </p>
    )
  }
  if (phase.kind === 'working') {
    return (
      <p class="progress">
        <progress max={phase.total} value={phase.done} aria-label="lines answered" />
        <span>{phase.done === 0 ? 'starting' : `${count(phase.done)} of ${plural(phase.total, 'line', 'lines')}`}</span>
      </p>
    )
  }
  if (phase.kind === 'failed') {
    return (
      <div class="progress bad">
        <span role="alert">Failed: {phase.failure.said}</span>
        <details>
          <summary>Details</summary>
          {phase.failure.detail}
        </details>
      </div>
    )
  }
  if (session.outdated.value) {
    return <p class="progress">The lines were changed: the answers below are those of the lines before.</p>
  }
  if (phase.kind === 'stopped') {
    return (
      <p class="progress">
        Stopped after {count(phase.done)} of {plural(phase.total, 'line', 'lines')}. What is done is cached.
      </p>
    )
  }
  const run = session.lastRun.value
  if (!run) return <p class="progress">Ctrl+Enter embeds. Press it twice to see what a cache does.</p>
  return <p class="progress">{runText(run, session.capacity.value >= run.lines)}</p>
}

/** `fits`: memory has room for all lines. */
function runText({ lines, ms, loadMs, savedMs = 0, sources }: Run, fits: boolean): string {
  const computed = sources.computed ?? 0
  const took = shortTime(ms)
  const all = plural(lines, 'line', 'lines')
  if (computed === 0) {
    const saved = savedMs > 0 ? ` That saved ${shortTime(savedMs)} of computing.` : ''
    return `${all} from the cache: the look-ups took ${took}.${saved}`
  }
  const others = lines - computed
  const split = others > 0 ? `: ${count(computed)} computed, ${count(others)} from the cache` : ', all computed'
  const load = loadMs > 0 ? ` (${shortTime(loadMs)} of it loading the model)` : ''
  const next = fits ? ' Embed again: they come from memory.' : ''
  return `${all}${split}; the look-ups took ${took}${load}.${next}`
}
