// Which kernels serve which matrix, with made-up devices whose speed the test decides.
import { describe, expect, it } from 'vitest'
import { OpDbusError } from '../../src/errors.js'
import { chooseKernels, GPU_TRIED_FROM, type KernelParts } from '../../src/kernels/choose.js'
import { JsKernels } from '../../src/kernels/js.js'
import { paysFrom } from '../../src/kernels/trial.js'
import type { KernelDevice, KernelMatrix, Kernels } from '../../src/ports.js'

/** Milliseconds that a device takes for one search and for an upload. */
interface Speed {
  readonly fixed: number
  readonly perMillion: number
  readonly uploadPerMillion?: number
}

/** Answers as JavaScript does, and moves the clock as `speed` says. */
class TimedKernels extends JsKernels {
  loads = 0
  full = false

  constructor(
    readonly clock: { ms: number },
    readonly speed: Speed,
    readonly called: KernelDevice,
  ) {
    super()
    Object.defineProperty(this, 'device', { value: called })
  }

  override async load(...args: Parameters<Kernels['load']>): Promise<KernelMatrix> {
    if (this.full) throw new OpDbusError('DEVICE_UNAVAILABLE', `${this.called} has no room`)
    const { clock, speed } = this
    this.loads++
    const matrix = await super.load(...args)
    const millions = (matrix.capacity * matrix.dims) / 1e6
    clock.ms += (speed.uploadPerMillion ?? 0) * millions
    const nearest = matrix.nearest.bind(matrix)
    matrix.nearest = async (query, k) => {
      clock.ms += speed.fixed + speed.perMillion * millions
      return nearest(query, k)
    }
    return matrix
  }
}

const WASM: Speed = { fixed: 0, perMillion: 0.15 }

function devices(gpuSpeed: Speed | 'none', wasm: 'there' | 'missing' = 'there') {
  const clock = { ms: 0 }
  const opened: { wasm?: TimedKernels; webgpu?: TimedKernels; gpuTries: number; lose?: (why: string) => void } = {
    gpuTries: 0,
  }
  const parts: KernelParts = {
    js: () => new TimedKernels(clock, { fixed: 0, perMillion: 1.5 }, 'js'),
    async wasm() {
      if (wasm === 'missing') throw new OpDbusError('DEVICE_UNAVAILABLE', 'no WebAssembly')
      opened.wasm = new TimedKernels(clock, WASM, 'wasm')
      return opened.wasm
    },
    async webgpu(_host, _reference, onLost) {
      opened.gpuTries++
      if (gpuSpeed === 'none') throw new OpDbusError('DEVICE_UNAVAILABLE', 'no adapter')
      opened.webgpu = new TimedKernels(clock, gpuSpeed, 'webgpu')
      opened.lose = onLost
      return opened.webgpu
    },
    monotonic: () => clock.ms,
  }
  return { parts, opened }
}

const loadOf = (kernels: Kernels, floats: number) =>
  kernels.load(new Float32Array(0), 256, { capacity: Math.ceil(floats / 256) })

describe('where a GPU pays', () => {
  const pays = (gpu: Speed) => {
    const clock = { ms: 0 }
    return paysFrom(new TimedKernels(clock, gpu, 'webgpu'), new TimedKernels(clock, WASM, 'wasm'), () => clock.ms)
  }

  it('is where the two lines cross', async () => {
    expect((await pays({ fixed: 1.4, perMillion: 0.01 })) / 1e6).toBeCloseTo(10, 1)
    expect(await pays({ fixed: 0, perMillion: 0.01 })).toBeCloseTo(0, 3)
  })

  it('counts a share of the upload', async () => {
    // A sixteenth of 1.6 a million leaves 0.04 of the 0.14 that each search saves.
    expect((await pays({ fixed: 0.4, perMillion: 0.01, uploadPerMillion: 1.6 })) / 1e6).toBeCloseTo(10, 0)
    expect(await pays({ fixed: 0.4, perMillion: 0.01, uploadPerMillion: 3.2 })).toBe(Number.POSITIVE_INFINITY)
  })

  it('is nowhere for a device that is slower, also one that is hopeless', async () => {
    expect(await pays({ fixed: 0.1, perMillion: 0.2 })).toBe(Number.POSITIVE_INFINITY)
    expect(await pays({ fixed: 500, perMillion: 50 })).toBe(Number.POSITIVE_INFINITY)
  })
})

