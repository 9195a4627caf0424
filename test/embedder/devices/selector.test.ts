// Which devices may serve: over a runtime that is played, so that every GPU does as the test says.
import { describe, expect, test } from 'vitest'
import { referenceToJson } from '../../../src/embedder/devices/reference-json.js'
import {
  type DeviceRuntime,
  DeviceSelector,
  type ProbeOutcome,
  type ProbeRequest,
} from '../../../src/embedder/devices/selector.js'
import type { ModelSpec } from '../../../src/embedder/model/spec.js'
import type { Device, Space, Store } from '../../../src/ports.js'
import { openMapStore } from '../../../src/stores/map.js'
import { hash, TestClock } from '../../support.js'

const spec = { id: 'tiny', space: 'tiny' as Space, dims: 2 } as ModelSpec
const HOUR = 3_600_000
const fast = { works: true, textsPerSecond: 20, cpuTextsPerSecond: 10 }
const slow = { works: true, textsPerSecond: 10, cpuTextsPerSecond: 20 }
const broken = { works: false, reason: 'it crashed' }
const own = { texts: ['a'], matrix: Float32Array.of(1, 0) }
const made = { texts: ['b'], matrix: Float32Array.of(0, 1) }

interface Play {
  readonly outcomes?: Partial<Record<Device, Omit<ProbeOutcome, 'device'>>>
  readonly absent?: string
  readonly store?: Pick<Store, 'getMany' | 'setMany'> | undefined
  readonly print?: string
}

/** A selector over a runtime with `cuda` and `webgpu`; what does not say otherwise is broken. */
function play({ outcomes = {}, absent, print = 'driver 1', ...given }: Play = {}) {
  const store = 'store' in given ? given.store : openMapStore()
  const probes: ProbeRequest[] = []
  const clock = new TestClock()
  const runtime: DeviceRuntime = {
    name: 'node',
    floor: { device: 'cpu', called: 'the CPU' },
    gpuDevice: 1,
    absent: async () => absent,
    print: async () => print,
    async attempt(probe) {
      probes.push(probe)
      return { device: probe.device, ...(outcomes[probe.device] ?? broken) }
    },
    ownReference: async () => referenceToJson(own),
  }
  const selector = new DeviceSelector({ runtime, store, clock, hash })
  return { selector, probes, clock, store, tried: () => probes.map(({ device }) => device) }
}

describe('the devices to open', () => {
  test('a GPU that is right and faster serves, the CPU after it, and a lesser GPU is not tried', async () => {
    const { selector, tried } = play({ outcomes: { cuda: fast, webgpu: fast } })
    const plan = await selector.plan('auto', spec)
    expect(plan).toMatchObject({ devices: ['cuda', 'cpu', 'wasm'], proven: ['cuda'], refused: [], gpuDevice: 1 })
    expect(plan.reference).toEqual(own)
    expect(tried()).toEqual(['cuda'])
  })

  test('one that is broken, or right and slower, is left out with its reason; asked for by name, a slow one serves', async () => {
    const { selector } = play({ outcomes: { webgpu: slow } })
    const { devices, refused } = await selector.plan('auto', spec)
    expect(devices).toEqual(['cpu', 'wasm'])
    expect(refused).toEqual([
      { device: 'cuda', reason: 'it crashed', kind: 'failed' },
      { device: 'webgpu', reason: 'it works, but slower than the CPU here: 10 against 20 texts/s', kind: 'slower' },
    ])
    expect(await selector.plan('webgpu', spec)).toMatchObject({ devices: ['webgpu'], proven: ['webgpu'], refused: [] })
  })

  test('where there is no GPU nothing is tried', async () => {
    const { selector, tried } = play({ absent: 'no GPU found' })
    const { devices, refused } = await selector.plan('auto', spec)
    expect([devices, refused?.map(({ reason, kind }) => `${kind}: ${reason}`)]).toEqual([
      ['cpu', 'wasm'],
      ['absent: no GPU found', 'absent: no GPU found'],
    ])
    expect(tried()).toEqual([])
  })

  test('a GPU that was not there to be tried has not failed, also as it is remembered', async () => {
    const gone = { works: false, absent: true, reason: 'not in workers' }
    const { selector, store } = play({ outcomes: { cuda: gone } })
    for (const one of [selector, play({ store }).selector]) {
      const { refused } = await one.plan('cuda', spec)
      expect(refused).toEqual([{ device: 'cuda', reason: 'not in workers', kind: 'absent' }])
    }
  })

  test('who asks by name waits longer', async () => {
    const { selector, probes } = play()
    await selector.plan('auto', spec)
    const named = play()
    await named.selector.plan('cuda', spec)
    expect(probes[0]!.limitMs).toBeLessThan(named.probes[0]!.limitMs)
  })
})

