// Which kernels serve which matrix, with made-up devices whose speed the test decides.
import { afterEach, describe, expect, it, vi } from 'vitest'
import { OpDbusError } from '../../src/errors.js'
import { chooseKernels, GPU_TRIED_FROM, type KernelParts } from '../../src/kernels/choose.js'
import { JsKernels } from '../../src/kernels/js.js'
import { whereItPays } from '../../src/kernels/where-it-pays.js'
import { openKernels } from '../../src/kernels.js'
import type { KernelDevice, KernelMatrix, Kernels } from '../../src/ports.js'

/** Milliseconds that a device takes for one search, by a million rows and a million floats, and for an upload. */
interface Speed {
  readonly fixed: number
  readonly perMillionRows?: number
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
    this.#needRoom()
    const { clock, speed } = this
    this.loads++
    const matrix = await super.load(...args)
    const millions = (matrix.capacity * matrix.dims) / 1e6
    clock.ms += (speed.uploadPerMillion ?? 0) * millions
    const nearest = matrix.nearest.bind(matrix)
    matrix.nearest = async (query, k) => {
      clock.ms += speed.fixed + speed.perMillion * millions + (speed.perMillionRows ?? 0) * (matrix.capacity / 1e6)
      return nearest(query, k)
    }
    return matrix
  }

  override normalize(...args: Parameters<Kernels['normalize']>): void {
    this.#needRoom()
    super.normalize(...args)
  }

  #needRoom(): void {
    if (this.full) throw new OpDbusError('DEVICE_UNAVAILABLE', `${this.called} has no room`)
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
  /** Millions of floats, in rows of 256 unless told, from which on it pays. */
  async function paysFrom(gpu: Speed, { dims = 256, host = WASM } = {}): Promise<number> {
    const clock = { ms: 0 }
    const [slow, fast] = [new TimedKernels(clock, gpu, 'webgpu'), new TimedKernels(clock, host, 'wasm')]
    const pays = await whereItPays(slow, fast, () => clock.ms)
    const sizes = Array.from({ length: 400 }, (_, i) => i / 10)
    return sizes.find(millions => pays?.((millions * 1e6) / dims, dims)) ?? Number.POSITIVE_INFINITY
  }

  it('is where the two lines cross', async () => {
    expect(await paysFrom({ fixed: 1.4, perMillion: 0.01 })).toBeCloseTo(10, 0)
    expect(await paysFrom({ fixed: 0, perMillion: 0.01 })).toBeLessThanOrEqual(0.1)
  })

  it('counts a share of the upload', async () => {
    // A sixteenth of 1.6 a million leaves 0.04 of the 0.14 that each search saves.
    expect(await paysFrom({ fixed: 0.4, perMillion: 0.01, uploadPerMillion: 1.6 })).toBeCloseTo(10, 0)
    expect(await paysFrom({ fixed: 0.4, perMillion: 0.01, uploadPerMillion: 3.2 })).toBe(Number.POSITIVE_INFINITY)
  })

  it('is nowhere for a device that is slower, also one that is hopeless', async () => {
    expect(await paysFrom({ fixed: 0.1, perMillion: 0.2 })).toBe(Number.POSITIVE_INFINITY)
    expect(await paysFrom({ fixed: 500, perMillion: 50 })).toBe(Number.POSITIVE_INFINITY)
  })

  it('asks for rows as well as floats: what sorts slowly takes no narrow matrix, whatever its size', async () => {
    // A million rows cost 30 more to sort; multiplying saves 64 where they have 256 dims, and 2 where they have 8.
    const gpu = { fixed: 0.5, perMillion: 0.05, perMillionRows: 40 }
    const host = { fixed: 0, perMillion: 0.3, perMillionRows: 10 }
    expect(await paysFrom(gpu, { host })).toBeCloseTo(3.8, 0)
    expect(await paysFrom(gpu, { host, dims: 8 })).toBe(Number.POSITIVE_INFINITY)
    // And the other way round.
    const sorter = { fixed: 0.5, perMillion: 0.3, perMillionRows: 1 }
    expect(await paysFrom(sorter, { host, dims: 8 })).toBeCloseTo(0.5, 0)
    expect(await paysFrom({ ...sorter, perMillion: 0.4 }, { host })).toBe(Number.POSITIVE_INFINITY)
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

  it('normalises in JavaScript where WebAssembly has no room, and says so', async () => {
    for (const small of [{ maxWasmBytes: 0 }, { maxWasmBytes: 1e6 }]) {
      const kernels = await openKernels(small)
      expect(kernels.device).toBe('wasm')
      const rows = new Float32Array(1_000_000).fill(2)
      kernels.normalize(rows, 4)
      expect(rows.every(x => x === 0.5)).toBe(true)
      expect((await kernels.load(rows, 4)).device).toBe('js')
      expect([...kernels.refused]).toEqual([['wasm', expect.stringContaining('no room')]])
      // What does fit still is where it is fastest, and every other error is the caller's.
      if (small.maxWasmBytes > 0) expect((await kernels.load(new Float32Array(8), 4)).device).toBe('wasm')
      expect(() => kernels.normalize(rows, 0)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }))
      kernels.close()
      expect(() => kernels.normalize(rows, 4)).toThrow(expect.objectContaining({ code: 'CLOSED' }))
    }
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
    for (const bad of ['cuda', 7, null, Symbol('gpu')])
      await expect(chooseKernels(parts, bad as never)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    for (const options of [null, 'wasm', { maxWasmBytes: Number.NaN }, { maxWasmBytes: '1' }, { maxWasmBytes: -1 }])
      await expect(openKernels(options as never)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  })
})

describe('a device that was chosen', () => {
  afterEach(() => vi.unstubAllGlobals())

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

  it('is what the kernels say that they are, whoever keeps int8; the host when it was lost', async () => {
    const { parts, opened } = devices({ fixed: 0, perMillion: 0 })
    for (const device of ['js', 'wasm', 'webgpu'] as const)
      expect((await chooseKernels(parts, device)).device).toBe(device)
    expect((await chooseKernels(parts)).device).toBe('wasm')
    const kernels = await chooseKernels(parts, 'webgpu')
    Object.defineProperty(opened.webgpu!, 'device', { value: 'wasm' })
    expect(kernels.device).toBe('wasm')
  })

  it('goes to the next one where there is no room', async () => {
    const { parts, opened } = devices({ fixed: 0, perMillion: 0 })
    const kernels = await chooseKernels(parts, 'webgpu')
    opened.webgpu!.full = true
    expect((await loadOf(kernels, 256)).device).toBe('wasm')
    opened.wasm!.full = true
    expect((await loadOf(kernels, 256)).device).toBe('js')
    expect(() => kernels.normalize(new Float32Array(2), 2)).not.toThrow()
  })

  it.each([
    ['is missing', undefined],
    [
      'gets no memory',
      {
        Memory: class {
          constructor() {
            throw new RangeError('could not allocate memory')
          }
        },
      },
    ],
  ])('is an error with a code where WebAssembly %s; auto goes on without', async (_, found) => {
    vi.stubGlobal('WebAssembly', found)
    const error = { code: 'DEVICE_UNAVAILABLE', message: expect.stringMatching(/^no WebAssembly kernels here: ./) }
    await expect(openKernels({ device: 'wasm' })).rejects.toMatchObject(error)
    const kernels = await openKernels()
    expect([kernels.device, [...kernels.refused.keys()]]).toEqual(['js', ['wasm']])
    await expect(openKernels({ device: 'webgpu' })).rejects.toMatchObject({ code: 'DEVICE_UNAVAILABLE' })
  })
})
