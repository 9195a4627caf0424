// The segment store against LMDB and against a file per vector: reads, writes, and what it takes of the disk.
import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { decodeVec } from '../../../src/caches/embedding-record.js'
import { nanosecondsPerCall, secondsOf, takeTurns } from '../measure.js'
import { bytesOnDisk, openFiles } from '../peers/files.js'
import { binaryItems, binaryKey, openLmdb } from '../peers/lmdb.js'
import { type Bench, type Measured, type RowGroup, WrongAnswer } from '../row.js'
import { checkVector, cycle, DIMS } from './fixtures.js'
import { type Item, openBenchStore, PAYLOAD_BYTES, records } from './segment-store.js'

export const diskHit: RowGroup = {
  id: 'disk-hit',
  async run({ folder, rounds, progress }: Bench): Promise<Measured[]> {
    const items = records(8192)
    const ourFolder = join(folder, 'segments')
    await writeOurs(ourFolder, items)
    const store = openBenchStore(ourFolder)
    const lmdb = await openLmdb(join(folder, 'lmdb'))
    await lmdb.write(binaryItems(items))
    const files = openFiles(join(folder, 'files'))
    files.write(items)

    // Each hands over a vector that the caller may keep.
    const readOurs = (key: Item[0]) => {
      const bytes = store.getSync(key)
      return bytes && decodeVec(bytes, DIMS)?.vector
    }
    const readLmdb = (key: Uint8Array) => {
      const bytes = lmdb.read(key)
      return bytes && copyOfFloats(bytes)
    }
    const readFile = (path: string) => floatsOf(files.read(path))
    try {
      for (const [key, value] of items) {
        const expected = floatsOf(value)
        checkVector('the segment store', readOurs(key), expected)
        checkVector('lmdb', readLmdb(binaryKey(key)), expected)
        checkVector('a file', readFile(files.pathOf(key)), expected)
      }

      // Not in the order of writing.
      const keys = items.map(([key]) => key).sort()
      const nextKey = cycle(keys)
      const nextLmdbKey = cycle(keys.map(binaryKey))
      const nextPath = cycle(keys.map(files.pathOf))
      const [ours, lmdbTime, fileTime] = await takeTurns(
        [
          { name: 'segments', round: () => nanosecondsPerCall(() => readOurs(nextKey())) },
          { name: 'lmdb', round: () => nanosecondsPerCall(() => readLmdb(nextLmdbKey())) },
          { name: 'files', round: () => nanosecondsPerCall(() => readFile(nextPath())) },
        ],
        rounds,
        round => progress(`round ${round} of ${rounds}`),
      )
      const row = { unit: 'ns', ours } as const
      return [
        {
          ...row,
          id: 'disk-hit',
          what: `vector of ${DIMS} floats from disk, page cache warm`,
          peer: { name: 'lmdb', value: lmdbTime },
          hold: { side: 'at most', times: 1.4 },
        },
        {
          ...row,
          id: 'disk-hit-file',
          what: 'the same, against one file for each vector',
          peer: { name: 'readFileSync', value: fileTime },
          hold: { side: 'at most', times: 0.4 },
        },
      ]
    } finally {
      await store.close()
      await lmdb.close()
    }
  },
}

export const diskWrite: RowGroup = {
  id: 'disk-write',
  async run({ folder, rounds, quick, progress }: Bench): Promise<Measured[]> {
    const items = records(quick ? 5_000 : 20_000)
    const perSecond = (seconds: number) => items.length / seconds
    const freshFolder = () => mkdtemp(join(folder, 'round-'))

    const ourFolder = await freshFolder()
    await writeOurs(ourFolder, items)
    const written = openBenchStore(ourFolder)
    for (const [key, value] of items) checkBytes('the segment store', written.getSync(key), value)
    await written.close()

    const [ours, peer] = await takeTurns(
      [
        {
          name: 'segments',
          round: async () => {
            const place = await freshFolder()
            return perSecond(await secondsOf(() => writeOurs(place, items)))
          },
        },
        {
          name: 'lmdb',
          round: async () => {
            const lmdb = await openLmdb(await freshFolder())
            const seconds = await secondsOf(() => lmdb.write(binaryItems(items)))
            for (const [key, value] of items.slice(0, 100)) checkBytes('lmdb', lmdb.read(binaryKey(key)), value)
            await lmdb.close()
            return perSecond(seconds)
          },
        },
      ],
      rounds,
      round => progress(`round ${round} of ${rounds}`),
    )
    const what = `${items.length.toLocaleString('en')} vectors to disk, one sync at the end`
    const hold = { side: 'at least', times: 1.5 } as const
    return [{ id: 'disk-write', what, unit: 'vectors/s', ours, peer: { name: 'lmdb', value: peer }, hold }]
  },
}

export const diskBytes: RowGroup = {
  id: 'disk-bytes',
  async run({ folder }: Bench): Promise<Measured[]> {
    const items = records(10_000)
    const times = (bytes: number) => bytes / (items.length * PAYLOAD_BYTES)
    const ourFolder = join(folder, 'segments')
    await writeOurs(ourFolder, items)
    const lmdb = await openLmdb(join(folder, 'lmdb'))
    await lmdb.write(binaryItems(items))
    const ours = times(bytesOnDisk(ourFolder))
    const peer = times(lmdb.bytesOnDisk())
    await lmdb.close()

    const what = '10,000 vectors: bytes on disk for each byte of floats'
    const hold = { side: 'at most', plus: 1.05 } as const
    return [{ id: 'disk-bytes', what, unit: 'x', ours, peer: { name: 'lmdb', value: peer }, hold }]
  },
}

/** Durable when it resolves. */
async function writeOurs(folder: string, items: readonly Item[]): Promise<void> {
  const store = openBenchStore(folder)
  await store.setMany(items)
  await store.close()
}

/** The floats at the end of a value, as a view. */
function floatsOf(value: Uint8Array): Float32Array {
  return new Float32Array(value.buffer as ArrayBuffer, value.byteOffset + value.length - PAYLOAD_BYTES, DIMS)
}

/** The floats at the end of a value, in memory of their own. */
function copyOfFloats(value: Uint8Array): Float32Array {
  const floats = new Float32Array(DIMS)
  new Uint8Array(floats.buffer).set(value.subarray(value.length - PAYLOAD_BYTES))
  return floats
}

function checkBytes(who: string, found: Uint8Array | undefined, expected: Uint8Array): void {
  if (found === undefined || Buffer.compare(found, expected) !== 0) throw new WrongAnswer(`${who} gives other bytes`)
}
