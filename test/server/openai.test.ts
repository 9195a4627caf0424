// `/v1/embeddings` and `/v1/models`, as a client of OpenAI's API sees them: answers, refusals, limits, and what peers' users reported.
import fc from 'fast-check'
import { Tiktoken } from 'js-tiktoken/lite'
import cl100kBase from 'js-tiktoken/ranks/cl100k_base'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, ask, fakeEmbedder, fakeVector, startDaemon, type TestDaemon } from './daemon.js'

let daemon: TestDaemon
beforeAll(async () => {
  daemon = await startDaemon({ limits: { maxBatch: 2048 } })
})
afterAll(() => daemon.stop())

const post = (body: unknown, headers = {}) => ask(daemon, '/v1/embeddings', { body, headers })
const floats = (base64: string) => {
  const bytes = Buffer.from(base64, 'base64')
  return Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(4 * i))
}
const vectorsIn = ({ json }: Answer) => json.data.map((row: { embedding: number[] }) => row.embedding)
const plain = (text: string) => [...fakeVector(text)]

describe('an embedding', () => {
  it('of one text has the form that clients read', async () => {
    const answer = await post({ input: 'eth0 is up', model: 'fake' })
    expect(answer).toMatchObject({ status: 200, headers: { 'content-type': 'application/json; charset=utf-8' } })
    expect(answer.json).toEqual({
      object: 'list',
      data: [{ object: 'embedding', index: 0, embedding: plain('eth0 is up') }],
      model: 'fake',
      usage: { prompt_tokens: 0, total_tokens: 0 },
    })
    expect(answer.headers).not.toHaveProperty('x-opdbus-sources')
  })

  it('is the same as base64, and as floats by default', async () => {
    const input = ['eth0 is up', 'eth1 is down']
    const answer = await post({ input, model: 'fake', encoding_format: 'base64' })
    expect(answer.json.data.map((row: { embedding: string }) => floats(row.embedding))).toEqual(input.map(plain))
    expect(vectorsIn(await post({ input, encoding_format: 'float' }))).toEqual(input.map(plain))
  })

  it('of many keeps their order and index, whichever were cached', async () => {
    await post({ input: ['b', 'd'] })
    const input = ['a', 'b', 'c', 'd', 'a', 'e']
    const answer = await post({ input, opdbus: true })
    expect(vectorsIn(answer)).toEqual(input.map(plain))
    expect(answer.json.data.map((row: { index: number }) => row.index)).toEqual([0, 1, 2, 3, 4, 5])
    expect(answer.json.data.map((row: { opdbus: unknown }) => row.opdbus)).toEqual(
      ['computed', 'memory', 'computed', 'memory', 'memory', 'computed'].map(source => ({
        source,
        device: 'custom',
        tokens: 0,
        truncated: false,
      })),
    )
    expect(answer.headers['x-opdbus-sources']).toBe('memory=3, computed=3')
  })

  it('says where it came from for a header as well, and the second time computes nothing', async () => {
    const first = await post({ input: 'twice' }, { 'x-opdbus-sources': '1' })
    expect(first.headers['x-opdbus-sources']).toBe('computed=1')
    const before = daemon.embedder.computed.length
    const second = await post({ input: ['twice'] }, { 'x-opdbus-sources': '1' })
    expect(second.headers['x-opdbus-sources']).toBe('memory=1')
    expect(second.json.data[0].opdbus.source).toBe('memory')
    expect(daemon.embedder.computed).toHaveLength(before)
    expect(vectorsIn(second)).toEqual(vectorsIn(first))
  })

  it('takes what may be left out as null, ignores the user, and takes 2,048 texts', async () => {
    const nothing = { model: null, encoding_format: null, dimensions: null, user: null, truncate_prompt_tokens: null }
    expect((await post({ input: 'x', ...nothing })).status).toBe(200)
    expect((await post({ input: 'x', user: 'somebody', dimensions: 8, truncate_prompt_tokens: -1 })).status).toBe(200)
    const input = Array.from({ length: 2048 }, (_, i) => `text ${i % 1000}`)
    expect(vectorsIn(await post({ input }))).toEqual(input.map(plain))
  })

  it('of any text is that of the text', async () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
    await fc.assert(
      fc.asyncProperty(fc.array(text, { minLength: 1, maxLength: 20 }), async input => {
        const answer = await post({ input, encoding_format: 'base64' })
        expect(answer.json.data.map((row: { embedding: string }) => floats(row.embedding))).toEqual(input.map(plain))
      }),
      { numRuns: 20 },
    )
  })
})

