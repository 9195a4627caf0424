// Whole processes: what they load, what they leave behind, and that they end by themselves.
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { beforeEach, describe, expect, test } from 'vitest'
import { temporaryFolder } from '../../support.js'
import { bundle, ROOT } from '../node-embedder.js'
import { tinyFiles, tinyMean, writeModel } from '../tiny-model.js'

let dir: string
let home: string
let model: string
beforeEach(() => {
  dir = temporaryFolder()
  home = join(dir, 'home')
  mkdirSync(home)
  model = writeModel(join(dir, 'model'), tinyFiles())
})

/** The bundled client and worker in a folder where only these packages can be imported. */
async function install(...packages: string[]): Promise<void> {
  for (const file of ['client.js', 'node-worker.js']) cpSync(join(await bundle(), file), join(dir, file))
  for (const name of packages) {
    const link = join(dir, 'node_modules', name)
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(join(ROOT, 'node_modules', name), link, 'dir')
  }
  writeFileSync(join(dir, 'package.json'), '{"type":"module"}')
}

const EVERYTHING = ['onnxruntime-node', 'onnxruntime-web']

/** Runs a script that finds `embedder` and `spec` ready, never closed by it. */
async function script(body: string): Promise<{ stdout: string; stderr: string }> {
  const file = join(dir, 'script.js')
  writeFileSync(
    file,
    `import { embedText, findModel, spawnNodeWorker, WorkerEmbedder } from './client.js'
     const spec = await findModel(${JSON.stringify(model)}, { builtinDir: '/absent', env: {}, home: ${JSON.stringify(home)} })
     const embedder = new WorkerEmbedder({
       spec, plan: async () => ({ devices: ['cpu', 'wasm'] }), threads: 2,
         workers: 1, maxQueue: 16_384, idleUnloadMs: 300_000, timer: () => () => {},
       spawn: () => spawnNodeWorker(new URL('./node-worker.js', import.meta.url)),
     })
     ${body}`,
  )
  // A process that does not end by itself is killed after this long, and the test fails.
  return promisify(execFile)(process.execPath, [file], { timeout: 30_000, env: { PATH: process.env.PATH, HOME: home } })
}

const print =
  'const one = await embedText(embedder, "a b"); console.log(JSON.stringify({ ...one, vector: [...one.vector] }))'

test('a script without close() prints its vector, ends by itself, and leaves nothing in HOME', async () => {
  await install(...EVERYTHING)
  const { stdout, stderr } = await script(print)
  const { vector, device } = JSON.parse(stdout) as { vector: number[]; device: string }
  expect(device).toBe('cpu')
  for (const [i, x] of tinyMean('a b').entries()) expect(vector[i]).toBeCloseTo(x, 4)
  expect(stderr).toBe('')
  // ONNX Runtime's telemetry would make ~/.cache/Microsoft.
  expect(readdirSync(home)).toEqual([])
})

test('a process that ends while texts are in work does not hang or crash', async () => {
  await install(...EVERYTHING)
  const { stdout } = await script(
    'await embedText(embedder, "a"); for (let i = 0; i < 500; i++) embedText(embedder, "b " + i).catch(() => {}); console.log("bye"); process.exit(0)',
  )
  expect(stdout).toBe('bye\n')
})

describe('lazy', () => {
  test('knowing the space needs neither runtime nor tokenizer', async () => {
    await install()
    const { stdout } = await script('console.log(spec.dims, embedder.space === spec.space, embedder.status.worker)')
    expect(stdout).toBe('4 true off\n')
  })

  test('the main thread loads neither, also when it embeds', async () => {
    await install(...EVERYTHING)
    const { stdout } = await script(
      `await embedText(embedder, 'a')
       const loaded = process.report.getReport().sharedObjects.filter(path => path.includes('onnxruntime'))
       const { createRequire } = await import('node:module')
       const cached = Object.keys(createRequire(import.meta.url).cache).filter(path => path.includes('onnxruntime'))
       console.log(loaded.length > 0, cached.length)`,
    )
    // The library is in the process, put there by the worker; the modules are not in this thread.
    expect(stdout).toBe('true 0\n')
  })
})

describe('fallback', () => {
  test('without the native binding WebAssembly serves, and the reason can be told', async () => {
    await install(...EVERYTHING.filter(name => name !== 'onnxruntime-node'))
    const { stdout, stderr } = await script(`${print}; console.log(JSON.stringify(embedder.status.opened))`)
    const [one, opened] = stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
    expect(one.device).toBe('wasm')
    for (const [i, x] of tinyMean('a b').entries()) expect(one.vector[i]).toBeCloseTo(x, 4)
    expect(opened).toEqual({
      device: 'wasm',
      tried: [{ device: 'cpu', reason: expect.stringMatching(/onnxruntime-node/), kind: 'failed' }],
    })
    expect(stderr).toBe('')
  })

  test('a worker that cannot start is WORKER_LOST', async () => {
    await install()
    writeFileSync(join(dir, 'node-worker.js'), 'throw new Error("broken build")')
    const { stdout } = await script(
      'await embedText(embedder, "a").catch(error => console.log(error.code, error.message))',
    )
    expect(stdout).toBe('WORKER_LOST the embedding worker is gone: broken build\n')
  })
})
