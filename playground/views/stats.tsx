// The strategy's four lines, as the command line prints them, and what lies in the browser's storage.
import { bytes, fourLines, plural } from '../../src/format.js'
import type { Session } from '../session.js'
import { storageTrouble } from '../storage.js'

export function StatsPanel({ session }: { readonly session: Session }) {
  const stats = session.stats.value
  const trouble = storageTrouble(stats)
  const disk =
    stats?.embeddings.onDisk ??
    (stats?.embeddings.disk && { entries: stats.embeddings.disk.size, bytes: stats.embeddings.disk.bytes })
  return (
    <section class="stats" aria-labelledby="stats-title">
      <h2 id="stats-title">Stats</h2>
      {stats ? (
        <>
          <pre>
            {fourLines(stats).map(line => (
              <span key={line.split(':')[0]}>{`${line}\n`}</span>
            ))}
          </pre>
          <p class="quiet">
            In IndexedDB:{' '}
            {disk && !trouble?.off
              ? `${plural(disk.entries, 'vector', 'vectors')}, ${bytes(disk.bytes)}`
              : (trouble?.word ?? 'not asked yet')}
            . Rates count every look-up since the caches were opened, searches too.
          </p>
        </>
      ) : (
        <p class="quiet">Nothing was asked for yet.</p>
      )}
    </section>
  )
}
