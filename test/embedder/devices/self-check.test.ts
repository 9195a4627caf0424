// A device serves only if it computes what the model means, itself: rigged devices are found out, honest ones are not.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type ProbeOptions, probeDevice } from '../../../src/embedder/devices/probe.js'
import { CHECK_TEXTS, checkDevice, makeReference, shareOn } from '../../../src/embedder/devices/self-check.js'
import type { ModelSpec } from '../../../src/embedder/model/spec.js'
import type { Backend, BackendFactory, BackendOutput, Device, NodeRun, TokenBatch } from '../../../src/ports.js'
import { TestClock } from '../../support.js'

const DIMS = 8
const spec = {
  dims: DIMS,
  hiddenDims: DIMS,
  pooling: 'mean',
  normalize: true,
  padId: 0,
  dtype: 'fp32',
  rowsAlone: false,
} as ModelSpec
const tokenize = (text: string) => ({ ids: [...text].map(char => char.codePointAt(0)! % 97), truncated: false })

/** A model of sorts: every token has its own direction, padding has one as well. */
async function honest({ inputIds }: TokenBatch): Promise<BackendOutput> {
  const vectors = Float32Array.from({ length: inputIds.length * DIMS }, (_, i) =>
    Math.sin(1 + Number(inputIds[Math.floor(i / DIMS)]) * ((i % DIMS) + 1)),
  )
  return { vectors, pooled: false }
}

type Run = Backend['run']
const scaled =
  (change: (value: number, index: number, batch: TokenBatch) => number): Run =>
  async batch => {
    const { vectors, pooled } = await honest(batch)
    return { vectors: vectors.map((value, index) => change(value, index, batch)), pooled }
  }

describe('checkDevice', () => {
  const reference = makeReference({ run: honest }, spec, tokenize)

  test('an honest device passes, and so does one that rounds a little differently', async () => {
    expect((await checkDevice({ run: honest }, spec, tokenize, await reference)).cosine).toBeGreaterThan(1 - 1e-9)
    const rounding = scaled((value, i) => value + 1e-6 * Math.cos(i))
    const found = await checkDevice({ run: rounding }, spec, tokenize, await reference)
    expect(found.cosine).toBeGreaterThan(0.999999)
    expect(found.maxDiff).toBeGreaterThan(0)
  })

  test.each<[string, Run]>([
    ['zeros', scaled(() => 0)],
    ['noise with a normal length', scaled((_, i) => Math.sin(i * i))],
    ['one dim of eight off', scaled((value, i) => (i % DIMS === 3 ? -value : value))],
    [
      'the second row of a batch shifted',
      async batch => {
        const out = await honest(batch)
        if (batch.rows > 1) out.vectors.copyWithin(batch.width * DIMS, 0)
        return out
      },
    ],
    ['the padded batch only', scaled((value, i, { rows }) => (rows > 1 && i > DIMS ? value + 1 : value))],
    ['half precision where single was asked for', scaled((value, i) => value * (1 + 0.05 * Math.sin(7 * i)))],
  ])('refused: %s', async (_what, run) => {
    await expect(checkDevice({ run }, spec, tokenize, await reference)).rejects.toMatchObject({
      code: 'DEVICE_UNAVAILABLE',
      message: expect.stringMatching(/wrong vectors|NaN/),
    })
  })

  test('refused: NaN, in words of its own', async () => {
    const run = scaled((value, i) => (i === 5 ? Number.NaN : value))
    await expect(checkDevice({ run }, spec, tokenize, await reference)).rejects.toMatchObject({
      code: 'DEVICE_UNAVAILABLE',
      message: expect.stringContaining('NaN or Infinity for "Created container 100"'),
    })
  })

  test('a dtype of half precision is allowed what it costs, and no more', async () => {
    const coarse = scaled((value, i) => value + 0.008 * Math.sin(3 * (i % DIMS)))
    const check = (dtype: 'fp32' | 'fp16') =>
      reference.then(known => checkDevice({ run: coarse }, { ...spec, dtype }, tokenize, known))
    expect((await check('fp16')).cosine).toBeLessThan(0.9999)
    await expect(check('fp32')).rejects.toMatchObject({ code: 'DEVICE_UNAVAILABLE' })
  })

  test('where rows must run alone, they do', async () => {
    const widths: number[] = []
    const run: Run = batch => {
      widths.push(batch.rows)
      return honest(batch)
    }
    await checkDevice({ run }, { ...spec, rowsAlone: true }, tokenize, await reference)
    expect(widths).toEqual(CHECK_TEXTS.map(() => 1))
  })
})