describe('what is refused', () => {
  const long = Array.from({ length: 2049 }, () => 'x')
  it.each<[string, unknown, string | null, string]>([
    ['no input', { model: 'fake' }, 'input', 'missing_required_parameter'],
    ['null', { input: null }, 'input', 'missing_required_parameter'],
    ['an empty text', { input: '' }, 'input', 'empty_string'],
    ['an empty text among others', { input: ['a', ''] }, 'input', 'empty_string'],
    ['no texts', { input: [] }, 'input', 'empty_array'],
    ['too many texts', { input: long }, 'input', 'array_above_max_length'],
    ['a number', { input: 1 }, 'input', 'invalid_type'],
    ['texts and numbers', { input: ['a', 1] }, 'input', 'invalid_type'],
    ['numbers and texts', { input: [1, 'a'] }, 'input', 'invalid_type'],
    ['an object', { input: { text: 'a' } }, 'input', 'invalid_type'],
    ['a null among texts', { input: ['a', null] }, 'input', 'invalid_type'],
    ['token ids', { input: [1, 2] }, 'input', 'token_arrays_unsupported'],
    ['arrays of token ids', { input: [[1, 2], [3]] }, 'input', 'token_arrays_unsupported'],
    ['an empty token array', { input: [[1], []] }, 'input', 'empty_array'],
    ['other dimensions', { input: 'a', dimensions: 4 }, 'dimensions', 'invalid_value'],
    ['dimensions as a text', { input: 'a', dimensions: '8' }, 'dimensions', 'invalid_value'],
    ['no dimensions', { input: 'a', dimensions: 0 }, 'dimensions', 'invalid_value'],
    ['another encoding', { input: 'a', encoding_format: 'int8' }, 'encoding_format', 'invalid_value'],
    ['a number as model', { input: 'a', model: 1 }, 'model', 'invalid_value'],
    ['a user that is no text', { input: 'a', user: 1 }, 'user', 'invalid_value'],
    ['another limit', { input: 'a', truncate_prompt_tokens: 16 }, 'truncate_prompt_tokens', 'invalid_value'],
    ['what may change a vector', { input: 'a', input_type: 'query' }, 'input_type', 'unknown_parameter'],
    ['what may be a text', { input: 'a', 'a text': 1 }, null, 'unknown_parameter'],
    ['an array', ['a'], null, 'invalid_type'],
  ])('%s', async (_, body, param, code) => {
    const { status, json } = await post(body)
    expect([status, json.error]).toMatchObject([400, { type: 'invalid_request_error', param, code }])
    expect(Object.keys(json.error).sort()).toEqual(['code', 'message', 'param', 'type'])
  })

  it('names the switch of clients that send token arrays, and ours', async () => {
    const { message } = (await post({ input: [[9906, 1917]] })).json.error
    expect(message).toContain('check_embedding_ctx_length=False')
    expect(message).toContain('--token-arrays cl100k_base')
  })

  it('a model that is not here, without repeating its name', async () => {
    const { status, json } = await post({ input: 'a', model: 'text-embedding-3-small' })
    expect([status, json.error]).toMatchObject([404, { code: 'model_not_found', param: 'model' }])
    expect(json.error.message).toMatch(/there is: fake\..*--alias NAME=fake/)
  })

  it('what is no JSON, in the same form', async () => {
    const { status, json } = await post('{"input": "secret text')
    expect([status, json.error.type]).toEqual([400, 'invalid_request_error'])
    expect(json.error.message).not.toContain('secret')
    expect((await post('{"input":"a","__proto__":{"model":"x"}}')).status).toBe(400)
  })

  it('nothing of it is computed', () => {
    expect(daemon.embedder.computed).not.toContain('a text')
  })
})

