// Opening a store of a million vectors: how long until the first answer, and what its index weighs.
import { encodeVec } from '../../../src/caches/embedding-record.js'
import { collectGarbage, median, secondsOf } from '../measure.js'
import { type Bench, type Measured, type RowGroup, WrongAnswer } from '../row.js'
import { requireRoom, vectorOf } from './fixtures.js'
import { type Item, keyOf, openBenchStore, PAYLOAD_BYTES } from './segment-store.js'

const MILLION = 1_000_000
/** Records written at a time. */
const CHUNK = 10_000
const OPENINGS = 5
const SAMPLES = 1000

export const openMillion: RowGroup = {
  id: 'open-1m',
  async run({ folder, quick, progress }: Bench): Promise<Measured[]> {
    const count = quick ? MILLION / 10 : MILLION
    await requireRoom(folder, 1.1 * count * PAYLOAD_BYTES)
    await fill(folder, count, progress)

    const times: number[] = []
    const weights: number[] = []
    for (let opening = 1; opening <= OPENINGS; opening++) {
      progress(`opening ${opening} of ${OPENINGS}`)
      const before = usedBytes()
      const store = openBenchStore(folder)
      let first: Uint8Array | undefined
      times.push(await secondsOf(() => (first = store.getSync(keyAt(count - 1)))))
      weights.push((usedBytes() - before) / count)
      checkIndex(first, count - 1)
      for (let i = 0; i < count; i += count / SAMPLES) checkIndex(store.getSync(keyAt(i)), i)
      await store.close()
    }
    const records = count.toLocaleString('en')
    return [
      {
        id: 'open-1m',
        what: `opening ${records} vectors, warm, up to the first answer`,
        unit: 's',
        ours: median(times),
        hold: { side: 'at most', plus: 0.5 },
      },
      {
        id: 'open-1m-index',
        what: 'memory of its index, for each vector',
        unit: 'bytes',
        ours: median(weights),
        hold: { side: 'at most', plus: 25 },
      },
    ]
  },
}

/** Records that differ in their first float only: making them must not take longer than writing them. */
async function fill(folder: string, count: number, progress: Bench['progress']): Promise<void> {
  const vector = vectorOf('a record of many')
  const store = openBenchStore(folder)
  for (let start = 0; start < count; start += CHUNK) {
    progress(`writing ${start.toLocaleString('en')} of ${count.toLocaleString('en')}`)
    const items = Array.from({ length: CHUNK }, (_, i): Item => {
      vector[0] = start + i
      return [keyAt(start + i), encodeVec({ vector, tokens: 0, truncated: false, device: 'custom' })]
    })
    await store.setMany(items)
  }
  await store.close()
}

function keyAt(index: number) {
  return keyOf(`record ${index}`)
}

function checkIndex(value: Uint8Array | undefined, index: number): void {
  if (value === undefined) throw new WrongAnswer(`record ${index} is not there`)
  const view = new DataView(value.buffer, value.byteOffset + value.length - PAYLOAD_BYTES)
  if (view.getFloat32(0, true) !== index) throw new WrongAnswer(`record ${index} holds another's vector`)
}

function usedBytes(): number {
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
