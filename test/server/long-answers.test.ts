// Answers of very many rows: made and sent in parts, the same as at once, and nobody has to wait for them.
import { once } from 'node:events'
import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { textInParts, wholeText } from '../../src/server/long-answer.js'
import { vectorList } from '../../src/server/vector-text.js'
import { ask, fakeEmbedder, fakeVector, startDaemon, type TestDaemon } from './daemon.js'

const DIMS = 96
const texts = Array.from({ length: 2048 }, (_, i) => `t${i % 50}`)
const vectors = texts.map(one => [...fakeVector(one, DIMS)])

let daemon: TestDaemon
beforeAll(async () => {
  daemon = await startDaemon({ embedder: fakeEmbedder(DIMS), limits: { maxBatch: 2048 } })
})
afterAll(() => daemon.stop())

const fromBase64 = (base64: string) => [...new Float32Array(new Uint8Array(Buffer.from(base64, 'base64')).buffer)]

it.each([
  ['/v1/embeddings', { input: texts, opdbus: true }],
  ['/v1/embeddings', { input: texts, encoding_format: 'base64' }],
  ['/embed', { inputs: texts }],
  ['/api/embed', { input: texts }],
])('%s answers every row, in order', async (path, body) => {
  const { status, headers, json } = await ask(daemon, path, { body })
  expect([status, headers['transfer-encoding']]).toEqual([200, 'chunked'])
  expect(headers['content-type']).toBe('application/json; charset=utf-8')
  const rows = json.data?.map(({ embedding }: { embedding: number[] | string }) => embedding) ?? json.embeddings ?? json
  expect(rows.map((row: number[] | string) => (typeof row === 'string' ? fromBase64(row) : row))).toEqual(vectors)
  if (json.data) expect(json.data.map(({ index }: { index: number }) => index)).toEqual(texts.map((_, i) => i))
  if (path === '/v1/embeddings') expect(json.usage).toEqual({ prompt_tokens: 0, total_tokens: 0 })
})

/** Rows that count how many were made. */
function counting(count: number) {
  const made = { rows: 0 }
  const textOf = (row: number) => {
    made.rows++
    return `"${row}${'x'.repeat(1_000)}"`
  }
  return { made, rows: { count, dims: 1_000, bytesOfNumber: 24, textOf, before: '[', after: ']' } }
}

it('however many are made at once, a round of the event loop makes one part', async () => {
  const all = Array.from({ length: 3 }, () => counting(50))
  const made = () => all.reduce((sum, one) => sum + one.made.rows, 0)
  const sent = Promise.all(all.map(({ rows }) => text(textInParts(rows))))
  const steps: number[] = []
  for (let last = 0; made() < 150; ) {
    await new Promise(setImmediate)
    steps.push(made() - last)
    last = made()
  }
  expect(Math.max(...steps)).toBe(8)
  const whole = wholeText(counting(50).rows)
  expect(await sent).toEqual([whole, whole, whole])
})

it('what nobody reads is not made', async () => {
  const { made, rows } = counting(1_000)
  const stream = textInParts(rows)
  await once(stream, 'readable')
  for (let round = 0; round < 100; round++) await new Promise(setImmediate)
  expect(made.rows).toBeLessThanOrEqual(16)
  stream.destroy()
})

it('a number that is none is found before anything is sent', () => {
  const matrix = new Float32Array(2048 * DIMS)
  matrix[matrix.length - 1] = Number.NaN
  expect(() => vectorList(matrix, DIMS)).toThrow(expect.objectContaining({ code: 'EMBEDDER_FAILED' }))
})

it.each([
  ['/v1/embeddings', { input: texts }],
  ['/embed', { inputs: texts }],
])('who leaves in the middle of %s gives his place back', async (path, body) => {
  const sent = request(`${daemon.url}${path}`, { method: 'POST', headers: { 'content-type': 'application/json' } })
  sent.on('error', () => {})
  sent.end(JSON.stringify(body))
  const [response] = await once(sent, 'response')
  response.on('error', () => {})
  expect(response.statusCode).toBe(200)
  expect(daemon.context.meters.requests.inHand).toBe(1)
  sent.destroy()
  while (daemon.context.meters.requests.inHand > 0) await new Promise(setImmediate)
  expect((await ask(daemon, '/v1/models')).status).toBe(200)
})
