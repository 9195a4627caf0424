// The short way past Fastify and the usual one are one API: whatever is asked, both answer the same.
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, startDaemon, type TestDaemon } from './daemon.js'

let daemon: TestDaemon
beforeAll(async () => {
  daemon = await startDaemon({ limits: { maxBatch: 4 }, cors: ['https://app.example'] })
  await ask(daemon, '/v1/embeddings', { body: { input: ['cached', 'in', 'memory'] } })
})
afterAll(() => daemon.stop())

/** Only a request whose type is said in the shortest way takes the short one. */
async function bothWays(body: unknown, headers: Record<string, string> = {}) {
  const answers = []
  for (const type of ['application/json', 'application/json; charset=utf-8']) {
    const answer = await ask(daemon, '/v1/embeddings', { body, headers: { ...headers, 'content-type': type } })
    const { date, 'x-request-id': id, ...told } = answer.headers
    expect(id).toMatch(/^\w+-\w+$/)
    answers.push({ status: answer.status, json: answer.json, headers: told })
  }
  return answers as [(typeof answers)[0], (typeof answers)[0]]
}

describe('the short way answers as the usual one', () => {
  it.each([
    ['one text', 200, { input: 'cached' }],
    ['one text, base64', 200, { input: 'cached', encoding_format: 'base64' }],
    ['several', 200, { input: ['cached', 'in', 'memory'], opdbus: true }],
    ['one that is computed', 200, { input: 'zwölf Größen ✓' }],
    ['nothing', 400, {}],
    ['an empty text', 400, { input: '' }],
    ['no text', 400, { input: 7 }],
    ['too many', 400, { input: ['a', 'b', 'c', 'd', 'e'] }],
    ['another model', 404, { input: 'cached', model: 'other' }],
    ['other dimensions', 400, { input: 'cached', dimensions: 3 }],
    ['tokens', 400, { input: [1, 2, 3] }],
    ['no JSON', 400, '{"input": "cached"'],
    ['an empty body', 400, ''],
    ['a prototype', 400, '{"input": "cached", "__proto__": {"model": "x"}}'],
    ['a prototype in disguise', 400, '{"input": "cached", "\\u005f_proto__": {"model": "x"}}'],
    ['a constructor', 400, '{"input": "cached", "constructor": {"prototype": {"a": 1}}}'],
  ])('%s', async (_, status, body) => {
    const [short, usual] = await bothWays(body)
    expect(short.status).toBe(status)
    expect(short.json).toEqual(usual.json)
    if (status >= 400) expect(short.headers['x-content-type-options']).toBe('nosniff')
  })

  it('whatever a body is', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.jsonValue(), fc.record({ input: fc.jsonValue() })), async body => {
        const [short, usual] = await bothWays(JSON.stringify(body))
        expect(short.status).toBe(usual.status)
        expect(short.json).toEqual(usual.json)
      }),
      { numRuns: 100, seed: 15 },
    )
  })

  it('to whom it answers at all', async () => {
    for (const [name, value] of [
      ['host', 'evil.example'],
      ['origin', 'https://evil.example'],
    ] as const) {
      const [short, usual] = await bothWays({ input: 'cached' }, { [name]: value })
      expect([short.status, short.json]).toEqual([403, usual.json])
    }
    const [short, usual] = await bothWays({ input: 'cached' }, { origin: 'https://app.example' })
    expect(short.headers['access-control-allow-origin']).toBe('https://app.example')
    expect(short.headers.vary).toBe(usual.headers.vary)
  })

  it('and counts and logs it as the same route', async () => {
    const before = daemon.context.meters.counts.routes.get('/v1/embeddings')!.micros.count
    await bothWays({ input: 'cached' })
    await expect.poll(() => daemon.context.meters.counts.routes.get('/v1/embeddings')!.micros.count).toBe(before + 2)
    expect(daemon.context.meters.requests.inHand).toBe(0)
  })
})
