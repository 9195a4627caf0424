// The strategy's four lines, as the command line prints them, and what lies in the browser's storage.
import { bytes, plural } from '../../src/cli/render.js'
import { fourLines } from '../../src/cli/stats-lines.js'
import type { Session } from '../session.js'

export function StatsPanel({ session }: { readonly session: Session }) {
  const stats = session.stats.value
  const disk =
    stats?.embeddings.onDisk ??
    (stats?.embeddings.disk && { entries: stats.embeddings.disk.size, bytes: stats.embeddings.disk.bytes })
  return (
    <section class="stats" aria-labelledby="stats-title">
      <h2 id="stats-title">Stats</h2>
      {stats ? (
        <>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it may scroll sideways, and keys must reach that */}
          <section class="lines" tabIndex={0} aria-label="The four caches">
            <pre>{fourLines(stats).join('\n')}</pre>
          </section>
          <p class="quiet">
            {disk
              ? `In IndexedDB: ${plural(disk.entries, 'vector', 'vectors')}, ${bytes(disk.bytes)}.`
              : 'IndexedDB is not available here: vectors last as long as this page.'}
          </p>
        </>
      ) : (
        <p class="quiet">Nothing was asked for yet.</p>
      )}
    </section>
  )
}
