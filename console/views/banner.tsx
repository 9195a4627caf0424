// What keeps the page from the server, in one sentence: in the screens' place where nothing was shown yet, else above them.
import type { Session } from '../state.js'
import { clock } from '../words.js'

export function Unreachable({ session }: { readonly session: Session }) {
  return (
    <section class="blocked unreachable" aria-labelledby="unreachable-title">
      <h2 id="unreachable-title">Server unreachable</h2>
      <p role="alert">
        Nothing answers at <span class="mono">{location.host}</span>. Is <span class="mono">op-dbus serve</span>{' '}
        running, and does this machine reach it?
      </p>
      <div class="buttons">
        <button type="button" class="main" onClick={() => void session.check()}>
          Try now
        </button>
        <span class="quiet">This page tries again by itself.</span>
      </div>
    </section>
  )
}

/** A server that does not want this page: it says why. */
export function Refused({ session, message }: { readonly session: Session; readonly message: string }) {
  return (
    <section class="blocked unreachable" aria-labelledby="refused-title">
      <h2 id="refused-title">Refused</h2>
      <p role="alert">
        The server at <span class="mono">{location.host}</span> answers, and refuses this page: {message}
      </p>
      <div class="buttons">
        <button type="button" class="main" onClick={() => void session.check()}>
          Try now
        </button>
      </div>
    </section>
  )
}

/** There before anything is in it: what comes into it later is spoken. */
export function Banner({ session }: { readonly session: Session }) {
  const connection = session.connection.value
  const lost = connection.kind === 'unreachable' && session.info.value !== undefined
  return (
    <div class="heard" role="alert">
      {lost && (
        <p class="banner unreachable">
          <strong>Server unreachable</strong> since {clock(connection.since)}. What is shown is from before; this page
          tries again by itself.{' '}
          <button type="button" class="link" onClick={() => void session.check()}>
            Try now
          </button>
        </p>
      )}
    </div>
  )
}