describe('shareOn', () => {
  const node = fc.record({
    op: fc.constantFrom('MatMul', 'FusedMatMul', 'Gemm', 'Attention', 'Shape', 'Cast', 'Gather', 'Add'),
    provider: fc.constantFrom('gpu', 'cpu'),
  })

  test('counts heavy nodes only, wherever the light ones ran', () => {
    const runs: NodeRun[] = [
      { op: 'MatMul', provider: 'gpu' },
      { op: 'FusedGemm', provider: 'cpu' },
      { op: 'Shape', provider: 'cpu' },
      { op: 'Cast', provider: 'cpu' },
    ]
    expect(shareOn('gpu', runs)).toBe(0.5)
    expect(shareOn('gpu', runs.slice(2))).toBe(0)
    expect(shareOn('gpu', [])).toBe(0)
  })

  test('the shares of two providers make one', () => {
    fc.assert(
      fc.property(fc.array(node, { minLength: 1 }), runs => {
        expect(shareOn('gpu', runs) + shareOn('cpu', runs)).toBeCloseTo(1)
      }),
    )
  })
})

describe('probeDevice', () => {
  const trial: ProbeOptions = { spec, file: { model: 'x' }, tokenize, options: { threads: 1 }, clock: new TestClock() }
  const clockThat = (ms: number) => {
    let now = 0
    return { now: () => 0, monotonic: () => (now += ms) }
  }

  function factory(device: Device, run: Run, nodes?: readonly NodeRun[], opened: Backend[] = []): BackendFactory {
    return {
      device,
      provider: device,
      async open(_file, { profile }) {
        const backend: Backend = {
          device,
          run,
          close: async () => void opened.splice(opened.indexOf(backend), 1),
          ...(profile && nodes && { profile: async () => nodes }),
        }
        opened.push(backend)
        return backend
      },
    }
  }
  const cpu = factory('cpu', honest)
  const onGpu = [{ op: 'MatMul', provider: 'webgpu' }]

  test('a GPU that is right, and does the work itself', async () => {
    const opened: Backend[] = []
    const result = await probeDevice(factory('webgpu', honest, onGpu, opened), cpu, { ...trial, clock: clockThat(10) })
    expect(result).toMatchObject({ device: 'webgpu', works: true, share: 1 })
    expect(result.cosine).toBeGreaterThan(0.9999)
    expect(result.textsPerSecond).toBe(3200)
    expect(result.cpuTextsPerSecond).toBe(3200)
    expect(result.reference?.texts).toEqual(CHECK_TEXTS)
    expect(opened).toEqual([])
  })

  test('a slow one is timed on one text alone', async () => {
    const result = await probeDevice(factory('webgpu', honest, onGpu), cpu, { ...trial, clock: clockThat(500) })
    expect(result.textsPerSecond).toBe(2)
  })

  test('one that leaves the work to the CPU is named, with its figures', async () => {
    const nodes = [...onGpu, ...Array.from({ length: 3 }, () => ({ op: 'Gemm', provider: 'cpu' }))]
    const result = await probeDevice(factory('webgpu', honest, nodes), cpu, trial)
    expect(result).toMatchObject({ works: false, share: 0.25, reason: expect.stringContaining('75 % of the work') })
    expect(result.cosine).toBeGreaterThan(0.9999)
  })

  test('one that computes wrong vectors says how wrong; one that does not open says why', async () => {
    const wrong = await probeDevice(
      factory(
        'cuda',
        scaled(value => value ** 2),
        onGpu,
      ),
      cpu,
      trial,
    )
    expect(wrong).toMatchObject({ works: false, reason: expect.stringContaining('wrong vectors') })
    expect(wrong.cosine).toBeLessThan(0.9999)
    const absent = { ...factory('cuda', honest), open: () => Promise.reject(new Error('no driver')) }
    expect(await probeDevice(absent, cpu, trial)).toMatchObject({ device: 'cuda', works: false, reason: 'no driver' })
  })

  test('the CPU is held against the reference that is given, and makes one for the others', async () => {
    const given = await makeReference({ run: scaled(value => value ** 2) }, spec, tokenize)
    expect(await probeDevice(cpu, cpu, { ...trial, reference: given })).toMatchObject({ works: false })
    const alone = await probeDevice(cpu, cpu, { ...trial, clock: clockThat(10) })
    expect(alone).toMatchObject({ works: true, reference: { texts: CHECK_TEXTS } })
    // Compared with itself it would always be right: nothing is said.
    expect(alone).not.toHaveProperty('cosine')
  })

  test('a GPU is compared with the CPU beside it, whatever reference is given', async () => {
    const given = await makeReference({ run: scaled(value => value ** 2) }, spec, tokenize)
    const options = { ...trial, reference: given, clock: clockThat(10) }
    expect(await probeDevice(factory('webgpu', honest, onGpu), cpu, options)).toMatchObject({ works: true })
    expect(await probeDevice(factory('wasm', honest), cpu, options)).toMatchObject({ works: false })
  })
})
