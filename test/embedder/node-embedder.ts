// What the embedder tests share: models by folder, a real worker thread bundled once per test file, references.
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { afterAll, afterEach } from 'vitest'
import { spawnNodeWorker } from '../../src/backends/worker-node.js'
import { WorkerEmbedder, type WorkerEmbedderOptions } from '../../src/embedder/client/worker-embedder.js'
import type { ModelOverrides } from '../../src/embedder/model/spec.js'
import { findModel } from '../../src/hub/find.js'
import type { HubOptions } from '../../src/hub/places.js'
import type { Device, Timer } from '../../src/ports.js'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** The real MiniLM and its reference vectors, which are too large for the project's own tree. */
export const miniLm = join(ROOT, '../shared/models/all-MiniLM-L6-v2')
const miniLmReference = join(ROOT, '../shared/data/all-MiniLM-L6-v2-reference.json')
export const noMiniLm = existsSync(miniLm) && existsSync(miniLmReference) ? undefined : `${miniLm} is not there`

export interface ReferenceCase {
  readonly text: string
  readonly ids: number[]
  readonly truncated: boolean
  readonly vector: Float32Array
}

export const miniLmCases = (): ReferenceCase[] => readReference(miniLmReference)
export const useLiteCases = (): ReferenceCase[] =>
  readReference(join(ROOT, 'test/fixtures/use-lite-reference.json')).map(one => ({
    ...one,
    truncated: one.ids.length > 128,
  }))

function readReference(file: string): ReferenceCase[] {
  const { cases } = JSON.parse(readFileSync(file, 'utf8')) as {
    cases: (Omit<ReferenceCase, 'vector'> & { vector: string })[]
  }
  return cases.map(one => ({
    ...one,
    vector: new Float32Array(new Uint8Array(Buffer.from(one.vector, 'base64')).buffer),
  }))
}

export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity
  return Array.from(a).reduce((most, x, i) => Math.max(most, Math.abs(x - b[i]!)), 0)
}

/** A hub that sees nothing of the machine's own. */
export const bareHub = (dir: string, more: Partial<HubOptions> = {}): HubOptions => ({
  builtinDir: join(dir, 'no-builtin'),
  env: {},
  home: dir,
  ...more,
})

export const specOf = (dir: string, overrides?: ModelOverrides) => findModel(dir, bareHub(dir), overrides)

/** Fires only when told to. */
export class TestTimer {
  readonly pending = new Set<{ ms: number; run: () => void }>()
  readonly set: Timer = (ms, run) => {
    const entry = { ms, run }
    this.pending.add(entry)
    return () => this.pending.delete(entry)
  }

  fire(): void {
    for (const entry of [...this.pending]) {
      this.pending.delete(entry)
      entry.run()
    }
  }
}

let bundled: Promise<string> | undefined

/** The worker, the tokenizer thread and what the tests need beside them, bundled as the build does, with npm packages left outside. */
export function bundle(): Promise<string> {
  bundled ??= (async () => {
    const outdir = mkdtempSync(join(tmpdir(), 'op-dbus-worker-'))
    symlinkSync(join(ROOT, 'node_modules'), join(outdir, 'node_modules'), 'dir')
    const entryPoints = {
      'node-worker': join(ROOT, 'src/node/worker.ts'),
      'node-tokenizer': join(ROOT, 'src/node/tokenizer.ts'),
      'gpu-worker': join(ROOT, 'test/embedder/gpu-worker-entry.ts'),
      'counting-tokenizer': join(ROOT, 'test/embedder/counting-tokenizer-entry.ts'),
      client: join(ROOT, 'test/embedder/client-entry.ts'),
    }
    await build({
      entryPoints,
      outdir,
      bundle: true,
      packages: 'external',
      platform: 'node',
      format: 'esm',
      target: 'node20',
      logLevel: 'error',
    })
    return outdir
  })()
  return bundled
}

afterAll(async () => {
  if (bundled) rmSync(await bundled, { recursive: true, force: true })
})

const open: WorkerEmbedder[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map(embedder => embedder.close()))
})

/** A real worker thread behind the model in `dir`; closed after the test. `spawned` grows with every thread. */
export async function startEmbedder(
  dir: string,
  options: Partial<WorkerEmbedderOptions> & {
    overrides?: ModelOverrides
    devices?: readonly Device[]
    spawned?: ReturnType<typeof spawnNodeWorker>[]
    /** The bundled file that the thread runs. */
    entry?: string
  } = {},
): Promise<WorkerEmbedder> {
  const { overrides, spawned, devices = ['cpu'], entry = 'node-worker.js', ...rest } = options
  const url = pathToFileURL(join(await bundle(), entry))
  const embedder = new WorkerEmbedder({
    spec: await specOf(dir, overrides),
    spawn: () => {
      const handle = spawnNodeWorker(url)
      spawned?.push(handle)
      return handle
    },
    plan: async () => ({ devices }),
    workers: 1,
    maxQueue: 16_384,
    idleUnloadMs: 300_000,
    threads: 2,
    timer: new TestTimer().set,
    ...rest,
  })
  open.push(embedder)
  return embedder
}