describe('what is remembered', () => {
  test('a verdict holds for other processes, for another driver it does not, and a failure holds for an hour', async () => {
    const first = play({ outcomes: { cuda: fast } })
    await first.selector.plan('cuda', spec)
    const { store } = first
    const second = play({ store })
    expect((await second.selector.plan('cuda', spec)).devices).toEqual(['cuda'])
    expect(second.tried()).toEqual([])
    const other = play({ store, print: 'driver 2' })
    expect((await other.selector.plan('cuda', spec)).devices).toEqual([])
    other.clock.advance(HOUR - 1)
    await other.selector.plan('cuda', spec)
    expect(other.tried()).toEqual(['cuda'])
    other.clock.advance(1)
    await other.selector.plan('cuda', spec)
    expect(other.tried()).toEqual(['cuda', 'cuda'])
  })

  test('a device that passed in the worker needs no other check', async () => {
    const { selector, store } = play()
    expect((await selector.plan('cpu', spec)).proven).toEqual([])
    await selector.passed('cpu', spec)
    for (const one of [selector, play({ store }).selector]) {
      expect(await one.plan('cpu', spec)).toMatchObject({ devices: ['cpu'], proven: ['cpu'], reference: undefined })
    }
  })

  test('what the CPU made judges the others from then on, never the CPU itself', async () => {
    const { selector, probes } = play({ outcomes: { cuda: { ...fast, reference: made } } })
    for (const device of ['cuda', 'webgpu', 'cpu'] as const) await selector.probe(device, spec)
    expect(probes.map(({ reference }) => reference)).toEqual([own, made, own])
  })

  test('a probe that could not be held is no verdict', async () => {
    const { selector, tried } = play({ outcomes: { cuda: { ...broken, inconclusive: true } } })
    expect((await selector.plan('cuda', spec)).refused).toEqual([
      { device: 'cuda', reason: 'it crashed', kind: 'failed' },
    ])
    await selector.plan('cuda', spec)
    expect(tried()).toEqual(['cuda', 'cuda'])
  })

  test('a store that fails, or none, costs probes and nothing else', async () => {
    const refuse = () => Promise.reject(new Error('no'))
    for (const store of [{ getMany: refuse, setMany: refuse }, undefined]) {
      const { selector, tried } = play({ outcomes: { cuda: fast }, store })
      await selector.plan('cuda', spec)
      // What this very selector has seen it knows all the same.
      expect((await selector.plan('cuda', spec)).devices).toEqual(['cuda'])
      expect(tried()).toEqual(['cuda'])
    }
  })
})

test('two who ask at once share a probe', async () => {
  const { selector, tried } = play({ outcomes: { cuda: fast } })
  await Promise.all([selector.plan('cuda', spec), selector.plan('cuda', spec)])
  expect(tried()).toEqual(['cuda'])
})

test('a caller who leaves ends the probe, which leaves no verdict', async () => {
  const { selector, probes } = play()
  const controller = new AbortController()
  const planning = selector.plan('cuda', spec, { signal: controller.signal })
  controller.abort()
  await expect(planning).rejects.toMatchObject({ code: 'ABORTED' })
  await selector.plan('cuda', spec)
  expect(probes).toHaveLength(2)
})
