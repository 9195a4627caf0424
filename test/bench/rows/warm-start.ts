// A start that finds its memory as the last process left it: 10,000 vectors from disk into memory, against LMDB read from one end to the other
// with a copy of each vector, in fresh processes by turns.
import { join } from 'node:path'
import { inChild } from '../child.js'
import type { Library } from '../library.js'
import { logLines } from '../log-lines.js'
import { takeTurns } from '../measure.js'
import { binaryItems, openLmdb } from '../peers/lmdb.js'
import { type Bench, type Measured, type RowGroup, WrongAnswer } from '../row.js'
import { checkVector, DIMS, ownEmbedder, vectorOf } from './fixtures.js'
import { type Item, records } from './segment-store.js'

const ENTRIES = 10_000

/** Milliseconds. */
interface Start {
  readonly ms: number
}

export const warmStart: RowGroup = {
  id: 'warm-start',
  async run({ library, folder, rounds, progress }: Bench): Promise<Measured[]> {
    const [ours, peer] = [join(folder, 'ours'), join(folder, 'lmdb')]
    const caches = await open(library, ours)
    await caches.embeddings.embedMany(logLines(ENTRIES))
    await caches.close()
    const lmdb = await openLmdb(peer)
    await lmdb.write(binaryItems<Item[1]>(records(ENTRIES)))
    await lmdb.close()
    const start = (who: string, at: string) => async () => (await inChild<Start>(library, 'warm', who, at)).ms
    const [time, peerTime] = await takeTurns(
      [
        { name: 'op-dbus', round: start('op-dbus', ours) },
        { name: 'lmdb', round: start('lmdb', peer) },
      ],
      rounds,
      round => progress(`round ${round} of ${rounds}`),
    )
    return [
      {
        id: 'warm-start',
        what: `${ENTRIES.toLocaleString('en')} vectors in memory again, in a new process`,
        unit: 'ms',
        ours: time,
        peer: { name: 'lmdb scan', value: peerTime },
        hold: { side: 'at most', times: 1 },
      },
    ]
  },
}

/** The child's part. */
export async function warmTask(library: Library, who = '', folder = ''): Promise<Start> {
  return who === 'op-dbus' ? ourStart(library, folder) : { ms: await scan(folder) }
}

async function ourStart(library: Library, folder: string): Promise<Start> {
  const caches = await open(library, folder)
  const warmed = new Promise<{ readonly entries: number }>(resolve => void caches.on('warmed', resolve))
  const began = performance.now()
  // What opens the folder and begins to load: whatever the first question is.
  await caches.embeddings.computing()
  const { entries } = await warmed
  const ms = performance.now() - began
  if (entries !== ENTRIES) throw new WrongAnswer(`${entries} of ${ENTRIES} were loaded`)
  for (const text of logLines(ENTRIES)) checkVector('the warm memory', caches.embeddings.view(text), vectorOf(text))
  await caches.close()
  return { ms }
}

async function scan(folder: string): Promise<number> {
  const { open: openDb } = await import('lmdb')
  const began = performance.now()
  const db = openDb<Uint8Array, Uint8Array>({ path: folder, encoding: 'binary', keyEncoding: 'binary' })
  const memory = new Map<string, Float32Array>()
  for (const { key, value } of db.getRange()) {
    const vector = new Float32Array(DIMS)
    new Uint8Array(vector.buffer).set(value.subarray(value.length - 4 * DIMS))
    memory.set(Buffer.from(key).toString('hex'), vector)
  }
  const ms = performance.now() - began
  if (memory.size !== ENTRIES) throw new WrongAnswer(`lmdb has ${memory.size} of ${ENTRIES}`)
  await db.close()
  return ms
}

function open({ openCaches }: Library, dir: string) {
  return openCaches({ dir, embedder: ownEmbedder, warmStart: true, embeddingCacheSize: ENTRIES })
}
