// Files by their digest: fetched once for all who want them at once, and what to do where they are not whole.
import { createHash } from 'node:crypto'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { FileCache, type FileCacheParts } from '../../src/web/file-cache.js'
import { startServer, type TestServer } from '../browser/static-server.js'
import { instantTimer, playedCaches, playedLocks } from './played-browser.js'

const BODY = 'some bytes'
const digest = createHash('sha256').update(BODY).digest('hex')

let server: TestServer
beforeEach(async () => {
  server = await startServer({ files: { '/file.bin': BODY } })
})
afterEach(() => server.close())

const fileCache = (parts: Partial<FileCacheParts>) =>
  new FileCache({ caches: undefined, timer: instantTimer().timer, warn: () => undefined, ...parts })
const file = (change: object = {}) => ({ url: `${server.url}/file.bin`, digest, bytes: BODY.length, ...change })

it('tabs that want one file at once fetch it once', async () => {
  const shared = { caches: playedCaches(), locks: playedLocks() }
  const texts = await Promise.all([1, 2, 3].map(() => fileCache(shared).text(file())))
  expect(texts).toEqual([BODY, BODY, BODY])
  expect(server.requests).toEqual(['/file.bin'])
})

it('one that fails lets the next one try', async () => {
  const shared = { caches: playedCaches(), locks: playedLocks() }
  server.fault('/file.bin', { status: 500 })
  const [first, second] = [fileCache(shared).text(file()), fileCache(shared).text(file())]
  await expect(first).rejects.toMatchObject({ details: { why: 'refused' } })
  server.fault('/file.bin', undefined)
  await second.catch(() => undefined)
  expect(server.requests).toHaveLength(2)
})

it('where a browser refuses locks, each fetches for itself', async () => {
  const locks = { request: async () => Promise.reject(new DOMException('no', 'SecurityError')) }
  const parts = { caches: playedCaches(), locks: locks as unknown as LockManager }
  expect(await fileCache(parts).text(file())).toBe(BODY)
})

it('who gives up waiting for another is let go', async () => {
  const controller = new AbortController()
  const locks = {
    request: (_: string, { signal }: { signal: AbortSignal }) =>
      new Promise((_, reject) => {
        if (signal.aborted) reject(signal.reason)
        signal.addEventListener('abort', () => reject(signal.reason))
      }),
  }
  const parts = { caches: playedCaches(), locks: locks as unknown as LockManager }
  const waiting = fileCache(parts).text(file(), { signal: controller.signal })
  controller.abort()
  await expect(waiting).rejects.toMatchObject({ code: 'ABORTED' })
  expect(server.requests).toEqual([])
})

it('a file that is not whole, or not there, says how much there is and what to do', async () => {
  const advice = 'run something'
  server.fault('/file.bin', { body: 'some' })
  await expect(fileCache({}).text(file({ advice }))).rejects.toMatchObject({
    message: expect.stringMatching(/it does not hash to .*: it has 4 bytes of 10\nrun something$/),
  })
  server.fault('/file.bin', { status: 404 })
  await expect(fileCache({}).text(file({ advice }))).rejects.toMatchObject({
    message: expect.stringMatching(/answers 404\nrun something$/),
    details: { status: 404 },
  })
})

it('that nothing is kept is told once, whoever finds out', async () => {
  const told: string[] = []
  const one = fileCache({ warn: message => told.push(message) })
  await one.text(file())
  one.warnOnce('a worker says so as well')
  expect(told).toEqual([expect.stringContaining('no Cache API')])
})
