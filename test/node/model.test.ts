// Models through the built library: dtypes and dimensions are spaces of their own, a level gives way aloud, odd files are
// refused by name, close ends a download.
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type Caches, openCaches } from 'op-dbus'
import { afterEach, describe, expect, it } from 'vitest'
import { graphs, tinyFiles, tinyMean, writeModel } from '../embedder/tiny-model.js'
import { startHub } from '../hub-server.js'
import { jsonLines, runCli, runScript } from '../processes.js'
import { deferred, temporaryFolder } from '../support.js'

const opened: Caches[] = []
const servers: Server[] = []
afterEach(async () => {
  for (const caches of opened.splice(0)) await caches.close()
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

async function open(dir: string, options: Parameters<typeof openCaches>[0] = {}): Promise<Caches> {
  const caches = await openCaches({ dir, device: 'cpu', onWarning: () => {}, ...options })
  opened.push(caches)
  return caches
}

const model = (changes: Record<string, unknown> = {}) => writeModel(temporaryFolder(), { ...tinyFiles(), ...changes })
const TEXT = 'a b'

describe('what decides a vector decides its space', () => {
  it('dtype and dimensions: none is answered out of another’s vectors, all dims are no cut', async () => {
    const dir = temporaryFolder()
    const folder = model({ 'onnx/model_quantized.onnx': graphs.withTypeIds() })
    const from = async (options: Parameters<typeof openCaches>[0]) => {
      const caches = await open(dir, { model: folder, ...options })
      const { source, vector } = await caches.embeddings.getOrEmbed(TEXT)
      await caches.close()
      return [source, vector.length]
    }
    expect(await from({})).toEqual(['computed', 4])
    expect(await from({ dtype: 'int8' })).toEqual(['computed', 4])
    expect(await from({ dimensions: 3 })).toEqual(['computed', 3])
    expect(await from({ dtype: 'int8', dimensions: 3 })).toEqual(['computed', 3])
    for (const dtype of ['fp32', 'int8'] as const) {
      expect(await from({ dtype, dimensions: 4 })).toEqual(['disk', 4])
      expect(await from({ dtype, dimensions: 3 })).toEqual(['disk', 3])
    }
  })

  it('dimensions keep the leading ones, scaled to length 1', async () => {
    const caches = await open(temporaryFolder(), { model: model(), dimensions: 2 })
    const [x, y] = tinyMean(TEXT) as [number, number]
    const { vector } = await caches.embeddings.getOrEmbed(TEXT)
    expect(vector[0]).toBeCloseTo(x / Math.hypot(x, y), 6)
    expect(vector[1]).toBeCloseTo(y / Math.hypot(x, y), 6)
    const pooled = model({ 'onnx/model.onnx': graphs.pooled() })
    expect(
      (await (await open(temporaryFolder(), { model: pooled, dimensions: 1 })).embeddings.getOrEmbed(TEXT)).vector,
    ).toEqual(Float32Array.of(1))
  })

  it('on the command line', async () => {
    const dir = temporaryFolder()
    const folder = model({ 'onnx/model_int8.onnx': graphs.withTypeIds() })
    const run = (...args: string[]) => runCli(dir, ['embed', TEXT, '--json', '--model', folder, ...args])
    const [whole, cut] = [await run('--dtype', 'int8'), await run('--dtype', 'int8', '--dimensions', '3')]
    expect([whole.stderr, cut.stderr]).toEqual(['', ''])
    expect(jsonLines(whole.stdout)[0]).toMatchObject({ source: 'computed', dims: 4 })
    expect(jsonLines(cut.stdout)[0]).toMatchObject({ source: 'computed', dims: 3 })
    for (const [option, value] of [
      ['--dimensions', '5'],
      ['--dimensions', 'many'],
      ['--dtype', 'q4'],
      ['--pooling', 'cls'],
    ] as const) {
      const { code, stderr } = await run(option, value)
      expect(code, option).toBe(2)
      expect(stderr, option).toMatch(/^op-dbus: /)
    }
  })

  it('pooling, for a conversion that does not say it', async () => {
    const dir = temporaryFolder()
    const folder = model({ 'modules.json': undefined, '1_Pooling/config.json': undefined })
    const refused = await runCli(dir, ['embed', TEXT, '--model', folder])
    expect(refused.code).not.toBe(0)
    expect(refused.stderr).toMatch(/modules\.json is missing.*\n.*--pooling/)
    const { stdout } = await runCli(dir, ['embed', TEXT, '--json', '--model', folder, '--pooling', 'mean'])
    const length = Math.hypot(...tinyMean(TEXT))
    for (const [d, x] of tinyMean(TEXT).entries()) expect(jsonLines(stdout)[0].vector[d]).toBeCloseTo(x / length, 6)
  })
})

describe('a level that cannot serve', () => {
  /** `high` is there, with a graph that no runtime opens. */
  function brokenHigh(): string {
    const models = temporaryFolder()
    const files = { ...tinyFiles(Buffer.from('no graph at all')), 'config.json': { max_position_embeddings: 512 } }
    writeModel(join(models, 'all-mpnet-base-v2'), files)
    return models
  }

  it('is an error with its reason, and its file', async () => {
    const caches = await open(temporaryFolder(), { model: 'high', modelDir: brokenHigh(), offline: true })
    const error = await caches.embeddings.getOrEmbed(TEXT).catch(e => e)
    expect(error).toMatchObject({ code: 'DEVICE_UNAVAILABLE' })
    expect(error.message).toContain('model.onnx')
    expect((await caches.stats()).embeddings.model).toEqual({ asked: 'high', serves: 'high', gaveWay: [] })
  })

  it('gives way where that is allowed: told on the way and in stats, cached as what really ran', async () => {
    const dir = temporaryFolder()
    const env = { HF_HOME: temporaryFolder() }
    const script = (options: string) => `
      const { subscribe } = await import('node:diagnostics_channel')
      let workers = 0
      subscribe('child_process', () => { workers++ })
      const warnings = []
      const caches = await lib.openCaches({ device: 'cpu', onWarning: message => warnings.push(message), ${options} })
      const { source, vector } = await caches.embeddings.getOrEmbed('${TEXT}')
      const { model } = (await caches.stats()).embeddings
      console.log(JSON.stringify({ warnings, workers, source, dims: vector.length, model }))
      await caches.close()`
    const high = `model: 'high', fallback: true, offline: true, modelDir: ${JSON.stringify(brokenHigh())}`
    const run = async (options: string) => {
      const { stdout, stderr } = await runScript(dir, script(options), { env })
      expect(stderr).toBe('')
      return jsonLines(stdout)[0]
    }
    const first = await run(high)
    expect(first).toMatchObject({ source: 'computed', dims: 512, model: { asked: 'high', serves: 'builtin' } })
    expect(first.model.gaveWay.map(({ name }: { name: string }) => name)).toEqual(['high', 'medium', 'low'])
    expect(first.warnings).toHaveLength(4)
    expect(first.warnings[0]).toMatch(/^model high gives way: .*model\.onnx/)
    expect(first.warnings[3]).toMatch(/^embedding with builtin \(512 dims\) in place of high/)
    expect(await run(`model: 'builtin'`)).toMatchObject({ source: 'disk', warnings: [] })
    // `high` is tried again in every process; what is known to open is not opened to find out.
    expect(await run(high)).toMatchObject({ source: 'disk', model: { serves: 'builtin' }, workers: 1 })
  })

  it('on the command line: on stderr, and the vectors come', async () => {
    const env = { OP_DBUS_MODEL_DIR: brokenHigh(), HF_HOME: temporaryFolder() }
    const args = ['embed', TEXT, '--json', '--model', 'high', '--fallback', '--offline', '--device', 'cpu']
    const { code, stdout, stderr } = await runCli(temporaryFolder(), args, { env })
    expect(code).toBe(0)
    expect(stderr).toMatch(/op-dbus: embedding with builtin \(512 dims\) in place of high/)
    expect(jsonLines(stdout)[0]).toMatchObject({ dims: 512 })
  })
})

describe('files that are not what they should be', () => {
  it.each([
    [
      'a graph that is no text encoder',
      { 'onnx/model.onnx': graphs.wrongInput() },
      /onnx\/model\.onnx: .*pixel_values/,
    ],
    [
      'a tokenizer whose vocabulary is a text',
      { 'tokenizer.json': { ...tokenizer(), model: { type: 'WordPiece', vocab: 'abc' } } },
      /tokenizer\.json has a "model\.vocab" \(its vocabulary\) that is no table/,
    ],
    ['a tokenizer that is no JSON', { 'tokenizer.json': '[PAD]\n[UNK]\n' }, /tokenizer\.json is not JSON/],
    [
      'unknown pooling',
      { '1_Pooling/config.json': { word_embedding_dimension: 4, pooling_mode: 'weightedmean' } },
      /1_Pooling\/config\.json pools by weightedmean/,
    ],
  ])('%s', async (_what, changes, message) => {
    const caches = await open(temporaryFolder(), { model: model(changes) })
    const error = await caches.embeddings.getOrEmbed(TEXT).catch(e => e)
    expect(error).toMatchObject({ code: 'UNSUPPORTED_MODEL' })
    expect(error.message).toMatch(message)
  })

  it('a tokenizer without a word for what it does not know: that text fails, the others do not', async () => {
    const { vocab, ...rest } = tokenizer().model
    const words = Object.fromEntries(Object.entries(vocab).filter(([word]) => word !== '[UNK]'))
    const folder = model({ 'tokenizer.json': { ...tokenizer(), added_tokens: [], model: { ...rest, vocab: words } } })
    const caches = await open(temporaryFolder(), { model: folder })
    expect((await caches.embeddings.getOrEmbed(TEXT)).tokens).toBe(4)
    await expect(caches.embeddings.getOrEmbed('7')).rejects.toMatchObject({ code: 'UNSUPPORTED_MODEL' })
  })
})

describe('while a model is fetched', () => {
  /** A hub that takes the question and never answers. */
  async function silentHub(): Promise<{ url: string; asked: Promise<void> }> {
    const asked = deferred<void>()
    const server = createServer(() => asked.resolve())
    servers.push(server)
    await once(server.listen(0, '127.0.0.1'), 'listening')
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked: asked.promise }
  }

  it('the first text fetches it, told in bytes; then it is here with the network gone', async () => {
    const hub = await startHub({ 'test-org/tiny': rawFiles() })
    const dir = temporaryFolder()
    const env = { HF_HOME: temporaryFolder(), HF_ENDPOINT: hub.endpoint }
    const script = `
      const seen = []
      const caches = await lib.openCaches({ device: 'cpu', model: 'test-org/tiny', onDownload: one => seen.push(one) })
      const { vector } = await caches.embeddings.getOrEmbed('${TEXT}')
      console.log(JSON.stringify({ vector: [...vector], last: seen.at(-1) }))
      await caches.close()`
    const first = await runScript(dir, script, { env })
    await hub.close()
    expect(first.stderr).toBe('')
    const { vector, last } = jsonLines(first.stdout)[0]
    for (const [d, x] of tinyMean(TEXT).entries()) expect(vector[d]).toBeCloseTo(x, 5)
    expect(last.done).toBe(last.total)
    const later = await runCli(dir, ['embed', 'c', '--json', '--model', 'test-org/tiny', '--device', 'cpu'], { env })
    expect(later.stderr).toBe('')
    expect(jsonLines(later.stdout)[0]).toMatchObject({ source: 'computed', dims: 4 })
  })

  it('an abort ends only its own wait, close ends the download', async () => {
    const { url, asked } = await silentHub()
    const home = temporaryFolder()
    const before = process.env.HF_ENDPOINT
    process.env.HF_ENDPOINT = url
    try {
      const caches = await open(temporaryFolder(), { model: 'test-org/nowhere', modelDir: home, offline: false })
      const controller = new AbortController()
      const aborted = caches.embeddings.getOrEmbed(TEXT, { signal: controller.signal })
      const waiting = caches.embeddings.getOrEmbed('c').catch(e => e)
      await asked
      controller.abort()
      await expect(aborted).rejects.toMatchObject({ code: 'ABORTED' })
      await caches.close()
      expect(await waiting).toMatchObject({ code: 'CLOSED' })
    } finally {
      if (before === undefined) delete process.env.HF_ENDPOINT
      else process.env.HF_ENDPOINT = before
      rmSync(home, { recursive: true, force: true })
    }
  })
})

/** The tiny model as a hub serves it. */
function rawFiles(): Record<string, string | Uint8Array> {
  return Object.fromEntries(
    Object.entries(tinyFiles()).map(([path, content]) => [
      path,
      content instanceof Uint8Array ? content : JSON.stringify(content),
    ]),
  )
}

// biome-ignore lint/suspicious/noExplicitAny: the tiny tokenizer is a JSON file
function tokenizer(): any {
  return tinyFiles()['tokenizer.json']
}
