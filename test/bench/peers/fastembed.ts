// fastembed (Python) as an embedder, on the same ONNX file; it runs in a process of its own, and times itself.
import { spawn, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Skipped } from '../row.js'
import type { PeerModel } from './model-files.js'

export interface FastembedPeer {
  readonly version: string
  /** Seconds for all texts, `batch` of them at a time; the way to Python and back is not counted. */
  seconds(texts: readonly string[], batch: number): Promise<number>
  /** Unit vectors, row-major. */
  embed(texts: readonly string[]): Promise<Float32Array>
  close(): void
}

/** @throws Skipped where Python has no fastembed */
export async function openFastembed(model: PeerModel, dims: number, threads: number): Promise<FastembedPeer> {
  const python = process.env.OP_DBUS_FASTEMBED ?? 'python3'
  const version = spawnSync(python, ['-c', 'import fastembed; print(fastembed.__version__)'], { encoding: 'utf8' })
  if (version.status !== 0)
    throw new Skipped(
      `${python} has no fastembed: pip install fastembed, and OP_DBUS_FASTEMBED=/path/to/python if it is another one`,
    )
  // From where the bench lies once it is bundled.
  const script = join(fileURLToPath(new URL('..', import.meta.url)), 'test', 'bench', 'peers', 'serve_fastembed.py')
  const child = spawn(python, [script, model.folder, model.onnx, `${dims}`, `${threads}`], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, HF_HUB_OFFLINE: '1' },
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const ask = async (texts: readonly string[], batch: number, rows: boolean) => {
    child.stdin.write(`${JSON.stringify({ texts, batch, rows })}\n`)
    const { value, done } = await lines.next()
    if (done === true) throw new Error('fastembed ended, and said why above')
    return JSON.parse(value) as { seconds: number; matrix: string }
  }
  return {
    version: version.stdout.trim(),
    seconds: async (texts, batch) => (await ask(texts, batch, false)).seconds,
    async embed(texts) {
      const { matrix } = await ask(texts, 1, true)
      return new Float32Array(Uint8Array.from(Buffer.from(matrix, 'base64')).buffer)
    },
    close: () => void child.stdin.end(),
  }
}
