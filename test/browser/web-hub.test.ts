// Models of a hub in Chromium: fetched once, verified, kept by commit; and WebGPU and how it is probed, on a model small enough
// for a GPU that is played in software.
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import type { Stats } from '../../src/web.js'
import { largestDifference, miniLm, miniLmCases, noMiniLm } from '../embedder/node-embedder.js'
import { graphs, tinyFiles, tinyMean } from '../embedder/tiny-model.js'
import { type Content, gitBlob, sha256 } from '../hub-server.js'
import { BASELINE_WASM, type ServeOptions, type TestPage, useBrowser } from './harness.js'
import { useWebAssets } from './web-assets.js'
import type { Failure, Told } from './web-entry.js'

const MODULE = '/web.js'
// Each test opens a model of its own, which takes a busy machine a while.
vi.setConfig({ testTimeout: 180_000 })

const ID = 'org/tiny'
const COMMIT = sha256('commit').slice(0, 40)
const listOf = (id: string) => `/hub/api/models/${id}/revision/main`
const LIST = listOf(ID)
const HUB = { model: ID, hubUrl: '/hub' }

const assets = useWebAssets({ web: 'test/browser/web-entry.ts' })
// MiniLM computes for longer than the optimising compiler takes.
const browser = useBrowser({ without: [BASELINE_WASM] })

/** As the page has it: in float32. */
const mean = (text: string) => [...Float32Array.from(tinyMean(text))]

const contentOf = (value: unknown): Content =>
  typeof value === 'string' || value instanceof Uint8Array ? value : JSON.stringify(value)

/** A hub below `/hub/` with one model, as far as a page asks one. */
function hub(files: Record<string, unknown> = tinyFiles(), id = ID): NonNullable<ServeOptions['files']> {
  const there = Object.entries(files).filter(([, value]) => value !== undefined)
  const contents = there.map(([path, value]) => [path, contentOf(value)] as const)
  const siblings = contents.map(([rfilename, content]) => {
    const size = Buffer.byteLength(content as Uint8Array)
    const large = rfilename.endsWith('.onnx') || rfilename.endsWith('_data')
    return { rfilename, size, blobId: gitBlob(content), ...(large && { lfs: { sha256: sha256(content), size } }) }
  })
  return {
    [listOf(id)]: JSON.stringify({ id, sha: COMMIT, siblings }),
    ...Object.fromEntries(contents.map(([path, content]) => [`/hub/${id}/resolve/${COMMIT}/${path}`, content])),
  }
}

async function pageOn(files: ServeOptions['files'], options: object = {}) {
  const server = await browser.serve({ folders: assets.folders(), ...(files && { files }) })
  const page = await browser.openPage(server.url)
  await page.call(MODULE, 'open', { device: 'wasm', ...HUB, ...options })
  return { server, page }
}

const embed = async (page: TestPage, ...texts: string[]) => page.call<Told>(MODULE, 'embed', texts)
const failureOf = async (page: TestPage) => page.call<Failure>(MODULE, 'failure', 'a b')

describe('a model of a hub in a page', () => {
  it('is fetched with the first text, and never again: not for a reload, nor without the hub', async () => {
    const { server, page } = await pageOn(hub())
    expect(server.requests.filter(path => path.startsWith('/hub'))).toEqual([])
    const told = await embed(page, 'a b', 'c')
    expect(told.vectors).toEqual([mean('a b'), mean('c')])
    expect(server.requests).toContain(LIST)
    await page.call(MODULE, 'close')
    server.requests.splice(0)
    server.fault(LIST, { status: 503 })
    await page.page.reload()
    await page.call(MODULE, 'open', { device: 'wasm', ...HUB, offline: true })
    expect((await embed(page, 'a b')).sources).toEqual(['disk'])
    expect((await embed(page, 'z z')).vectors).toEqual([mean('z z')])
    expect(server.requests.filter(path => path.startsWith('/hub'))).toEqual([])
    const { model } = (await page.call<Stats>(MODULE, 'stats')).embeddings
    expect(model).toEqual({ asked: ID, serves: ID, gaveWay: [] })
  })

  it('is believed only where every byte is as the hub states it', async () => {
    for (const path of ['onnx/model.onnx', 'tokenizer.json']) {
      const url = `/hub/${ID}/resolve/${COMMIT}/${path}`
      const { server, page } = await pageOn({ ...hub(), [url]: `${contentOf(tinyFiles(graphs.pooled())[path])} ` })
      const failed = await failureOf(page)
      expect([failed.code, failed.details.why]).toEqual(['DOWNLOAD', 'integrity'])
      expect(failed.message).toContain(server.url + url)
    }
  })

  it.each([
    { what: 'no such model', files: {}, code: 'MODEL_NOT_FOUND', says: `has no model "${ID}"` },
    {
      what: 'no ONNX file',
      files: hub({ ...tinyFiles(), 'onnx/model.onnx': undefined }),
      code: 'UNSUPPORTED_MODEL',
      says: 'has no fp32 ONNX file',
    },
    {
      what: 'weights beside the graph',
      files: hub({ ...tinyFiles(), 'onnx/model.onnx_data': 'weights' }),
      code: 'UNSUPPORTED_MODEL',
      says: 'which a page cannot open',
    },
    { what: 'a list that is none', files: { [LIST]: '<html>' }, code: 'DOWNLOAD', says: 'is not JSON' },
  ])('$what is told for what it is', async ({ files, code, says }) => {
    const { page } = await pageOn(files)
    const failed = await failureOf(page)
    expect(failed.code).toBe(code)
    expect(failed.message).toContain(says)
  })

  it('gives way to the built-in model where that is allowed, said aloud', async () => {
    const { page } = await pageOn({}, { model: 'low', fallback: true })
    const { vectors } = await embed(page, 'a b')
    expect(vectors[0]).toHaveLength(512)
    const { warnings } = await page.call<{ warnings: string[] }>(MODULE, 'told')
    expect(warnings).toEqual([
      expect.stringMatching(/^model low gives way: .* has no model "sentence-transformers\/paraphrase-MiniLM-L3-v2"/),
      'embedding with builtin (512 dims) in place of low: do not mix vectors of the two',
    ])
    const { model } = (await page.call<Stats>(MODULE, 'stats')).embeddings
    expect(model).toMatchObject({ asked: 'low', serves: 'builtin', gaveWay: [{ name: 'low' }] })
  })

  it('a name that no hub has is refused without asking one', async () => {
    const { server, page } = await pageOn(hub(), { model: '../secrets' })
    expect((await failureOf(page)).code).toBe('MODEL_NOT_FOUND')
    expect(server.requests.filter(path => path.startsWith('/hub'))).toEqual([])
  })
})

