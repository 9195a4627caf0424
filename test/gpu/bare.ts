// What the device does alone: the product's session in this very thread, batches of one shape, nothing cached, nothing tokenised; as it
// serves, pooling on the device, and reading back a vector a token.
import { availableParallelism } from 'node:os'
import { ortNode } from '../../src/backends/ort-node.js'
import type { Backend } from '../../src/ports.js'
import type { Setup } from './models.js'

const SHAPES = [
  [1, 16],
  [64, 16],
  [256, 16],
  [1024, 16],
  [4096, 16],
  [128, 128],
] as const

export interface BareRow {
  readonly what: string
  readonly device: string
  readonly pooled: boolean
  readonly rows: number
  readonly width: number
  readonly ms?: number
  readonly textsPerSecond?: number
  /** Of what is read back. */
  readonly outputBytes?: number
  readonly refused?: string
}

export async function bareSession(setups: readonly Setup[], print: (text: string) => void): Promise<BareRow[]> {
  const found: BareRow[] = []
  for (const { label: what, file: model, device } of setups) {
    if (device !== 'cuda' && device !== 'webgpu') continue
    for (const pooling of ['mean', undefined] as const) {
      const who = pooling ? 'the device pools' : 'a vector a token'
      try {
        const backend = await ortNode(device).open({ model }, { threads: availableParallelism(), pooling })
        try {
          for (const [rows, width] of SHAPES) {
            const { ms, outputBytes } = await measure(backend, rows, width)
            const textsPerSecond = Math.round((1000 * rows) / ms)
            found.push({ what, device, pooled: pooling !== undefined, rows, width, ms, textsPerSecond, outputBytes })
            const figures = `${ms.toFixed(2)} ms, ${textsPerSecond} texts/s, ${(outputBytes / 1e6).toFixed(1)} MB back`
            print(`${device.padEnd(7)}${what.padEnd(14)}${who.padEnd(17)} ${rows} x ${width}: ${figures}\n`)
          }
        } finally {
          await backend.close()
        }
      } catch (error) {
        found.push({
          what,
          device,
          pooled: pooling !== undefined,
          rows: 0,
          width: 0,
          refused: (error as Error).message,
        })
        print(`${device.padEnd(7)}${what} ${who}: ${(error as Error).message}\n`)
      }
    }
  }
  return found
}

async function measure(backend: Backend, rows: number, width: number) {
  const inputIds = BigInt64Array.from({ length: rows * width }, (_, i) => BigInt(1000 + (i % 1000)))
  const attentionMask = new BigInt64Array(rows * width).fill(1n)
  const times: number[] = []
  let outputBytes = 0
  const since = performance.now()
  for (let run = 0; run < 12 && performance.now() - since < 1500; run++) {
    const start = performance.now()
    const { vectors } = await backend.run({ rows, width, inputIds, attentionMask })
    times.push(performance.now() - start)
    outputBytes = vectors.byteLength
  }
  // The first runs pay for what the runtime sets up for a shape.
  const warm = times.length > 4 ? times.slice(3) : times
  return { ms: warm.sort((a, b) => a - b)[warm.length >> 1]!, outputBytes }
}
