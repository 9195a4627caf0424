// The first device that can serves; why the others do not is never lost.
import { describe, expect, test } from 'vitest'
import { deviceOrder, openFirst } from '../../src/embedder/devices.js'
import { OpDbusError } from '../../src/errors.js'
import type { Backend, BackendFactory, Device } from '../../src/ports.js'

const factory = (device: Device, error?: unknown): BackendFactory => ({
  device,
  open: async () => {
    if (error) throw error
    return { device } as Backend
  },
})
const unavailable = (why: string) => new OpDbusError('DEVICE_UNAVAILABLE', why)
const options = { threads: 1 }

describe('openFirst', () => {
  test('tries in order, one at a time, and keeps every reason', async () => {
    const { backend, opened } = await openFirst(
      [
        factory('cuda', unavailable('no driver')),
        factory('cpu', new Error('no binding')),
        factory('wasm'),
        factory('webgpu'),
      ],
      { model: 'x' },
      options,
    )
    expect(backend.device).toBe('wasm')
    expect(opened).toEqual({
      device: 'wasm',
      tried: [
        { device: 'cuda', reason: 'no driver' },
        { device: 'cpu', reason: 'no binding' },
      ],
    })
  })

  test('none can: the error says why, per device', async () => {
    const none = openFirst(
      [factory('cpu', unavailable('no binding')), factory('wasm', unavailable('no memory'))],
      { model: 'x' },
      options,
    )
    await expect(none).rejects.toMatchObject({
      code: 'DEVICE_UNAVAILABLE',
      message: expect.stringContaining('cpu: no binding; wasm: no memory'),
      details: { reasons: [{ device: 'cpu' }, { device: 'wasm' }] },
    })
    await expect(openFirst([], { model: 'x' }, options)).rejects.toMatchObject({ code: 'DEVICE_UNAVAILABLE' })
  })

  test('a graph that is refused is refused everywhere: no other device is asked', async () => {
    const refused = openFirst(
      [factory('cpu', new OpDbusError('UNSUPPORTED_MODEL', 'odd output')), factory('wasm')],
      { model: 'x' },
      options,
    )
    await expect(refused).rejects.toMatchObject({ code: 'UNSUPPORTED_MODEL', message: 'odd output' })
  })
})

describe('deviceOrder', () => {
  test('auto and names', () => {
    expect(deviceOrder('auto', 'node')).toEqual(['cpu', 'wasm'])
    expect(deviceOrder('auto', 'web')).toEqual(['wasm'])
    expect(deviceOrder('wasm', 'node')).toEqual(['wasm'])
  })

  test.each(['cuda', 'webgpu'])('%s is known and does not serve yet', name => {
    expect(() => deviceOrder(name, 'node')).toThrow(
      expect.objectContaining({
        code: 'DEVICE_UNAVAILABLE',
        message: expect.stringMatching(/not supported.*auto, cpu, wasm/),
      }),
    )
  })

  test('cpu is not in browsers', () => {
    expect(() => deviceOrder('cpu', 'web')).toThrow(expect.objectContaining({ code: 'DEVICE_UNAVAILABLE' }))
  })

  test.each(['gpu', 'CPU', '', 'constructor'])('%j is no device', name => {
    expect(() => deviceOrder(name, 'node')).toThrow(
      expect.objectContaining({ code: 'INVALID_INPUT', message: expect.stringContaining('auto, cpu, wasm') }),
    )
  })
})
