// What the device does alone: ONNX Runtime's session in this very thread, batches of one shape, nothing cached, nothing tokenised.
import { InferenceSession, Tensor } from 'onnxruntime-node'
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
  readonly rows: number
  readonly width: number
  readonly ms?: number
  readonly textsPerSecond?: number
  /** Of what is read back. */
  readonly outputBytes?: number
  readonly refused?: string
}

export async function bareSession(setups: readonly Setup[], print: (text: string) => void): Promise<BareRow[]> {
  // As the product has it: comparable figures.
  process.env.NVIDIA_TF32_OVERRIDE ??= '0'
  const found: BareRow[] = []
  for (const { label: what, file, device } of setups) {
    if (device === 'cpu') continue
    try {
      const session = await InferenceSession.create(file, {
        executionProviders: [device],
        enableMemPattern: false,
        logSeverityLevel: 4,
      })
      for (const [rows, width] of SHAPES) {
        const { ms, outputBytes } = await measure(session, rows, width)
        const row = { what, device, rows, width, ms, textsPerSecond: Math.round((1000 * rows) / ms), outputBytes }
        found.push(row)
        print(
          `${device.padEnd(7)}${what.padEnd(14)}${rows} x ${width}: ${ms.toFixed(2)} ms, ${row.textsPerSecond} texts/s, ${(outputBytes / 1e6).toFixed(1)} MB back\n`,
        )
      }
      await session.release()
    } catch (error) {
      found.push({ what, device, rows: 0, width: 0, refused: (error as Error).message })
      print(`${device.padEnd(7)}${what}: ${(error as Error).message}\n`)
    }
  }
  return found
}

async function measure(session: InferenceSession, rows: number, width: number) {
  const shape = [rows, width]
  const ids = BigInt64Array.from({ length: rows * width }, (_, i) => BigInt(1000 + (i % 1000)))
  const all: Record<string, Tensor> = {
    input_ids: new Tensor('int64', ids, shape),
    attention_mask: new Tensor('int64', new BigInt64Array(rows * width).fill(1n), shape),
    token_type_ids: new Tensor('int64', new BigInt64Array(rows * width), shape),
  }
  const feeds = Object.fromEntries(session.inputNames.map(name => [name, all[name]!]))
  const output = session.outputNames[0]!
  const times: number[] = []
  let outputBytes = 0
  const since = performance.now()
  for (let run = 0; run < 12 && performance.now() - since < 2500; run++) {
    const start = performance.now()
    const data = (await session.run(feeds, [output]))[output]!.data as Float32Array
    times.push(performance.now() - start)
    outputBytes = data.byteLength
  }
  // The first runs pay for what the runtime sets up for a shape.
  const warm = times.length > 4 ? times.slice(3) : times
  return { ms: warm.sort((a, b) => a - b)[warm.length >> 1]!, outputBytes }
}
