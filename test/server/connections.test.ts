// What one connection may do to the others: requests in a row, answers that nobody reads, bodies that grow, bytes that are no text.
import { once } from 'node:events'
import { IncomingMessage, ServerResponse } from 'node:http'
import { connect, Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { isLoopback } from '../../src/loopback.js'
import { isReadable } from '../../src/server/json-body.js'
import { Limits } from '../../src/server/limits.js'
import type { ServeOptions } from '../../src/server.js'
import { deferred } from '../support.js'
import { ask, fakeVector, startDaemon, type TestDaemon } from './daemon.js'

let { promise: asked, resolve: begins } = deferred<AbortSignal>()
const embedder: ServeOptions['embedder'] = {
  space: 'held',
  dims: 8,
  async embed(texts, { signal }) {
    // Until what came with it is parsed.
    if (texts.includes('slow')) for (let turn = 0; turn < 9; turn++) await new Promise(setImmediate)
    if (texts.includes('hold')) {
      begins(signal)
      await once(signal, 'abort')
    }
    return Float32Array.from(texts.flatMap(text => [...fakeVector(text)]))
  },
}

let daemon: TestDaemon
beforeAll(async () => {
  daemon = await startDaemon({ embedder, limits: { bodyBytes: 2 ** 17 } })
})
afterAll(() => daemon.stop())

const JSON_HEADERS = 'Host: localhost\r\nContent-Type: application/json\r\n'
const GET = 'GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n'
const CHUNKED = `POST /v1/embeddings HTTP/1.1\r\n${JSON_HEADERS}Transfer-Encoding: chunked\r\n\r\n`

function post(body: Buffer | string, headers = ''): Buffer {
  const length = Buffer.byteLength(body)
  const head = `POST /v1/embeddings HTTP/1.1\r\n${JSON_HEADERS}${headers}Content-Length: ${length}\r\n\r\n`
  return Buffer.concat([Buffer.from(head), Buffer.from(body)])
}
const embed = (input: string) => post(JSON.stringify({ input, model: 'held' }))

function open(bytes: string | Buffer): { readonly socket: Socket; text(): string } {
  const socket = connect(Number(new URL(daemon.url).port), '127.0.0.1')
  let text = ''
  socket.on('data', chunk => (text += chunk.toString('latin1'))).on('error', () => {})
  socket.write(bytes)
  return { socket, text: () => text }
}

/** Everything that comes back until the daemon has answered `count` times, or closed. */
async function answers(bytes: string | Buffer, count = 1): Promise<string> {
  const { socket, text } = open(bytes)
  const statuses = () => text().match(/HTTP\/1\.1 \d{3}/g)?.length ?? 0
  const closed = once(socket, 'close').then(() => true)
  while (statuses() < count) if (await Promise.race([closed, once(socket, 'data').then(() => false)])) break
  socket.destroy()
  await closed
  return text()
}

describe('requests in a row over one connection', () => {
  it('are answered in their order', async () => {
    const text = await answers(Buffer.concat([embed('a'), Buffer.from(GET.repeat(20)), embed('b')]), 22)
    const bodies = text.match(/"object":"list"|"object":"embedding"/g)
    expect(text.match(/HTTP\/1\.1 200/g)).toHaveLength(22)
    expect([bodies?.[0], bodies?.at(-1)]).toEqual(['"object":"list"', '"object":"embedding"'])
    expect(daemon.context.meters.requests.inHand).toBe(0)
  })

  it.each([
    ['more than may wait', Buffer.from(GET.repeat(40)), 33],
    ['more than are parsed', Buffer.from(GET.repeat(1_500)), 33],
    ['a long body', Buffer.concat([embed('a'), Buffer.from(GET), embed('b'.repeat(20_000)), Buffer.from(GET)]), 2],
    ['a body without an end', Buffer.concat([embed('slow'), Buffer.from(CHUNKED), Buffer.from('2\r\n{ \r\n')]), 1],
  ])(
    'of which some are not taken are answered up to these, and then the connection ends: %s',
    async (_, bytes, count) => {
      const text = await answers(bytes, Number.POSITIVE_INFINITY)
      expect(text.match(/HTTP\/1\.1 200/g)).toHaveLength(count)
      expect(text.match(/^connection: close/gim)).toHaveLength(1)
      expect(text.lastIndexOf('HTTP/1.1')).toBeLessThan(text.search(/^connection: close/im))
      expect(daemon.context.meters.requests.inHand).toBe(0)
    },
  )

  it('may have short bodies in chunks', async () => {
    const body = JSON.stringify({ input: 'c', model: 'held' })
    const chunked = `${CHUNKED}${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`
    const text = await answers(Buffer.concat([embed('a'), Buffer.from(chunked), Buffer.from(GET)]), 3)
    expect(text.match(/HTTP\/1\.1 200/g)).toHaveLength(3)
  })

  it.each([
    ['a few', Buffer.from(GET.repeat(30))],
    ['very many', Buffer.from(GET.repeat(1_500))],
    ['a long body', embed('b'.repeat(100_000))],
  ])('have one place, which is free when their sender leaves, and whose work ends then: %s', async (_, more) => {
    ;({ promise: asked, resolve: begins } = deferred<AbortSignal>())
    const { socket } = open(Buffer.concat([embed('hold'), more]))
    const signal = await asked
    expect(daemon.context.meters.requests.inHand).toBe(1)
    socket.end()
    if (!signal.aborted) await once(signal, 'abort')
    socket.destroy()
    while (daemon.context.meters.requests.inHand > 0) await new Promise(setImmediate)
    expect((await ask(daemon, '/v1/models')).status).toBe(200)
  })
})

describe('a body', () => {
  it.each([
    ['that is not UTF-8', post(Buffer.from('{"input":"caf\xe9","model":"held"}', 'latin1')), 400],
    ['in another charset', post('{"input":"a"}').toString().replace('/json', '/json; charset=latin1'), 415],
    [
      'in UTF-8, and it says so',
      post('{"input":"a","model":"held"}').toString().replace('/json', '/json; charset="UTF-8"'),
      200,
    ],
    ['that is compressed', post('{"input":"a","model":"held"}', 'Content-Encoding: gzip\r\n'), 415],
    ['with a name that reaches a prototype', post('{"input":"a","model":"held","__proto__":{}}'), 400],
    ['that comes in pieces', 'chunked', 200],
  ])('%s', async (_what, bytes, status) => {
    const body = JSON.stringify({ input: 'é'.repeat(20_000), model: 'held' })
    const pieces = Buffer.from(body).reduce<Buffer[]>((all, _byte, at) => {
      if (at % 999 === 0) all.push(Buffer.from(body).subarray(at, at + 999))
      return all
    }, [])
    const chunks = pieces.flatMap(piece => [
      Buffer.from(`${piece.length.toString(16)}\r\n`),
      piece,
      Buffer.from('\r\n'),
    ])
    const head = Buffer.from(`POST /v1/embeddings HTTP/1.1\r\n${JSON_HEADERS}Transfer-Encoding: chunked\r\n\r\n`)
    const sent = bytes === 'chunked' ? Buffer.concat([head, ...chunks, Buffer.from('0\r\n\r\n')]) : bytes
    expect(await answers(sent)).toMatch(new RegExp(`^HTTP/1\\.1 ${status}`))
  })

  it('is counted while it grows, and its sender is told where there is no room, without being read on', async () => {
    const { meters } = daemon.context
    const half = Buffer.concat([
      Buffer.from(`POST /v1/embeddings HTTP/1.1\r\n${JSON_HEADERS}Transfer-Encoding: chunked\r\n\r\n18000\r\n`),
      Buffer.alloc(0x18000, 'x'),
    ])
    const before = meters.requests.inHand
    const all = Array.from({ length: 40 }, () => open(half))
    const refused = () => all.filter(({ text }) => /^HTTP\/1\.1 429.*connection: close/is.test(text())).length
    while (refused() < 10) await new Promise(setImmediate)
    for (const { socket } of all) socket.destroy()
    while (meters.requests.inHand > before) await new Promise(setImmediate)
    expect((await ask(daemon, '/v1/models')).status).toBe(200)
  })

  it('is read in little time, or not at all', () => {
    const readable = (text: string) => isReadable(Buffer.from(text))
    expect(readable(`[${'"a, [b]: {\\"",'.repeat(200_000)}1]`)).toBe(true)
    expect(readable('{"a":1,'.repeat(60_000))).toBe(false)
    expect(readable('[],'.repeat(200_000))).toBe(false)
    expect(readable('1,'.repeat(600_000))).toBe(false)
  })
})

it('a request names one host, and its origin is ours by scheme', async () => {
  const get = (more: string, target = '/api/stats') =>
    answers(`GET ${target} HTTP/1.1\r\nConnection: close\r\n${more}\r\n`)
  const { host } = new URL(daemon.url)
  expect(await get(`Host: ${host}\r\nHost: ${host}\r\n`)).toMatch(/^HTTP\/1\.1 400/)
  expect(await get(`Host: ${host}\r\n`, `http://evil.example/api/stats`)).toMatch(/^HTTP\/1\.1 400/)
  expect(await get(`Host: ${host}\r\n`, `http://${host}/api/stats`)).toMatch(/^HTTP\/1\.1 200/)
  expect(await get(`Host: ${host}\r\nOrigin: https://${host}\r\n`)).toMatch(/^HTTP\/1\.1 403/)
})

it('answers that nobody reads are bounded together, and a place is free again when nobody has read for long', () => {
  vi.useFakeTimers()
  try {
    let now = 0
    const monotonic = () => now
    const limits = new Limits({ queue: 9, bodyBytes: 9, requestTimeoutMs: 10, monotonic, onChange: () => {} })
    const enter = () => {
      const response = new ServerResponse(new IncomingMessage(new Socket()))
      return limits.enter(response.req, response, { streams: false, mostBytes: 9 }, now)
    }
    const [unread, other] = [enter(), enter()]
    // One alone may be as large as it is.
    limits.answers(unread, 2 ** 30)
    expect(() => limits.answers(other, 2 ** 20)).toThrow(expect.objectContaining({ status: 429 }))
    limits.answers(other, 100)
    const wait = (seconds: number) => {
      for (let second = 0; second < seconds; second++) {
        now += 1_000
        vi.advanceTimersByTime(1_000)
      }
    }
    // A large one is still being made while it is read, and that takes its caller a while.
    wait(100)
    expect([unread.response.destroyed, other.response.destroyed]).toEqual([false, true])
    unread.response.end('read by nobody')
    wait(2_000)
    expect(unread.response.destroyed).toBe(true)
    limits.answers(enter(), 2 ** 20)
  } finally {
    vi.useRealTimers()
  }
})

it('bytes that are no request are told so', async () => {
  expect(await answers('garbage\r\n\r\n')).toMatch(/^HTTP\/1\.1 400.*\{"error":\{"code":"INVALID_INPUT"/s)
})

it('what HTTP/1.1 demands is told as every error is', async () => {
  expect(await answers('GET /v1/models HTTP/1.1\r\n\r\n')).toMatch(/^HTTP\/1\.1 400.*\{"error":\{"message":"[^"]*Host/s)
  expect(await answers('GET /v1/models HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 200/)
  const expects = GET.replace('\r\n\r\n', '\r\nExpect: 200-ok\r\n\r\n')
  expect(await answers(expects)).toMatch(/^HTTP\/1\.1 417.*\{"error":\{"message":/s)
})

it('who waits to be asked for a body is asked when it is let in, and else refused', async () => {
  const body = JSON.stringify({ input: 'a', model: 'held' })
  const head = (path: string, more = '') =>
    `POST ${path} HTTP/1.1\r\n${JSON_HEADERS}Expect: 100-continue\r\n${more}Content-Length: ${body.length}\r\n\r\n`
  const { socket, text } = open(head('/v1/embeddings'))
  await once(socket, 'data')
  expect(text()).toBe('HTTP/1.1 100 Continue\r\n\r\n')
  socket.write(body)
  await once(socket, 'data')
  expect(text()).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200/)
  socket.destroy()
  expect(await answers(head('/api/cache/clear'))).toMatch(/^HTTP\/1\.1 401.*connection: close/is)
  expect(await answers(head('/nowhere'))).toMatch(/^HTTP\/1\.1 404.*connection: close/is)
  expect(await answers(head('/v1/embeddings', 'Origin: http://evil.example\r\n'))).toMatch(/^HTTP\/1\.1 403/)
})

it('a refused body is not read to its end', async () => {
  const head = `POST /api/cache/clear HTTP/1.1\r\n${JSON_HEADERS}Content-Length: 100000\r\n\r\n`
  expect(await answers(head)).toMatch(/^HTTP\/1\.1 401.*connection: close/is)
})

it.each([
  ['127.1', true],
  ['0x7f.1', true],
  ['2130706433', true],
  ['::ffff:127.0.0.1', true],
  ['[::ffff:7f00:1]', true],
  ['0:0:0:0:0:0:0:1', true],
  ['128.1', false],
  ['::ffff:128.0.0.1', false],
  ['beef', false],
  ['127.1.evil.example', false],
])('whether %s is loopback: %s', (host, is) => expect(isLoopback(host)).toBe(is))
