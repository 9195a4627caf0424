// The WebGPU kernels in Chromium (SwiftShader where there is no GPU), against the reference in the same page.
import { describe, expect, it } from 'vitest'
import { useBrowser, useBundle } from '../browser/harness.js'
import type { Compared } from './webgpu-entry.js'

const bundle = useBundle({ kernels: 'test/kernels/webgpu-entry.ts' })

describe('in a browser with WebGPU', () => {
  const browser = useBrowser()

  async function page() {
    const server = await browser.serve({ folders: { '/': bundle.dir() } })
    const { call } = await browser.openPage(server.url)
    return <T>(name: string, ...args: unknown[]) => call<T>('/kernels.js', name, ...args)
  }

  it('agrees with the reference over shapes, ties, changes and searches that overlap', async () => {
    const call = await page()
    // No row, one, odd ones; around a sorted chunk and around the k that is selected on the GPU; chunks of chunks.
    const shapes = [
      [0, 8, 3],
      [1, 1, 1],
      [3, 5, 10],
      [7, 384, 7],
      [1023, 4, 20],
      [1024, 66, 128],
      [1025, 63, 129],
      [5000, 17, 40],
      [20_000, 8, 128],
    ] as const
    for (const [rows, dims, k] of shapes) {
      const { apart, ...rest } = await call<Compared>('compare', rows, dims, k)
      expect(rest, `${rows} x ${dims}`).toEqual({ device: 'webgpu', rows, misplaced: 0 })
      expect(apart).toBeLessThanOrEqual(1e-5)
    }
    // Equal scores go to the lower row, puts and cuts count, and overlapping searches each see what was there.
    expect(await call('compare', 3000, 12, 128, true)).toMatchObject({ misplaced: 0 })
    expect(await call('changes', 7)).toBeLessThanOrEqual(1e-5)
    expect(await call('overlapping')).toEqual(Array.from({ length: 20 }, (_, i) => (i + 1) ** 2))
  })

  it('keeps a matrix in several buffers where one may not be so large', async () => {
    const call = await page()
    const compared = await call<Compared>('compare', 2500, 30, 50, false, 64 * 1024)
    expect(compared).toMatchObject({ device: 'webgpu', misplaced: 0 })
    expect(compared.apart).toBeLessThanOrEqual(1e-5)
  })

  it('loses no answer when the device is lost: the host gives it, and is told as the device from then on', async () => {
    const call = await page()
    const { before, during, after, reloaded, refused } = await call<{
      before: { device: string; rows: number[] }
      during: number[][]
      after: { device: string; rows: number[] }
      reloaded: { device: string; rows: number[] }
      refused: [string, string][]
    }>('losing')
    expect(before.device).toBe('webgpu')
    expect(before.rows[0]).toBe(77)
    expect(during).toEqual([before.rows, before.rows])
    expect(after.device).toBe('wasm')
    expect(after.rows.slice(0, 4)).toEqual(before.rows.slice(1))
    expect(reloaded).toEqual({ ...before, device: 'wasm' })
    expect(refused).toEqual([['webgpu', expect.stringMatching(/^lost: ./)]])
  })

  it('lets no GPU serve that answers wrongly', async () => {
    const call = await page()
    expect(await call('lying')).toMatch(/^DEVICE_UNAVAILABLE: .*webgpu kernels answer wrongly: row 0 scores/)
  })

  it('is called what was asked for, whatever the size, and draws the map that the reference draws', async () => {
    const call = await page()
    expect(await call('opening', 'webgpu')).toEqual({ answer: 'webgpu', named: 'webgpu', refused: [] })
    expect(await call('maps', 600, 40)).toBeLessThanOrEqual(1e-5)
  })

  it.each([
    [9000, 256],
    [300_000, 8],
  ])('chooses by itself for %i x %i, and is right whatever it chose', async (rows, dims) => {
    const call = await page()
    const { expected, device, refused, ...found } = await call<{
      rows: number[]
      expected: number[]
      device: string
      refused: [string, string][]
    }>('choosing', rows, dims)
    expect(found.rows).toEqual(expected)
    if (device !== 'webgpu') expect(refused).toEqual([['webgpu', expect.stringContaining('never faster')]])
  })

  it.runIf(process.env.OP_DBUS_KERNEL_TIMES)('tells its times', async () => {
    const call = await page()
    for (const [rows, dims] of [
      [1, 4],
      [1000, 384],
      [10_000, 512],
    ])
      console.log(rows, dims, await call('times', rows, dims))
  })
})

describe('in a browser without WebGPU', () => {
  const browser = useBrowser({ without: ['--enable-unsafe-webgpu'] })

  it('says so when it is asked for, and takes WebAssembly when it may choose', async () => {
    const server = await browser.serve({ folders: { '/': bundle.dir() } })
    const { call } = await browser.openPage(server.url)
    const open = (device: string) => call<{ answer: string }>('/kernels.js', 'opening', device)
    expect((await open('webgpu')).answer).toMatch(/^DEVICE_UNAVAILABLE: no WebGPU kernels here: /)
    expect((await open('auto')).answer).toBe('wasm')
    expect((await open('wasm')).answer).toBe('wasm')
    expect((await open('js')).answer).toBe('js')
  })

  it('takes JavaScript where a policy forbids WebAssembly, and says why', async () => {
    const server = await browser.serve({
      folders: { '/': bundle.dir() },
      headers: { 'content-security-policy': "script-src 'self' 'unsafe-eval-never'" },
    } as never)
    const { call } = await browser.openPage(server.url)
    const { answer, refused } = await call<{ answer: string; refused: unknown }>('/kernels.js', 'opening', 'auto')
    expect(answer).toBe('js')
    expect(refused).toEqual([['wasm', expect.stringContaining('no WebAssembly kernels here')]])
  })
})
