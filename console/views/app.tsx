// The page around the screens: where one is, how the server is, how it is shown; or, in their place, why there is nothing to show.

import type { ComponentType } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { Router, Screen } from '../router.js'
import { Banner, Refused, Unreachable } from './banner.js'
import { BlocksScreen } from './blocks.js'
import { EntriesScreen } from './entries.js'
import { Head } from './head.js'
import { LookupScreen } from './lookup.js'
import { ModelsScreen } from './models.js'
import { OverviewScreen } from './overview.js'
import { QueriesScreen } from './queries.js'
import type { ScreenProps } from './screen.js'
import { SearchScreen } from './search.js'
import { StateScreen } from './state.js'
import { TokenDialog, TokenNeeded } from './token.js'
import { TuningScreen } from './tuning.js'

/** In the order in which they stand in the page's navigation. */
export const SCREEN_VIEWS: Readonly<Record<Screen, { title: string; View: ComponentType<ScreenProps> }>> = {
  overview: { title: 'Overview', View: OverviewScreen },
  lookup: { title: 'Look-up', View: LookupScreen },
  entries: { title: 'Entries', View: EntriesScreen },
  queries: { title: 'Queries', View: QueriesScreen },
  state: { title: 'State', View: StateScreen },
  blocks: { title: 'Blocks', View: BlocksScreen },
  search: { title: 'Search', View: SearchScreen },
  models: { title: 'Models', View: ModelsScreen },
  tuning: { title: 'Tuning', View: TuningScreen },
}

const TITLES = Object.entries(SCREEN_VIEWS).map(([screen, { title }]) => ({ screen: screen as Screen, title }))

export function App(props: ScreenProps) {
  const { session, router } = props
  return (
    <>
      <button type="button" class="skip" onClick={focusMain}>
        Skip to the screen
      </button>
      <Head {...props} titles={TITLES} />
      <Banner session={session} />
      <main id="main" tabIndex={-1}>
        <Shown {...props} />
      </main>
      <TokenDialog session={session} />
      <p class="unseen" role="status" aria-live="polite">
        {session.spoken}
      </p>
      <TitleOf router={router} />
    </>
  )
}

function Shown(props: ScreenProps) {
  const { session, router } = props
  const connection = session.connection.value
  const screen = router.screen.value
  if (connection.kind === 'token') return <TokenNeeded session={session} wrong={connection.wrong} />
  if (connection.kind === 'refused') return <Refused session={session} message={connection.message} />
  // Once something was shown it stays, and the banner says from when it is.
  if (session.info.value === undefined) {
    return connection.kind === 'unreachable' ? (
      <Unreachable session={session} />
    ) : (
      <p class="blocked quiet" role="status">
        connecting …
      </p>
    )
  }
  const { title, View } = SCREEN_VIEWS[screen]
  return (
    <>
      <h1 class="unseen">{title}</h1>
      <View key={screen} {...props} />
    </>
  )
}

/** The tab's title; and who goes to another screen by keys or by ear is on it at once. */
function TitleOf({ router }: { readonly router: Router }) {
  const { title } = SCREEN_VIEWS[router.screen.value]
  const first = useRef(true)
  useEffect(() => {
    document.title = `${title} - op-dbus`
    if (!first.current) {
      document.getElementById('main')?.focus({ preventScroll: true })
      scrollTo(0, 0)
    }
    first.current = false
  }, [title])
  return null
}

function focusMain(): void {
  document.getElementById('main')?.focus()
}