describe('a hub of another origin', () => {
  /** The hub on a server of its own, and a page that is to use it. */
  async function elsewhere(headers: Record<string, string>) {
    const hubServer = await browser.serve({ files: hub(), headers })
    const { page } = await pageOn(undefined, { hubUrl: `${hubServer.url}/hub` })
    return { hubServer, page }
  }

  it('serves a page that it lets read', async () => {
    const { hubServer, page } = await elsewhere({
      'Access-Control-Allow-Origin': '*',
      'Cross-Origin-Resource-Policy': 'cross-origin',
    })
    expect((await embed(page, 'a b')).vectors).toEqual([mean('a b')])
    expect(hubServer.requests).toContain(LIST)
    expect(hubServer.requests).toContain(`/hub/${ID}/resolve/${COMMIT}/onnx/model.onnx`)
  })

  it('that lets no page read is told by its address, with what may be the cause', async () => {
    const { hubServer, page } = await elsewhere({})
    const failed = await failureOf(page)
    expect(failed).toMatchObject({ code: 'DOWNLOAD', details: { why: 'unreachable', crossOrigin: true } })
    expect(failed.message).toContain(`${hubServer.url}${LIST}`)
    expect(failed.message).toMatch(
      /\nhttp:\/\/\S+ cannot be reached, or does not let pages of http:\/\/\S+ read from it \(CORS\)$/,
    )
  })
})

describe.skipIf(noMiniLm)(`MiniLM${noMiniLm ? ` (skipped: ${noMiniLm})` : ''}`, () => {
  /** The files of `medium`, as the real hub has them. */
  const files = () =>
    Object.fromEntries(
      readdirSync(miniLm, { recursive: true, withFileTypes: true })
        .filter(entry => entry.isFile() && /\.json$|\/model\.onnx$/.test(join('/', entry.name)))
        .map(entry => join(entry.parentPath, entry.name))
        .map(path => [relative(miniLm, path), readFileSync(path)]),
    )

  it('as `medium` gives the vectors of sentence-transformers', async () => {
    const { page } = await pageOn(hub(files(), 'sentence-transformers/all-MiniLM-L6-v2'), { model: 'medium' })
    const cases = miniLmCases()
    const { vectors } = await embed(page, ...cases.map(({ text }) => text))
    const worst = Math.max(...cases.map(({ vector }, i) => largestDifference(vectors[i]!, vector)))
    console.log(
      `MiniLM in Chromium against sentence-transformers: ${worst.toExponential(1)} over ${cases.length} texts`,
    )
    expect(worst).toBeLessThanOrEqual(1e-5)
  })
})

describe('WebGPU', () => {
  it('serves once it was probed, with the same vectors, and need not prove itself twice', async () => {
    const { server, page } = await pageOn(hub(), { device: 'webgpu' })
    let workers = 0
    page.page.on('worker', () => workers++)
    const told = await embed(page, 'a b', 'c')
    expect(told.devices).toEqual(['webgpu', 'webgpu'])
    expect(told.vectors).toEqual([mean('a b'), mean('c')])
    // One worker fetched the model, one tried the GPU, one serves.
    expect(workers).toBe(3)
    await page.call(MODULE, 'close')
    await page.page.reload()
    await page.call(MODULE, 'open', { device: 'webgpu', ...HUB })
    expect((await embed(page, 'x')).devices).toEqual(['webgpu'])
    expect(workers).toBe(4)
    expect(server.requests.filter(path => path === '/op-dbus/worker.js')).toHaveLength(1)
  })
})
