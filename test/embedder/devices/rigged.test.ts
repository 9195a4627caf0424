// The worker with a GPU that lies or dies, over a real model on the CPU: what callers get is right, and nothing is lost.
import { readFile } from 'node:fs/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { ortNode } from '../../../src/backends/ort-node.js'
import { nodeEndpoint } from '../../../src/backends/worker-node.js'
import { embedText } from '../../../src/embedder/client/embed-text.js'
import { WorkerEmbedder } from '../../../src/embedder/client/worker-embedder.js'
import type { DevicePlan, Opened } from '../../../src/embedder/devices/order.js'
import { makeReference } from '../../../src/embedder/devices/self-check.js'
import { embedWorker } from '../../../src/embedder/engine/embed-worker.js'
import { serve } from '../../../src/embedder/link.js'
import type { ModelSpec } from '../../../src/embedder/model/spec.js'
import { loadTokenizer } from '../../../src/embedder/tokenizer/load-tokenizer.js'
import type { Backend, BackendFactory, BackendOutput, WorkerHandle } from '../../../src/ports.js'
import { TestClock, temporaryFolder } from '../../support.js'
import { largestDifference, specOf, TestTimer } from '../node-embedder.js'
import { tinyFiles, tinyMean, writeModel } from '../tiny-model.js'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

/** A "GPU" that is the CPU underneath; `rig` may change what it answers, or throw. `n` counts runs over all openings. */
function gpu(rig: (output: Float32Array, n: number) => Float32Array): BackendFactory {
  let runs = 0
  return {
    device: 'webgpu',
    async open(file, options) {
      const honest = await ortNode('cpu').open(file, options)
      const rigged = ({ vectors, pooled }: BackendOutput) => ({ vectors: rig(vectors, ++runs), pooled })
      return { ...honest, device: 'webgpu', run: async batch => rigged(await honest.run(batch)) } as Backend
    },
  }
}

async function start(rig: (output: Float32Array, n: number) => Float32Array, plan: Partial<DevicePlan> = {}) {
  const spec = await specOf(writeModel(temporaryFolder(), tinyFiles()))
  const told: Opened[] = []
  const embedder = new WorkerEmbedder({
    spec,
    plan: async () => ({ devices: ['webgpu', 'cpu'], reference: await referenceOf(spec), ...plan }),
    workers: 1,
    maxQueue: 16_384,
    idleUnloadMs: 300_000,
    threads: 1,
    maxBatchTokens: 8,
    timer: new TestTimer().set,
    onOpen: opened => told.push(opened),
    spawn: () => workerInThisThread([gpu(rig), ortNode('cpu')]),
  })
  closing.push(() => embedder.close())
  return { embedder, told }
}

function workerInThisThread(backends: readonly BackendFactory[]): WorkerHandle {
  const { port1, port2 } = new MessageChannel()
  const turn = () => new Promise<void>(resolve => setImmediate(resolve))
  const readText = (file: { path: string }) => readFile(file.path, 'utf8')
  const host = { backends, readText, isUnchanged: async () => true, yieldToEventLoop: turn, clock: new TestClock() }
  serve(nodeEndpoint(port1 as never), push => embedWorker(host, push))
  return {
    endpoint: nodeEndpoint(port2 as never),
    ref: () => undefined,
    unref: () => undefined,
    onExit: () => undefined,
    terminate: async () => port1.close(),
  }
}

async function referenceOf(spec: ModelSpec) {
  const backend = await ortNode('cpu').open({ model: spec.files.model.path }, { threads: 1 })
  const [json, settings] = await Promise.all(
    [spec.files.tokenizer, spec.files.tokenizerConfig].map(file => readFile(file!.path, 'utf8')),
  )
  try {
    return await makeReference(backend, spec, await loadTokenizer(json!, settings!, spec), ['a b', 'c d e f g', 'h'])
  } finally {
    await backend.close()
  }
}

const texts = Array.from({ length: 40 }, (_, i) => [...'abcdefgh'].slice(0, 1 + (i % 8)).join(' ') + ' z'.repeat(i % 5))

async function answers(embedder: WorkerEmbedder) {
  const found = await Promise.all(texts.map(text => embedText(embedder, text)))
  for (const [i, text] of texts.entries())
    expect(largestDifference(found[i]!.vector, tinyMean(text)), text).toBeLessThanOrEqual(1e-4)
  return found.map(one => one.device)
}

describe('a GPU under the worker', () => {
  test('that computes as the reference does serves', async () => {
    const { embedder, told } = await start(output => output)
    expect(new Set(await answers(embedder))).toEqual(new Set(['webgpu']))
    expect(told).toMatchObject([{ device: 'webgpu', tried: [] }])
  })

  test('that computes wrong vectors is refused, with its reason, and serves no text', async () => {
    const { embedder, told } = await start(output => output.map((value, i) => (i % 4 === 1 ? -value : value)))
    expect(new Set(await answers(embedder))).toEqual(new Set(['cpu']))
    expect(told).toMatchObject([
      {
        device: 'cpu',
        tried: [{ device: 'webgpu', reason: expect.stringContaining('wrong vectors'), kind: 'failed' }],
      },
    ])
  })

  test('that nothing can be compared with is refused, unless it proved itself before', async () => {
    const unknown = await start(output => output, { reference: undefined })
    expect(new Set(await answers(unknown.embedder))).toEqual(new Set(['cpu']))
    expect(unknown.told[0]!.tried[0]!.reason).toContain('no reference')
    const proven = await start(output => output, { reference: undefined, proven: ['webgpu'] })
    expect(new Set(await answers(proven.embedder))).toEqual(new Set(['webgpu']))
  })

  test('that dies in mid-batch once costs no result, and serves on', async () => {
    const { embedder, told } = await start((output, n) => {
      if (n === 6) throw new Error('device lost')
      return output
    })
    expect(new Set(await answers(embedder))).toEqual(new Set(['webgpu']))
    expect(told).toHaveLength(1)
  })

  test('that answers NaN from some run on costs no result', async () => {
    const { embedder, told } = await start((output, n) => (n >= 6 ? output.map(() => Number.NaN) : output))
    expect(await answers(embedder)).toContain('cpu')
    expect(told[1]!.tried).toEqual([{ device: 'webgpu', reason: expect.stringContaining('NaN'), kind: 'failed' }])
  })

  test('that dies for good costs no result: the CPU takes over, each vector says what computed it, and it is told', async () => {
    const { embedder, told } = await start((output, n) => {
      if (n >= 6) throw new Error('device lost')
      return output
    })
    const devices = await answers(embedder)
    expect(devices).toContain('webgpu')
    expect(devices).toContain('cpu')
    expect(told.map(opened => opened.device)).toEqual(['webgpu', 'cpu'])
    expect(told[1]!.tried).toEqual([
      { device: 'webgpu', reason: expect.stringContaining('device lost'), kind: 'failed' },
    ])
    expect(embedder.status.opened?.device).toBe('cpu')
  })
})