describe('auto', () => {
  it('takes WebAssembly for small matrices without even looking for a GPU', async () => {
    const { parts, opened } = devices({ fixed: 1, perMillion: 0 })
    const kernels = await chooseKernels(parts)
    expect((await loadOf(kernels, 1000)).device).toBe('wasm')
    expect((await loadOf(kernels, GPU_TRIED_FROM - 256)).device).toBe('wasm')
    expect(opened.gpuTries).toBe(0)
    expect([...kernels.refused]).toEqual([])
  })

  it('takes the GPU from the size on at which it pays, and tries it once', async () => {
    const { parts, opened } = devices({ fixed: 1.4, perMillion: 0.01 })
    const kernels = await chooseKernels(parts)
    const matrices = await Promise.all([5e6, 9e6, 11e6].map(floats => loadOf(kernels, floats)))
    expect(matrices.map(({ device }) => device)).toEqual(['wasm', 'wasm', 'webgpu'])
    expect(opened.gpuTries).toBe(1)
    const query = new Float32Array(256)
    expect(() => matrices[2]!.put(0, query)).not.toThrow()
    expect((await matrices[2]!.nearest(query, 1)).rows).toHaveLength(1)
  })

  it.each([
    ['none' as const, 'no adapter'],
    [{ fixed: 1, perMillion: 1 }, 'never faster than wasm'],
  ])('goes on without a GPU that is %j, and says why', async (gpu, why) => {
    const { parts, opened } = devices(gpu)
    const kernels = await chooseKernels(parts)
    expect((await loadOf(kernels, 4e6)).device).toBe('wasm')
    expect((await loadOf(kernels, 4e6)).device).toBe('wasm')
    expect(opened.gpuTries).toBe(1)
    expect(kernels.refused.get('webgpu')).toContain(why)
    if (gpu !== 'none') expect(opened.webgpu!.closed).toBe(true)
  })

  it('never asks a GPU for int8', async () => {
    const { parts, opened } = devices({ fixed: 0, perMillion: 0 })
    const kernels = await chooseKernels(parts)
    const matrix = await kernels.load(new Float32Array(0), 256, { capacity: 20_000, precision: 'int8' })
    expect([matrix.device, opened.gpuTries]).toEqual(['wasm', 0])
  })

  it('goes to the next device when one has no room', async () => {
    const { parts, opened } = devices({ fixed: 0, perMillion: 0 })
    const kernels = await chooseKernels(parts)
    expect((await loadOf(kernels, 4e6)).device).toBe('webgpu')
    opened.webgpu!.full = true
    expect((await loadOf(kernels, 4e6)).device).toBe('wasm')
    opened.wasm!.full = true
    expect((await loadOf(kernels, 4e6)).device).toBe('js')
    expect([...kernels.refused]).toEqual([
      ['webgpu', 'webgpu has no room'],
      ['wasm', 'wasm has no room'],
    ])
  })

  it('is JavaScript where WebAssembly is missing', async () => {
    const { parts } = devices('none', 'missing')
    const kernels = await chooseKernels(parts)
    expect(kernels.device).toBe('js')
    expect((await loadOf(kernels, 100)).device).toBe('js')
    expect([...kernels.refused]).toEqual([['wasm', 'no WebAssembly']])
  })

  it('tells of a GPU that was lost', async () => {
    const { parts, opened } = devices({ fixed: 0, perMillion: 0 })
    const kernels = await chooseKernels(parts)
    await loadOf(kernels, 4e6)
    opened.lose!('it fell out')
    expect(kernels.refused.get('webgpu')).toBe('lost: it fell out')
  })

  it('closes all that it opened', async () => {
    const { parts, opened } = devices({ fixed: 0, perMillion: 0 })
    const kernels = await chooseKernels(parts)
    await loadOf(kernels, 4e6)
    kernels.close()
    await Promise.resolve()
    await Promise.resolve()
    expect([opened.wasm!.closed, opened.webgpu!.closed]).toEqual([true, true])
    await expect(loadOf(kernels, 100)).rejects.toMatchObject({ code: 'CLOSED' })
  })

  it('refuses bad input before any device is tried', async () => {
    const { parts, opened } = devices('none')
    const kernels = await chooseKernels(parts)
    for (const dims of [0, Number.NaN])
      await expect(kernels.load(new Float32Array(4), dims)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    await expect(kernels.load(new Float32Array(4), 2, { capacity: 1 })).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    expect(opened.gpuTries).toBe(0)
    await expect(chooseKernels(parts, 'cuda' as never)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  })
})

describe('a device that was chosen', () => {
  it('serves every size', async () => {
    const { parts } = devices({ fixed: 100, perMillion: 100 })
    for (const device of ['js', 'wasm', 'webgpu'] as const)
      for (const floats of [256, 4e6])
        expect((await loadOf(await chooseKernels(parts, device), floats)).device).toBe(device)
  })

  it('is an error where it is missing', async () => {
    const { parts, opened } = devices('none', 'missing')
    await expect(chooseKernels(parts, 'wasm')).rejects.toMatchObject({ code: 'DEVICE_UNAVAILABLE' })
    await expect(chooseKernels(parts, 'webgpu')).rejects.toMatchObject({ code: 'DEVICE_UNAVAILABLE' })
    expect(opened.gpuTries).toBe(1)
  })
})
