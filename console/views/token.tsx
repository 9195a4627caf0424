// Asks for a token: as the page's first sight where reading takes one, and in a dialog before something is changed.
import { useSignal } from '@preact/signals'
import type { Session } from '../state.js'
import { Dialog } from './dialog.js'

/** In place of the screens. */
export function TokenNeeded({ session, wrong }: { readonly session: Session; readonly wrong: boolean }) {
  return (
    <section class="blocked token" aria-labelledby="token-title">
      <h2 id="token-title">Token needed</h2>
      <p>
        The server answers, and shows its data to who has a token. The read token is enough to look at everything; the
        write token also allows changes.
      </p>
      <TokenForm session={session} problem={wrong ? 'The server does not know the token that this page has.' : ''} />
      <p class="quiet">
        They are in the files that <span class="mono">op-dbus serve</span> was given with{' '}
        <span class="mono">--read-token-file</span> and <span class="mono">--token-file</span>. This tab forgets it when
        it is closed.
      </p>
    </section>
  )
}

export function TokenDialog({ session }: { readonly session: Session }) {
  if (session.askingToken.value !== 'write') return null
  return (
    <Dialog id="write-token" title="Write token needed" onClose={() => session.cancelToken()}>
      <p>
        To change something takes the write token. Where none was named, <span class="mono">op-dbus serve</span> made
        one and told its file when it started.
      </p>
      <TokenForm session={session} onCancel={() => session.cancelToken()} />
    </Dialog>
  )
}

interface FormProps {
  readonly session: Session
  readonly problem?: string
  readonly onCancel?: () => void
}

function TokenForm({ session, problem = '', onCancel }: FormProps) {
  const token = useSignal('')
  const said = useSignal(problem)
  const busy = useSignal(false)
  const send = async () => {
    busy.value = true
    said.value = ''
    try {
      said.value = await session.useToken(token.peek().trim())
    } finally {
      busy.value = false
    }
  }
  return (
    <form
      class="token-form"
      onSubmit={event => {
        event.preventDefault()
        if (!busy.peek() && token.peek().trim() !== '') void send()
      }}
    >
      <label>
        Token
        <input
          type="password"
          autocomplete="off"
          spellcheck={false}
          value={token}
          aria-describedby="token-problem"
          onInput={event => {
            token.value = event.currentTarget.value
          }}
        />
      </label>
      <p id="token-problem" class="bad" role="alert">
        {said}
      </p>
      <div class="buttons end">
        {onCancel && (
          <button type="button" onClick={onCancel}>
            Cancel
          </button>
        )}
        <button type="submit" class="main" disabled={busy.value || token.value.trim() === ''}>
          {busy.value ? 'checking …' : 'Use it'}
        </button>
      </div>
    </form>
  )
}
