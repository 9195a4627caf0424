// Which server this is and how it is; the screens; how often they are asked, how close they stand, in which colours.
import type { ThemeChoice } from '../../look/theme.js'
import { hrefOf, type Screen } from '../router.js'
import type { Refresh, Session } from '../state.js'
import type { ScreenProps } from './screen.js'

const REFRESH_NAMES: Readonly<Record<Refresh, string>> = {
  live: 'live',
  '5': 'every 5 s',
  '30': 'every 30 s',
  off: 'by hand',
}

interface HeadProps extends ScreenProps {
  readonly titles: readonly { readonly screen: Screen; readonly title: string }[]
}

export function Head({ session, router, theme, titles }: HeadProps) {
  const current = router.screen.value
  return (
    <header class="head">
      <div class="top-line">
        <p class="product">
          op-dbus <span class="quiet number">{session.info.value?.version}</span>
        </p>
        <Pulse session={session} />
        <div class="switches">
          <label>
            Refresh
            <select
              value={session.refresh}
              onChange={event => {
                session.refresh.value = event.currentTarget.value as Refresh
              }}
            >
              {Object.entries(REFRESH_NAMES).map(([value, name]) => (
                <option key={value} value={value}>
                  {name}
                </option>
              ))}
            </select>
          </label>
          <button type="button" class="small" onClick={() => session.reload()}>
            Refresh now
          </button>
          <label>
            <input
              type="checkbox"
              checked={session.density.value === 'compact'}
              onChange={event => {
                session.density.value = event.currentTarget.checked ? 'compact' : 'normal'
              }}
            />
            Compact
          </label>
          <label>
            Theme
            <select
              value={theme.choice}
              onChange={event => {
                theme.choice.value = event.currentTarget.value as ThemeChoice
              }}
            >
              <option value="system">system</option>
              <option value="light">light</option>
              <option value="dark">dark</option>
            </select>
          </label>
        </div>
      </div>
      <nav aria-label="Screens">
        <ul>
          {titles.map(({ screen, title }) => (
            <li key={screen}>
              <a href={hrefOf(screen)} aria-current={screen === current ? 'page' : undefined}>
                {title}
              </a>
            </li>
          ))}
        </ul>
      </nav>
    </header>
  )
}

/** One word on the server, and what this page may do there. */
function Pulse({ session }: { readonly session: Session }) {
  const { kind } = session.connection.value
  const words = {
    connecting: 'connecting',
    ok: session.listening.value ? 'connected, live' : 'connected',
    unreachable: 'server unreachable',
    token: 'token needed',
    refused: 'refused',
  }[kind]
  const hasToken = session.client.token.value !== ''
  return (
    <div class={`pulse ${kind}`}>
      <span class="dot" aria-hidden="true" />
      <span>{words}</span>
      {kind === 'ok' && <span class="quiet">{session.mayWrite.value ? 'may change' : 'read only'}</span>}
      {kind === 'ok' && !session.mayWrite.value && (
        <button type="button" class="link" onClick={() => void session.withWrite()}>
          Give the write token
        </button>
      )}
      {hasToken && kind !== 'unreachable' && (
        <button type="button" class="link" onClick={() => void session.forgetToken()}>
          Forget token
        </button>
      )}
    </div>
  )
}