describe('token arrays, where they are taken', () => {
  it('are the texts that they were made of; what is no token is refused', async () => {
    const other = await startDaemon({ tokenArrays: 'cl100k_base' })
    const of = (input: unknown) => ask(other, '/v1/embeddings', { body: { input } })
    const tokenizer = new Tiktoken(cl100kBase)
    const texts = ['eth0 is up', 'Größe: 5 µm ✓ 漢字 👩‍🚀', '  \n\tcode();', '<|endoftext|>', '\uFEFFmark']
    const ids = texts.map(text => tokenizer.encode(text, [], []))
    expect(vectorsIn(await of(ids))).toEqual(texts.map(plain))
    expect(vectorsIn(await of(ids[0]))).toEqual([plain(texts[0]!)])
    const half = tokenizer.encode('🪿').slice(0, 1)
    for (const input of [half, [100_256], [100_257], [[1], [200_000]], [[-1]], [1.5], [[1, 'a']], ['a', [1]]]) {
      const { status, json } = await of(input)
      expect([status, json.error.param]).toEqual([400, 'input'])
    }
    expect(other.embedder.computed).toEqual(texts)
    await other.stop()
  })

  it('are bounded before anything of them is decoded, and in what they come to', async () => {
    const other = await startDaemon({ tokenArrays: 'cl100k_base', limits: { bodyBytes: 900_000 } })
    const of = async (input: unknown) => {
      const { status, json } = await ask(other, '/v1/embeddings', { body: { input } })
      return `${status} ${json.error?.code}`
    }
    // One token that is 128 letters.
    const ids = (count: number) => new Array<number>(count).fill(58_040)
    expect(await of(ids(8_193))).toBe('400 array_above_max_length')
    expect(await of(new Array(37).fill(new Array(8_192).fill(1)))).toBe('400 max_tokens_per_request')
    expect(await of(ids(8_192))).toBe('413 request_too_large')
    expect(other.embedder.computed).toEqual([])
    expect(await of(ids(1_000))).toBe('200 undefined')
    await other.stop()
  })
})

describe('models', () => {
  it('are listed, and one is told', async () => {
    const { json } = await ask(daemon, '/v1/models')
    expect(json).toEqual({
      object: 'list',
      data: [{ id: 'fake', object: 'model', created: expect.any(Number), owned_by: 'op-dbus', root: 'fake' }],
    })
    expect((await ask(daemon, '/v1/models/fake')).json).toEqual(json.data[0])
    expect(await ask(daemon, '/v1/models', { method: 'HEAD' })).toMatchObject({ status: 200, text: '' })
    expect((await ask(daemon, '/v1/models/other')).json.error.code).toBe('model_not_found')
  })
})

describe('an embedder that fails', () => {
  it('is told, and the next batch is served', async () => {
    const other = await startDaemon({
      embedder: {
        space: 'moody',
        dims: 8,
        maxBatch: 1,
        async embed([text]) {
          if (text === 'bad') throw new Error('it holds: bad')
          if (text === 'nan') return new Float32Array(8).fill(Number.NaN)
          return fakeVector(text!)
        },
      },
    })
    const of = (input: unknown, encoding_format = 'base64') =>
      ask(other, '/v1/embeddings', { body: { input, encoding_format } })
    for (const input of ['bad', ['good', 'bad'], 'nan', ['good', 'nan']]) {
      const { status, json } = await of(input)
      expect([status, json.error.type]).toEqual([500, 'server_error'])
      expect(json.error.message).not.toContain('holds')
    }
    expect(
      (await of(['good', 'better'], 'float')).json.data.map((row: { embedding: unknown }) => row.embedding),
    ).toEqual(['good', 'better'].map(plain))
    // NaN is asked for anew: it was not kept.
    expect((await of('nan')).status).toBe(500)
    await other.stop()
  })
})

