// Your lines, and the buttons. Says what a press will fetch before it is pressed.
import { useSignal } from '@preact/signals'
import { useRef } from 'preact/hooks'
import { bytes, count, plural } from '../../src/format.js'
import { EXAMPLES } from '../examples.js'
import { type Lines, MOST_LINES } from '../lines.js'
import type { Session } from '../session.js'
import { readTextFile } from '../text-file.js'
import { useDrops } from './drop.js'
import { Progress } from './progress.js'
import { RunButton } from './run-button.js'

/** Characters from which a paste is put in by hand. Shorter ones keep the browser's undo. */
const LARGE_PASTE = 20_000

export function Input({ session }: { readonly session: Session }) {
  const file = useRef<HTMLInputElement>(null)
  /** What to know of the file that was taken last. */
  const note = useSignal('')
  const lines = session.lines.value
  const busy = session.busy.value
  const fetches = session.toFetch.value
  const put = (text: string) => {
    session.text.value = text
    note.value = ''
  }
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
    put(area.value)
  }
  const take = async (chosen: File | undefined) => {
    if (!chosen) return
    const taken = await readTextFile(chosen)
    if (taken.text !== undefined) put(taken.text)
    note.value = taken.note
    session.spoken.value = taken.note
  }
  useDrops(file => void take(file))
  return (
    <section class="input" aria-labelledby="lines-title">
      <h2 id="lines-title">Your lines</h2>
      <textarea
        aria-label="Lines to embed, one text a line"
        aria-describedby="lines-number"
        rows={10}
        spellcheck={false}
        wrap="off"
        placeholder="Type or paste lines, one text a line."
        value={session.text.value}
        onInput={event => put(event.currentTarget.value)}
        onKeyDown={onKeyDown}
        onPaste={onPaste}
      />
      <p class="quiet" id="lines-count">
        <span id="lines-number">
          {linesText(lines)}
          {note.value && ` ${note.value}`}
        </span>
        <span class="examples">
          examples:
          {EXAMPLES.map(({ name, lines: ready }) => (
            <button type="button" class="link" key={name} onClick={() => put(ready.join('\n'))}>
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
            onChange={event => {
              void take(event.currentTarget.files?.[0])
              // Else the same file could not be chosen again.
              event.currentTarget.value = ''
            }}
          />
        </span>
      </p>
      <div class="buttons">
        <RunButton
          class="main"
          title="Ctrl+Enter"
          running={busy}
          disabled={!busy && lines.lines.length === 0}
          onStart={() => void session.embed()}
          onStop={() => session.stop()}
        >
          {session.lastRun.value && !session.outdated.value ? 'Embed again' : 'Embed'}
          {fetches > 0 && <small>fetches up to {bytes(fetches)} once</small>}
        </RunButton>
        <button type="button" disabled={busy} onClick={() => void session.forgetMemory()}>
          Forget memory
        </button>
        <button type="button" disabled={busy} onClick={() => void session.forgetAll()}>
          Forget all
        </button>
      </div>
      <Progress session={session} />
    </section>
  )
}

function linesText({ lines, left }: Lines): string {
  const all = `${plural(lines.length + left, 'line', 'lines')}`
  return left > 0 ? `${all}; the first ${count(MOST_LINES)} are embedded.` : `${all}.`
}
