// What the daemon told last, newest first. No texts: events hold none.
import type { Session } from '../state.js'
import { clock } from '../words.js'
import { Empty, Panel } from './parts.js'

export function News({ session }: { readonly session: Session }) {
  const news = session.news.value
  const live = session.refresh.value === 'live'
  return (
    <Panel id="news" title="Last events" figure="since this page is open">
      {news.length === 0 ? (
        <Empty>
          {live
            ? 'Nothing yet. Applies, new blocks, clears, changes of the tuner and warnings are told here.'
            : 'Events are told to a page that is live: see Refresh.'}
        </Empty>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and keys must reach that
        <ol class="news" tabIndex={0} aria-label="Last events">
          {news.map(({ id, at, kind, words }) => (
            <li key={id} class={kind}>
              <time class="number quiet" dateTime={new Date(at).toISOString()}>
                {clock(at)}
              </time>
              <span>
                {kind === 'warning' && <strong>warning: </strong>}
                {words}
              </span>
            </li>
          ))}
        </ol>
      )}
    </Panel>
  )
}
