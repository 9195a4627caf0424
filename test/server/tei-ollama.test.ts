// `/embed` as text-embeddings-inference has it and `/api/embed` as Ollama has it: what they refuse, and how. Their clients are in clients.test.ts.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, fakeVector, startDaemon, type TestDaemon } from './daemon.js'

let daemon: TestDaemon
beforeAll(async () => {
  // Vectors of length 3, which both APIs scale to 1.
  const embedder = {
    space: 'long',
    dims: 8,
    embed: async (texts: readonly string[]) =>
      Float32Array.from(texts.flatMap(text => [...fakeVector(text)].map(x => 3 * x))),
  }
  daemon = await startDaemon({ embedder, limits: { maxBatch: 4 } })
})
afterAll(() => daemon.stop())

const post = (path: string, body: unknown) => ask(daemon, path, { body })
const expectUnit = (rows: number[][]) => {
  for (const row of rows) expect(Math.hypot(...row)).toBeCloseTo(1, 5)
}

describe('text-embeddings-inference', () => {
  it('vectors of length 1, as bare arrays', async () => {
    for (const inputs of ['a', ['a', 'b']]) {
      const { json } = await post('/embed', { inputs, truncate: null, normalize: true, prompt_name: null, options: {} })
      expect(json).toHaveLength([inputs].flat().length)
      expectUnit(json)
      expect(json[0][0]).toBeCloseTo(fakeVector('a')[0]!, 5)
    }
    // The library's own are as they are.
    const { json } = await post('/v1/embeddings', { input: 'a' })
    expect(Math.hypot(...json.data[0].embedding)).toBeCloseTo(3, 5)
  })

  it.each<[string, unknown, number, string]>([
    ['nothing', { inputs: [] }, 400, 'Empty'],
    ['an empty text', { inputs: '' }, 400, 'Empty'],
    ['no inputs', {}, 400, 'Empty'],
    ['an empty text among others', { inputs: ['a', ''] }, 422, 'Validation'],
    ['token ids', { inputs: [1, 2] }, 422, 'Validation'],
    ['too many', { inputs: ['a', 'b', 'c', 'd', 'e'] }, 413, 'Validation'],
    ['not scaled', { inputs: 'a', normalize: false }, 422, 'Validation'],
    ['a prompt', { inputs: 'a', prompt_name: 'query' }, 422, 'Validation'],
    ['cut on the left', { inputs: 'a', truncation_direction: 'Left' }, 422, 'Validation'],
    ['other dimensions', { inputs: 'a', dimensions: 4 }, 422, 'Validation'],
    ['a field that nobody knows', { inputs: 'a', prompt: 'query' }, 422, 'Validation'],
    ['another spelling', { input: 'a' }, 422, 'Validation'],
    ['another encoding', { inputs: 'a', encoding_format: 'base64' }, 422, 'Validation'],
    ['truncate as a text', { inputs: 'a', truncate: 'yes' }, 422, 'Validation'],
    ['a list', [], 422, 'Validation'],
  ])('refuses %s', async (_, body, status, error_type) => {
    expect(await post('/embed', body)).toMatchObject({ status, json: { error: expect.any(String), error_type } })
  })

  it('tells what it is, and whether it embeds', async () => {
    expect((await ask(daemon, '/info')).json).toMatchObject({ model_id: 'long', max_client_batch_size: 4 })
    expect((await ask(daemon, '/health')).status).toBe(200)
  })
})

describe('Ollama', () => {
  it('vectors of length 1, with what it took', async () => {
    const { json } = await post('/api/embed', {
      model: 'long:latest',
      input: ['a', 'b'],
      options: {},
      keep_alive: '5m',
    })
    expect(json).toMatchObject({ model: 'long', load_duration: 0, prompt_eval_count: 0 })
    expect(json.total_duration).toBeGreaterThan(0)
    expectUnit(json.embeddings)
  })

  it('nothing of nothing', async () => {
    for (const input of [[], '', undefined]) {
      expect((await post('/api/embed', { model: 'long', input })).json.embeddings).toEqual([])
    }
    expect((await post('/api/embeddings', { model: 'long', prompt: '' })).json).toEqual({ embedding: [] })
  })

  it.each<[string, unknown, number]>([
    ['another model', { model: 'llama3', input: 'a' }, 404],
    ['token ids', { model: 'long', input: [1, 2] }, 400],
    ['an empty text among others', { model: 'long', input: ['a', ''] }, 400],
    ['other dimensions', { model: 'long', input: 'a', dimensions: 4 }, 400],
    ['dimensions that are no number', { model: 'long', input: 'a', dimensions: '' }, 400],
    ['the field of the older API', { model: 'long', prompt: 'a' }, 400],
    ['two models', { model: 'llama3', name: 'long', input: 'a' }, 400],
    ['options that are none', { input: 'a', options: 'num_ctx' }, 400],
    ['a number as model', { model: 5, input: 'a' }, 400],
    ['too many', { model: 'long', input: ['a', 'b', 'c', 'd', 'e'] }, 400],
  ])('refuses %s', async (_, body, status) => {
    const answer = await post('/api/embed', body)
    expect(answer.status).toBe(status)
    expect(answer.json).toEqual({ error: expect.any(String) })
  })

  it('version, list and one model', async () => {
    expect((await ask(daemon, '/api/version')).json.version).toMatch(/^\d+\.\d+\.\d+/)
    expect((await ask(daemon, '/api/tags')).json.models).toMatchObject([{ name: 'long:latest', model: 'long:latest' }])
    expect((await post('/api/show', { name: 'long' })).json).toMatchObject({ capabilities: ['embedding'] })
  })
})
