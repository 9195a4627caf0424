// A GPU that dies, comes back, lies or is innocent: the batch in hand is answered, or rejected for its own fault.
import { describe, expect, test } from 'vitest'
import { openWithFailover } from '../../../src/embedder/devices/failover.js'
import type { Opened } from '../../../src/embedder/devices/order.js'
import { OpDbusError } from '../../../src/errors.js'
import type { Backend, BackendFactory, Device, TokenBatch } from '../../../src/ports.js'

/** What a rigged device does: at its n-th opening, at each run. */
interface Rig {
  readonly device: Device
  readonly open?: (opening: number) => void
  readonly run?: (opening: number, run: number) => unknown
}

const VALUE: Partial<Record<Device, number>> = { cuda: 1, webgpu: 2, cpu: 3 }

function rigged(log: string[], { device, open, run }: Rig): BackendFactory {
  let openings = 0
  return {
    device,
    async open() {
      const opening = ++openings
      log.push(`open ${device}`)
      open?.(opening)
      let runs = 0
      const backend: Backend = {
        device,
        async run() {
          log.push(`run ${device}`)
          const value = run?.(opening, ++runs)
          return { vectors: Float32Array.of(typeof value === 'number' ? value : VALUE[device]!), pooled: true }
        },
        async close() {
          log.push(`close ${device}`)
        },
      }
      return backend
    },
  }
}

async function harness(rigs: Rig[], check: (backend: Backend) => Promise<void> = async () => undefined) {
  const log: string[] = []
  const changes: Opened[] = []
  const { backend, opened } = await openWithFailover({
    model: 'x',
    factories: rigs.map(rig => rigged(log, rig)),
    options: { threads: 1 },
    check,
    changed: now => changes.push(now),
  })
  const run = async () => [...(await backend.run({ rows: 1 } as TokenBatch)).vectors]
  return { backend, opened, run, log, changes }
}

const die = () => {
  throw new Error('device lost')
}
const innocent = { device: 'cpu' } as const

describe('a lost device', () => {
  test('is opened anew once, and the batch runs again: nobody notices', async () => {
    const { run, log, changes, backend } = await harness([
      { device: 'webgpu', run: (opening, n) => opening === 1 && n === 2 && die() },
      innocent,
    ])
    expect([await run(), await run(), await run()]).toEqual([[2], [2], [2]])
    expect(backend.device).toBe('webgpu')
    expect(changes).toEqual([])
    expect(log).toEqual([
      'open webgpu',
      'run webgpu',
      'run webgpu',
      'close webgpu',
      'open webgpu',
      'run webgpu',
      'run webgpu',
    ])
  })

  test('that fails again gives way to the next, with both reasons; the batch is answered', async () => {
    const { run, backend, changes, log } = await harness([
      { device: 'webgpu', run: (_, n) => n === 1 && die() },
      innocent,
    ])
    expect([await run(), await run()]).toEqual([[3], [3]])
    expect(backend.device).toBe('cpu')
    expect(changes).toEqual([
      {
        device: 'cpu',
        tried: [
          {
            device: 'webgpu',
            reason: 'lost (device lost), and again after it was opened anew: device lost',
            kind: 'failed',
          },
        ],
      },
    ])
    expect(log.filter(line => line === 'open webgpu')).toHaveLength(2)
    expect(log.filter(line => line === 'close webgpu')).toHaveLength(2)
  })

  test('that comes back, and is lost a second time, is not opened a third time', async () => {
    const { run, backend, log } = await harness([
      { device: 'webgpu', run: (opening, n) => n === (opening === 1 ? 1 : 3) && die() },
      innocent,
    ])
    expect([await run(), await run(), await run(), await run()]).toEqual([[2], [2], [3], [3]])
    expect(backend.device).toBe('cpu')
    expect(log.filter(line => line === 'open webgpu')).toHaveLength(2)
  })

  test('that answers NaN is lost too: once it is opened anew, then it gives way', async () => {
    const once = await harness([
      { device: 'webgpu', run: (opening, n) => opening === 1 && n === 2 && Number.NaN },
      innocent,
    ])
    expect([await once.run(), await once.run()]).toEqual([[2], [2]])
    expect(once.backend.device).toBe('webgpu')
    const always = await harness([{ device: 'webgpu', run: () => Number.POSITIVE_INFINITY }, innocent])
    expect([await always.run(), await always.run()]).toEqual([[3], [3]])
    expect(always.changes).toMatchObject([{ device: 'cpu', tried: [{ reason: expect.stringContaining('NaN') }] }])
  })

  test('that cannot be opened anew, or computes wrong vectors then, gives way', async () => {
    for (const rig of [{ open: (n: number) => n === 2 && die() }, {}]) {
      let checks = 0
      const { run, backend } = await harness(
        [{ device: 'cuda', run: () => die(), ...rig }, { device: 'webgpu' }, innocent],
        async ({ device }) => {
          if (device === 'cuda' && ++checks === 2) throw new Error('wrong vectors')
        },
      )
      expect(await run()).toEqual([2])
      expect(backend.device).toBe('webgpu')
    }
  })

  test('the only one allowed: the batch fails with the reason, and the device may come back later', async () => {
    let dead = true
    const { run } = await harness([{ device: 'cuda', run: () => dead && die() }])
    for (let i = 0; i < 2; i++)
      await expect(run()).rejects.toMatchObject({
        code: 'DEVICE_UNAVAILABLE',
        details: { reasons: [{ device: 'cuda', reason: expect.stringContaining('device lost') }] },
      })
    dead = false
    expect(await run()).toEqual([1])
  })
})

describe('a batch that no device can run', () => {
  test("rejects with the CPU's words, and the GPU goes on serving", async () => {
    let poison = true
    const fail = () => {
      if (poison) throw new OpDbusError('EMBEDDER_FAILED', 'index out of bounds')
    }
    const { run, backend, changes } = await harness([
      { device: 'webgpu', run: fail },
      { device: 'cpu', run: fail },
    ])
    await expect(run()).rejects.toMatchObject({ code: 'EMBEDDER_FAILED', message: 'index out of bounds' })
    poison = false
    expect(await run()).toEqual([2])
    expect(backend.device).toBe('webgpu')
    expect(changes).toEqual([])
  })

  test('that is NaN on the CPU as well is the answer, and the GPU goes on serving', async () => {
    let poison = true
    const nan = () => poison && Number.NaN
    const { run, backend, changes } = await harness([
      { device: 'webgpu', run: nan },
      { device: 'cpu', run: nan },
    ])
    expect(await run()).toEqual([Number.NaN])
    poison = false
    expect(await run()).toEqual([2])
    expect(backend.device).toBe('webgpu')
    expect(changes).toEqual([])
  })

  test('on the CPU is not tried elsewhere; a refused graph is refused at once', async () => {
    const cpu = await harness([{ device: 'cpu', run: die }, { device: 'wasm' }])
    await expect(cpu.run()).rejects.toThrow('device lost')
    expect(cpu.log).toEqual(['open cpu', 'run cpu'])
    const refuse = () => {
      throw new OpDbusError('UNSUPPORTED_MODEL', 'odd shape')
    }
    const gpu = await harness([{ device: 'cuda', run: refuse }, innocent])
    await expect(gpu.run()).rejects.toMatchObject({ code: 'UNSUPPORTED_MODEL' })
    expect(gpu.log).toEqual(['open cuda', 'run cuda'])
  })
})
