// The built entry `op-dbus/kernels`: one file that needs nothing else, in Node, in a page and in a worker.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type * as Library from '../../src/kernels.js'
import { ROOT, useBrowser } from '../browser/harness.js'

// Not a literal, so that no compiler follows it to the source.
const NAME: string = 'op-dbus/kernels'

const WORKER = `
import { openKernels, VectorIndex } from '/kernels.js'
const kernels = await openKernels({ device: 'wasm' })
const index = new VectorIndex(kernels, { dims: 3 })
await index.setMany([['x', Float32Array.of(1, 0, 0)], ['y', Float32Array.of(0, 2, 0)], ['z', Float32Array.of(0, 0, 3)]])
postMessage({ device: index.device, nearest: await index.nearest(Float32Array.of(1, 5, 3), 2) })`

describe('op-dbus/kernels, as built', () => {
  const browser = useBrowser()

  it('imports nothing, fetches nothing, and knows nothing of Node', () => {
    const text = readFileSync(join(ROOT, 'dist', 'kernels.js'), 'utf8')
    expect(text).not.toMatch(/\bimport\b\s*[^.\s]|\brequire\(|\bfetch\(|XMLHttpRequest|\bprocess\.|\bBuffer\b|node:/)
  })

  it('runs in Node', async () => {
    const { openKernels, isOpDbusError } = (await import(NAME)) as typeof Library
    const kernels = await openKernels()
    const matrix = await kernels.load(Float32Array.of(1, 0, 0, 1), 2)
    expect(matrix.device).toBe('wasm')
    expect([...(await matrix.nearest(Float32Array.of(1, 2), 1)).rows]).toEqual([1])
    const error = await openKernels({ device: 'webgpu' }).catch(error => error)
    expect(isOpDbusError(error, 'DEVICE_UNAVAILABLE'), String(error)).toBe(true)
    kernels.close()
  })

  it('runs in a Web Worker', async () => {
    const server = await browser.serve({ folders: { '/': join(ROOT, 'dist') }, files: { '/worker-test.js': WORKER } })
    const { page } = await browser.openPage(server.url)
    const answer = await page.evaluate(
      () =>
        new Promise((resolve, reject) => {
          const worker = new Worker('/worker-test.js', { type: 'module' })
          worker.onmessage = event => resolve(event.data)
          worker.onerror = event => reject(new Error(event.message))
        }),
    )
    expect(answer).toMatchObject({ device: 'wasm', nearest: [{ id: 'y' }, { id: 'z' }] })
    expect(server.requests.filter(path => path.endsWith('.wasm'))).toEqual([])
  })
})