describe('many at once', () => {
  it('200 clients with repeated texts: each text is computed once', async () => {
    const before = daemon.embedder.computed.length
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, client) => {
        const input = Array.from({ length: 5 }, (_, i) => `line ${(7 * client + i) % 40} of all`)
        return post({ input, encoding_format: client % 2 ? 'float' : 'base64' }).then(answer => ({
          input,
          answer,
          client,
        }))
      }),
    )
    for (const { input, answer, client } of answers) {
      const vectors = vectorsIn(answer)
      expect(client % 2 ? vectors : vectors.map(floats)).toEqual(input.map(plain))
    }
    const computed = daemon.embedder.computed.slice(before)
    expect(computed).toHaveLength(40)
    expect(new Set(computed).size).toBe(40)
  })

  it('who leaves drops what nobody else waits for; what others wait for goes on', async () => {
    const asked: string[][] = []
    const dropped: string[] = []
    let release = () => {}
    let arrived = () => {}
    let leave = () => {}
    const held = new Promise<void>(resolve => (release = resolve))
    const first = new Promise<void>(resolve => (arrived = resolve))
    const gone = new Promise<void>(resolve => (leave = resolve))
    const other = await startDaemon({
      embedder: {
        space: 'slow',
        dims: 8,
        maxBatch: 1,
        async embed(texts, { signal }) {
          asked.push([...texts])
          signal.addEventListener('abort', () => {
            dropped.push(...texts)
            leave()
          })
          arrived()
          await Promise.race([held, gone])
          const matrix = new Float32Array(8 * texts.length)
          for (const [row, text] of texts.entries()) matrix.set(fakeVector(text), 8 * row)
          return matrix
        },
      },
    })
    const leaving = new AbortController()
    const request = (input: unknown, signal?: AbortSignal) =>
      fetch(`${other.url}/v1/embeddings`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ input }),
        ...(signal && { signal }),
      })
    const left = request(['only mine', 'queued'], leaving.signal).catch(() => 'left')
    await first
    leaving.abort()
    await gone
    release()
    expect(await left).toBe('left')
    const after = await request('after')
    expect(after.status).toBe(200)
    expect(dropped).toEqual(['only mine'])
    // Whatever was still waiting for its turn is not computed.
    expect(asked).toEqual([['only mine'], ['after']])
    await other.stop()
  })

  it('a full queue is 429 with a time, and what was in hand is answered', async () => {
    let release = () => {}
    let arrived = () => {}
    const held = new Promise<void>(resolve => (release = resolve))
    const first = new Promise<void>(resolve => (arrived = resolve))
    const other = await startDaemon({
      maxQueue: 2,
      embedder: {
        space: 'held',
        dims: 8,
        maxBatch: 1,
        async embed([text]) {
          arrived()
          await held
          return fakeVector(text!)
        },
      },
    })
    const of = (input: string) => ask(other, '/v1/embeddings', { body: { input } })
    const one = of('one')
    await first
    const refused: Answer[] = []
    // There is room for one more of these three: for which, is up to the network.
    const others = ['two', 'three', 'four'].map(async text => {
      const answer = await of(text)
      if (answer.status === 429 && refused.push(answer) === 2) release()
      return answer.status
    })
    expect((await Promise.all(others)).sort()).toEqual([200, 429, 429])
    expect((await one).status).toBe(200)
    for (const { headers, json } of refused)
      expect([headers['retry-after'], json.error.type]).toEqual(['1', 'rate_limit_error'])
    await other.stop()
  })

  it('of one bound for all: batches are refused like a single text, and one that was let in is answered whole', async () => {
    let release = () => {}
    let arrived = () => {}
    const held = new Promise<void>(resolve => (release = resolve))
    const first = new Promise<void>(resolve => (arrived = resolve))
    const embedder = fakeEmbedder()
    const other = await startDaemon({
      maxQueue: 2,
      embedder: {
        ...embedder,
        async embed(texts) {
          arrived()
          await held
          return embedder.embed(texts)
        },
      },
    })
    const of = (input: string | string[]) => ask(other, '/v1/embeddings', { body: { input } })
    // Larger than the queue.
    const letIn = of(['one', 'two', 'three', 'four'])
    await first
    const { status, json } = await of(['five', 'six'])
    expect([status, json.error.type]).toEqual([429, 'rate_limit_error'])
    expect((await of('seven')).status).toBe(429)
    const { write } = other
    for (const [path, body] of [
      ['/api/cache/warm', { texts: ['eight', 'nine'] }],
      ['/api/rows', { texts: ['ten', 'eleven'], space: (await ask(other, '/api/models')).json[0].space }],
    ] as const)
      expect([path, (await ask(other, path, { body, headers: write })).status]).toEqual([path, 429])
    release()
    expect((await letIn).json.data).toHaveLength(4)
    expect((await of(['five', 'six'])).status).toBe(200)
    expect(embedder.computed).toEqual(['one', 'two', 'three', 'four', 'five', 'six'])
    await other.stop()
  })
})
