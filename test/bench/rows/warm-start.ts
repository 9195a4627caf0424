// A start that finds its memory as the last process left it: 10,000 vectors from disk into memory, against LMDB read from one end to the other
// with a copy of each vector; and what the first requests meet meanwhile, against a start without it. In fresh processes by turns.
import { join } from 'node:path'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { inChild } from '../child.js'
import type { Library } from '../library.js'
import { logLines } from '../log-lines.js'
import { median, roundsOf, takeTurns } from '../measure.js'
import { binaryItems, openLmdb } from '../peers/lmdb.js'
import { type Bench, type Measured, type RowGroup, WrongAnswer } from '../row.js'
import { checkVector, DIMS, ownEmbedder, vectorOf } from './fixtures.js'
import { type Item, records } from './segment-store.js'

const ENTRIES = 10_000

const REQUESTS = 1000
/** Between two of them, ms. */
const EVERY_MS = 2

interface Restart {
  readonly hits: number
  /** Milliseconds. */
  readonly p99: number
}

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
    const restart = (warmStart: 'warm' | 'cold') => () => inChild<Restart>(library, 'warm', warmStart, ours)
    const [warm, cold] = await roundsOf([{ round: restart('warm') }, { round: restart('cold') }], rounds, round =>
      progress(`restart ${round} of ${rounds}`),
    )
    return [
      {
        id: 'warm-start-hits',
        what: `of the first ${REQUESTS.toLocaleString('en')} requests after a restart, one every ${EVERY_MS} ms, answered from memory`,
        unit: '%',
        ours: median(warm!.map(({ hits }) => (100 * hits) / REQUESTS)),
        // Before the restart all were.
        hold: { side: 'at least', plus: 98 },
      },
      {
        id: 'warm-start-p99',
        what: 'the same requests: p99 of the time from when one was due',
        unit: 'ms',
        ours: median(warm!.map(({ p99 }) => p99)),
        peer: { name: 'without a warm start', value: median(cold!.map(({ p99 }) => p99)) },
        hold: { side: 'at most', times: 1.1 },
      },
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
export async function warmTask(library: Library, who = '', folder = ''): Promise<Start | Restart> {
  if (who === 'warm' || who === 'cold') return restarted(library, folder, who === 'warm')
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

/** Requests that come whether the one before was answered or not, from the first moment on. */
async function restarted(library: Library, folder: string, warmStart: boolean): Promise<Restart> {
  const texts = logLines(ENTRIES)
  const caches = await open(library, folder, warmStart)
  const times: number[] = []
  let hits = 0
  const ask = async (i: number, due: number) => {
    const { source } = await caches.embeddings.getOrEmbed(texts[(i * 7919) % ENTRIES]!)
    times.push(performance.now() - due)
    if (source === 'memory') hits++
  }
  const asked: Promise<void>[] = []
  const began = performance.now()
  for (let i = 0; i < REQUESTS; i++) {
    const due = began + EVERY_MS * i
    // A timer is late by up to a millisecond: the rest of the way goes turn by turn.
    while (performance.now() < due) await (due - performance.now() > 1.5 ? setTimeout(1) : setImmediate())
    asked.push(ask(i, due))
  }
  await Promise.all(asked)
  await caches.close()
  times.sort((one, other) => one - other)
  return { hits, p99: times[Math.ceil(0.99 * REQUESTS) - 1]! }
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

function open({ openCaches }: Library, dir: string, warmStart = true) {
  return openCaches({ dir, embedder: ownEmbedder, warmStart, embeddingCacheSize: ENTRIES })
}
