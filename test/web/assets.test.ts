// What is kept must not wait for a server: the manifest as it was read last stands in where none answers soon, or well.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readAssets } from '../../src/web/assets.js'
import { FileCache } from '../../src/web/file-cache.js'
import { placesOf } from '../../src/web/options.js'
import { type Fault, startServer, type TestServer } from '../browser/static-server.js'
import { heldTimer, playedCaches } from './played-browser.js'

const PATH = '/assets/op-dbus-assets.json'
const FILES = { 'worker.js': { bytes: 3, sha256: 'a'.repeat(64) } }
const manifest = (name: string) => JSON.stringify({ version: 1, package: name, files: FILES })

let server: TestServer
beforeEach(async () => {
  server = await startServer({ files: { [PATH]: manifest('0.0.0-source') } })
})
afterEach(() => server.close())

function visitor() {
  const { timer, fire } = heldTimer()
  const fileCache = new FileCache({ caches: playedCaches(), timer, warn: () => undefined })
  const places = placesOf({ assetsUrl: '/assets' }, 'https://app.example/web.js', `${server.url}/`)
  return { fire, fileCache, read: (signal?: AbortSignal) => readAssets(places, fileCache, { timer, signal }) }
}

/** Lets time run out as soon as the server was asked. */
async function whenAsked(times: number, fire: () => number[]): Promise<number[]> {
  while (server.requests.length < times) await new Promise(setImmediate)
  return fire()
}

const NEVER: Fault = { after: new Promise(() => undefined) }

describe('with a manifest of an earlier visit', () => {
  it.each<[string, Fault]>([
    ['an error', { status: 500 }],
    ['no file', { status: 404 }],
    ['a start page', { body: '<html>' }],
    ['half of it', { cutAt: 10 }],
  ])('a server that answers with %s is done without', async (_, fault) => {
    const { read } = visitor()
    await read()
    server.fault(PATH, fault)
    expect((await read()).file('worker.js')).toMatchObject({ digest: 'a'.repeat(64), bytes: 3 })
  })

  it('a server that never answers is waited for a few seconds', async () => {
    const { read, fire } = visitor()
    await read()
    server.fault(PATH, NEVER)
    const reading = read()
    expect(await whenAsked(2, fire)).toEqual([3_000])
    expect((await reading).file('worker.js')).toBeDefined()
  })

  it('files of another version are refused all the same', async () => {
    const { read } = visitor()
    await read()
    server.fault(PATH, { body: manifest('9.9.9') })
    await expect(read()).rejects.toMatchObject({ code: 'DOWNLOAD', details: { stale: true } })
  })
})

describe('without one', () => {
  it('a server that never answers is waited for longer, and told', async () => {
    const { read, fire } = visitor()
    server.fault(PATH, NEVER)
    const reading = read()
    expect(await whenAsked(1, fire)).toEqual([30_000])
    const assets = await reading
    expect(() => assets.folder('models/')).toThrow(
      expect.objectContaining({ code: 'DOWNLOAD', message: expect.stringContaining('no answer within 30 s') }),
    )
  })

  it('one of another version that was kept does not stand in', async () => {
    const { read, fileCache } = visitor()
    await fileCache.setNote(server.url + PATH, JSON.parse(manifest('0.0.1')))
    server.fault(PATH, { status: 500 })
    const assets = await read()
    expect(() => assets.folder('models/')).toThrow(expect.objectContaining({ message: expect.stringContaining('500') }))
  })
})

it('a caller that gives up is let go', async () => {
  const { read } = visitor()
  server.fault(PATH, NEVER)
  const controller = new AbortController()
  const reading = read(controller.signal)
  await whenAsked(1, () => [])
  controller.abort()
  await expect(reading).rejects.toMatchObject({ code: 'ABORTED' })
})
