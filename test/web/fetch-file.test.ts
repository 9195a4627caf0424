// A download that is cut goes on where it was, for some time; what never began is told at once.
import { createHash } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { fetchFile } from '../../src/web/fetch-file.js'
import { type ServeOptions, startServer, type TestServer } from '../browser/static-server.js'
import { heldTimer, instantTimer } from './played-browser.js'

const BODY = 'x'.repeat(40_000) + 'y'.repeat(60_000)
const digest = createHash('sha256').update(BODY).digest('hex')

let server: TestServer | undefined
afterEach(() => server?.close())

async function start(options: ServeOptions = {}): Promise<TestServer> {
  server = await startServer({ files: { '/big.bin': BODY }, ...options })
  return server
}

async function get(from: TestServer, ref: object = { digest, bytes: BODY.length }, call: object = {}) {
  const { timer, waits } = instantTimer()
  const file = { url: `${from.url}/big.bin`, digest: undefined, ...ref }
  const bytes = await fetchFile(file, 'default', { timer, ...call })
  return { text: new TextDecoder().decode(bytes), waits }
}

describe('a connection that is cut', () => {
  it('goes on where it was, where the server gives parts', async () => {
    const at = await start()
    at.fault('/big.bin', { cutAt: 30_000, times: 2 })
    const seen: number[] = []
    const { text, waits } = await get(at, undefined, { onBytes: (done: number) => seen.push(done) })
    expect(text === BODY).toBe(true)
    expect(at.parts).toEqual(['/big.bin bytes=30000-', '/big.bin bytes=60000-'])
    expect(waits).toHaveLength(2)
    expect(seen).toEqual([...seen].sort((a, b) => a - b))
  })

  it.each([
    { what: 'the server gives no parts', options: { ranges: false }, ref: undefined },
    { what: 'nothing would tell whether parts fit', options: {}, ref: {} },
  ])('starts again where $what', async ({ options, ref }) => {
    const at = await start(options)
    at.fault('/big.bin', { cutAt: 30_000, times: 2 })
    expect((await get(at, ref)).text === BODY).toBe(true)
    expect(at.requests).toHaveLength(3)
  })

  it('is given up after some tries, and told as what it is', async () => {
    const at = await start({ ranges: false })
    at.fault('/big.bin', { cutAt: 30_000 })
    await expect(get(at)).rejects.toMatchObject({
      code: 'DOWNLOAD',
      message: expect.stringMatching(/the connection was cut after 30000 of 100000 bytes, 4 times$/),
      details: { why: 'unreachable', received: 30_000 },
    })
    expect(at.requests).toHaveLength(4)
    // The last time asks for no part: a server may refuse other origins' pages that.
    expect(at.parts).toHaveLength(2)
  })

  it('does not keep a caller who gives up in a pause', async () => {
    const at = await start()
    at.fault('/big.bin', { cutAt: 30_000 })
    const controller = new AbortController()
    const timer = () => {
      queueMicrotask(() => controller.abort())
      return () => undefined
    }
    await expect(get(at, undefined, { timer, signal: controller.signal })).rejects.toMatchObject({ code: 'ABORTED' })
    expect(at.requests).toHaveLength(1)
  })
})

it('what never began is not tried again: nobody answers, or the answer is no', async () => {
  const at = await start()
  at.fault('/big.bin', { status: 503 })
  const { timer, fire } = heldTimer()
  await expect(get(at, undefined, { timer })).rejects.toMatchObject({ details: { why: 'refused', status: 503 } })
  await at.close()
  server = undefined
  await expect(get(at, undefined, { timer })).rejects.toMatchObject({
    details: { why: 'unreachable', crossOrigin: true },
  })
  expect(fire()).toEqual([])
})
