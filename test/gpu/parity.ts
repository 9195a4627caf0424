// Whether a device's vectors are those that the model's authors publish: through the public API, each text once.
import { join } from 'node:path'
import type { DeviceChoice } from '../../src/options.js'
import type { Library } from '../bench/library.js'
import type { Reference } from './models.js'

export interface ParityRow {
  readonly what: string
  readonly device: string
  readonly held: boolean
  readonly cosine?: number
  readonly maxDiff?: number
  /** Why there is no figure. */
  readonly refused?: string
}

export async function parity(
  library: Library,
  references: readonly Reference[],
  devices: readonly string[],
  folder: string,
  print: (text: string) => void,
): Promise<ParityRow[]> {
  const rows: ParityRow[] = []
  for (const device of devices) {
    for (const reference of references) {
      const row = await compare(library, reference, device, join(folder, `parity-${rows.length}`))
      rows.push(row)
      const figures =
        row.refused ?? `cosine ${row.cosine!.toFixed(7)}, largest difference ${row.maxDiff!.toExponential(1)}`
      print(`${row.held ? 'held  ' : 'FAILED'} ${device.padEnd(7)} ${row.what}: ${figures}\n`)
    }
  }
  return rows
}

async function compare(library: Library, reference: Reference, device: string, dir: string): Promise<ParityRow> {
  const { label: what, model, dtype, texts, vectors, least } = reference
  const caches = await library.openCaches({ dir, model, dtype, device: device as DeviceChoice })
  try {
    const { matrix, dims, devices } = await caches.embeddings.embedMany(texts)
    let [cosine, maxDiff] = [1, 0]
    for (const [row, expected] of vectors.entries()) {
      let [ab, aa, bb] = [0, 0, 0]
      for (let i = 0; i < dims; i++) {
        const [a, b] = [matrix[row * dims + i]!, expected[i]!]
        ab += a * b
        aa += a * a
        bb += b * b
        maxDiff = Math.max(maxDiff, Math.abs(a - b))
      }
      cosine = Math.min(cosine, ab / Math.sqrt(aa * bb))
    }
    const strange = devices.find(one => one !== device)
    if (strange !== undefined) return { what, device, held: false, refused: `${strange} computed instead` }
    return { what, device, held: cosine >= least, cosine, maxDiff }
  } catch (error) {
    return { what, device, held: false, refused: (error as Error).message }
  } finally {
    await caches.close()
  }
}
