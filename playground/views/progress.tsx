// How the run goes, or what it came to, in one line under the buttons. Starts nothing.
import { bytes, count, duration, plural } from '../../src/cli/render.js'
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
        <span>
          fetching model and runtime: {bytes(done)} of {bytes(total)}
        </span>
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
  return <p class="progress">{run ? runText(run) : 'Ctrl+Enter embeds. Press it twice to see what a cache does.'}</p>
}

function runText({ lines, ms, loadMs, savedMs = 0, sources }: Run): string {
  const computed = sources.computed ?? 0
  const took = duration(Math.max(ms, 0.01))
  const all = plural(lines, 'line', 'lines')
  if (computed === 0) {
    const saved = savedMs > 0 ? ` Computing them took ${duration(savedMs + ms)}: ${duration(savedMs)} saved.` : ''
    return `${all} answered from the cache in ${took}.${saved}`
  }
  const others = lines - computed
  const split = others > 0 ? `: ${count(computed)} computed, ${count(others)} from the cache` : ', all computed'
  const load = loadMs > 0 ? ` (${duration(loadMs)} of it loading the model)` : ''
  return `${all} in ${took}${load}${split}. Embed again: they come from memory.`
}
