// Your lines, and the buttons. Says what a press will fetch before it is pressed.
import { useRef } from 'preact/hooks'
import { bytes, count, duration, plural } from '../../src/cli/render.js'
import { EXAMPLES } from '../examples.js'
import { MOST_LINES } from '../lines.js'
import type { Offline } from '../offline.js'
import type { Phase, Run, Session } from '../session.js'

/** Characters from which a paste is put in by hand. Shorter ones keep the browser's undo. */
const LARGE_PASTE = 20_000

export function Input({ session, offline }: { readonly session: Session; readonly offline: Offline }) {
  const file = useRef<HTMLInputElement>(null)
  const { lines, left } = session.lines.value
  const busy = session.busy.value
  const fetches = session.toFetch()
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault()
      void session.embed()
    }
  }
  const onPaste = (event: ClipboardEvent & { readonly currentTarget: HTMLTextAreaElement }) => {
    const pasted = event.clipboardData?.getData('text/plain') ?? ''
    if (pasted.length < LARGE_PASTE) return
    // Chromium inserts line by line, each slower than the one before: thousands of them stop the page for many seconds.
    event.preventDefault()
    const area = event.currentTarget
    area.setRangeText(pasted, area.selectionStart, area.selectionEnd, 'end')
    session.text.value = area.value
  }
  const take = async (chosen: File | undefined) => {
    if (chosen) session.text.value = await chosen.text()
  }
  return (
    <section class="input" aria-labelledby="lines-title">
      <h2 id="lines-title">Your lines</h2>
      <textarea
        aria-label="Lines to embed, one text a line"
        aria-describedby="lines-count"
        rows={10}
        spellcheck={false}
        wrap="off"
        placeholder="Type or paste lines, one text a line."
        value={session.text.value}
        onInput={event => {
          session.text.value = event.currentTarget.value
        }}
        onKeyDown={onKeyDown}
        onPaste={onPaste}
      />
      <p class="quiet" id="lines-count">
        {plural(lines.length, 'line', 'lines')}
        {left > 0 && `; the first ${count(MOST_LINES)} are taken, ${count(left)} are left out`}
        <span class="examples">
          examples:
          {EXAMPLES.map(({ name, lines: ready }) => (
            <button
              type="button"
              class="link"
              key={name}
              onClick={() => {
                session.text.value = ready.join('\n')
              }}
            >
              {name}
            </button>
          ))}
          <button type="button" class="link" onClick={() => file.current?.click()}>
            your file
          </button>
          <input
            ref={file}
            type="file"
            hidden
            accept=".txt,.log,.csv,text/*"
            onChange={event => void take(event.currentTarget.files?.[0])}
          />
        </span>
      </p>
      <div class="buttons">
        {busy ? (
          <button type="button" class="main" onClick={() => session.stop()}>
            Stop
          </button>
        ) : (
          <button
            type="button"
            class="main"
            disabled={lines.length === 0}
            title="Ctrl+Enter"
            onClick={() => void session.embed()}
          >
            {session.lastRun.value ? 'Embed again' : 'Embed'}
            {fetches > 0 && <small>fetches up to {bytes(fetches)} once</small>}
          </button>
        )}
        <button type="button" disabled={busy} onClick={() => void session.forgetMemory()}>
          Forget memory
        </button>
        <button type="button" disabled={busy} onClick={() => void session.forgetAll()}>
          Forget all
        </button>
      </div>
      <Progress phase={session.phase.value} run={session.lastRun.value} online={offline.online.value} />
    </section>
  )
}

/** One line that is always there, so that nothing jumps. */
function Progress({ phase, run, online }: { phase: Phase; run: Run | undefined; online: boolean }) {
  if (phase.kind === 'working' && phase.fetched && phase.done === 0) {
    const { done, total } = phase.fetched
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
      <p class="progress bad" role="alert">
        Failed: {phase.message}
        {!online && ' You are offline, and this was not fetched yet.'}
      </p>
    )
  }
  if (phase.kind === 'stopped') {
    return (
      <p class="progress">
        Stopped after {count(phase.done)} of {plural(phase.total, 'line', 'lines')}. What is done is cached.
      </p>
    )
  }
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
