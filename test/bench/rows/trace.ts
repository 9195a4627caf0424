// What it costs a hit in memory that requests are traced. Both sides are ours: with the trace, and without.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { logLines } from '../log-lines.js'
import { nanosecondsPerCall, takeTurns } from '../measure.js'
import type { Bench, Measured, RowGroup } from '../row.js'
import { cycle, ownEmbedder } from './fixtures.js'

const TEXTS = 8192

export const tracedHit: RowGroup = {
  id: 'traced-hit',
  async run({ library, folder, rounds, progress }: Bench): Promise<Measured[]> {
    const [traced, plain] = [join(folder, 'traced'), join(folder, 'plain')]
    // What `op-dbus cache trace on` writes.
    mkdirSync(join(traced, 'trace'), { recursive: true })
    writeFileSync(join(traced, 'trace', 'on'), '{"rate":1,"maxBytes":64000000}')
    const open = async (dir: string) => {
      const caches = await library.openCaches({ dir, embedder: ownEmbedder, embeddingDiskCache: false })
      await caches.embeddings.embedMany(logLines(TEXTS))
      return caches
    }
    const [one, other] = [await open(traced), await open(plain)]
    try {
      if (!one.tuning()?.trace?.on || other.tuning()?.trace?.on)
        throw new Error('the trace is not on where it should be')
      const [nextTraced, nextPlain] = [cycle(logLines(TEXTS)), cycle(logLines(TEXTS))]
      const [ours, peer] = await takeTurns(
        [
          { name: 'traced', round: () => nanosecondsPerCall(() => one.embeddings.view(nextTraced())) },
          { name: 'view()', round: () => nanosecondsPerCall(() => other.embeddings.view(nextPlain())) },
        ],
        rounds,
        round => progress(`round ${round} of ${rounds}`),
      )
      const what = 'vector of a text in memory, while requests are traced'
      return [{ id: 'traced-hit', what, unit: 'ns', ours, peer: { name: 'view(), not traced', value: peer } }]
    } finally {
      await one.close()
      await other.close()
    }
  },
}
