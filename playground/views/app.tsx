// The page in the order in which a visitor looks: lines and their way, the answers, what they add up to.

import { useMemo } from 'preact/hooks'
import type { Offline } from '../offline.js'
import { Tools } from '../tools.js'
import { Answers } from './answers.js'
import { Charts } from './charts.js'
import { Compare } from './compare.js'
import { Diagram } from './diagram.js'
import { Head } from './head.js'
import { Input } from './input.js'
import { Memory } from './memory.js'
import { Notices } from './notices.js'
import { Search } from './search.js'
import { StatsPanel } from './stats.js'
import type { Themed } from './themed.js'

export function App({ session, theme, offline }: Themed & { readonly offline: Offline }) {
  const tools = useMemo(() => new Tools(session), [session])
  return (
    <>
      <Head session={session} theme={theme} offline={offline} />
      <main>
        <Notices session={session} offline={offline} />
        <div class="top">
          <Input session={session} />
          <Diagram session={session} />
        </div>
        <Answers session={session} theme={theme} />
        <Charts session={session} theme={theme} tools={tools} />
        <div class="pair">
          <div class="stack">
            <Search tools={tools} session={session} />
            <Compare tools={tools} session={session} />
          </div>
          <div class="stack">
            <Memory session={session} />
            <StatsPanel session={session} />
          </div>
        </div>
      </main>
      <footer class="foot">
        <p>
          Vectors are kept in this browser's IndexedDB where it allows that, the model and this page in its cache. The
          page may ask nobody but the server it came from; your browser enforces that.
        </p>
      </footer>
      <p class="unseen" role="status" aria-live="polite">
        {session.spoken}
      </p>
    </>
  )
}
