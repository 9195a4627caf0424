// The first device that can serves; why the others do not is never lost.
import { describe, expect, test } from 'vitest'
import { deviceOrder, type OpenPlan, openFirst } from '../../../src/embedder/devices/order.js'
import { OpDbusError } from '../../../src/errors.js'
import type { Backend, BackendFactory, Device } from '../../../src/ports.js'

const factory = (device: Device, error?: unknown): BackendFactory => ({
  device,
  open: async () => {
    if (error) throw error
    return { device } as Backend
  },
})
const unavailable = (why: string) => new OpDbusError('DEVICE_UNAVAILABLE', why)
const accept = async () => undefined
const open = (factories: BackendFactory[], change: Partial<OpenPlan> = {}) =>
  openFirst({ model: 'x' }, { factories, options: { threads: 1 }, check: accept, ...change })

describe('openFirst', () => {
  test('tries in order, one at a time, and keeps every reason', async () => {
    const { backend, opened } = await open([
      factory('cuda', unavailable('no driver')),
      factory('cpu', new Error('no binding')),
      factory('wasm'),
      factory('webgpu'),
    ])
    expect(backend.device).toBe('wasm')
    expect(opened).toEqual({
      device: 'wasm',
      tried: [
        { device: 'cuda', reason: 'no driver', kind: 'failed' },
        { device: 'cpu', reason: 'no binding', kind: 'failed' },
      ],
    })
  })

  test('a GPU is asked to pool by itself, what computes beside the answer is not', async () => {
    const asked: unknown[] = []
    const noting = (device: Device): BackendFactory => ({
      device,
      open: async (_, { pooling }) => {
        asked.push([device, pooling])
        throw unavailable('just asking')
      },
    })
    const devices = ['cuda', 'webgpu', 'cpu', 'wasm'] as const
    await expect(open(devices.map(noting), { pooling: 'cls' })).rejects.toThrow()
    expect(asked).toEqual([
      ['cuda', 'cls'],
      ['webgpu', 'cls'],
      ['cpu', undefined],
      ['wasm', undefined],
    ])
  })

  test('none can: the error says why, per device', async () => {
    const none = open([factory('cpu', unavailable('no binding')), factory('wasm', unavailable('no memory'))])
    await expect(none).rejects.toMatchObject({
      code: 'DEVICE_UNAVAILABLE',
      message: expect.stringContaining('cpu: no binding; wasm: no memory'),
      details: { reasons: [{ device: 'cpu' }, { device: 'wasm' }] },
    })
    await expect(open([])).rejects.toMatchObject({ code: 'DEVICE_UNAVAILABLE' })
  })

  test('what opens but fails its check is closed and told; those refused before are told first', async () => {
    const closed: Device[] = []
    const openable = (device: Device): BackendFactory => ({
      device,
      open: async () => ({ device, close: async () => void closed.push(device) }) as Backend,
    })
    const { opened } = await open([openable('webgpu'), openable('cpu')], {
      refused: [{ device: 'cuda', reason: 'not installed', kind: 'absent' }],
      check: async ({ device }) => {
        if (device === 'webgpu') throw unavailable('wrong vectors')
      },
    })
    expect(opened).toEqual({
      device: 'cpu',
      tried: [
        { device: 'cuda', reason: 'not installed', kind: 'absent' },
        { device: 'webgpu', reason: 'wrong vectors', kind: 'failed' },
      ],
    })
    expect(closed).toEqual(['webgpu'])
  })

  test('a graph that is refused is refused everywhere: no other device is asked', async () => {
    const refused = open([factory('cpu', new OpDbusError('UNSUPPORTED_MODEL', 'odd output')), factory('wasm')])
    await expect(refused).rejects.toMatchObject({ code: 'UNSUPPORTED_MODEL', message: 'odd output' })
  })
})

describe('deviceOrder', () => {
  test('auto and names', () => {
    expect(deviceOrder('auto', 'node')).toEqual(['cuda', 'webgpu', 'cpu', 'wasm'])
    expect(deviceOrder('auto', 'web')).toEqual(['webgpu', 'wasm'])
    expect(deviceOrder('cuda', 'node')).toEqual(['cuda'])
    expect(deviceOrder('wasm', 'node')).toEqual(['wasm'])
  })

  test('cpu and cuda are not in browsers', () => {
    for (const name of ['cpu', 'cuda'])
      expect(() => deviceOrder(name, 'web')).toThrow(
        expect.objectContaining({ code: 'DEVICE_UNAVAILABLE', message: expect.stringContaining('not in browsers') }),
      )
  })

  test.each(['gpu', 'CPU', '', 'constructor'])('%j is no device', name => {
    expect(() => deviceOrder(name, 'node')).toThrow(
      expect.objectContaining({
        code: 'INVALID_INPUT',
        message: expect.stringContaining('auto, cuda, webgpu, cpu, wasm'),
      }),
    )
  })
})
