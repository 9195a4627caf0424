// What comes from who means harm, or is broken: bytes that are no request, bodies without end, senders without haste. The daemon answers what
// can be answered, ends the rest, never says 500, keeps nothing, and serves others meanwhile.
import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, startDaemon, type TestDaemon } from './daemon.js'

/** OP_DBUS_HOSTILE=full: the hundred thousand that the promise names. */
const REQUESTS = process.env.OP_DBUS_HOSTILE === 'full' ? 100_000 : 4_000
const CONNECTIONS = 50

let daemon: TestDaemon
let port: number
beforeAll(async () => {
  daemon = await startDaemon({ logLevel: 'error' })
  port = Number(new URL(daemon.url).port)
})
afterAll(() => daemon.stop())

/** Sends `bytes` as they are; resolves with everything that came back when the daemon has closed. It reads, or it would not see the end. */
async function raw(bytes: string | Buffer, { at = port, half = false } = {}): Promise<string> {
  const socket = connect({ port: at, host: '127.0.0.1', allowHalfOpen: true })
  let text = ''
  socket.on('data', chunk => (text += chunk.toString('latin1')))
  socket.on('error', () => {})
  const closed = once(socket, 'close')
  const ended = once(socket, 'end')
  socket.write(bytes)
  if (half) socket.end()
  await Promise.race([ended, closed])
  socket.destroy()
  await closed
  return text
}

const statusOf = (text: string) => Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0)
const HEAD = 'Host: localhost\r\nContent-Type: application/json\r\n'
const post = (headers: string, body = '') =>
  `POST /v1/embeddings HTTP/1.1\r\n${HEAD}${headers}Connection: close\r\n\r\n${body}`

async function servesOthers(): Promise<void> {
  const { status } = await ask(daemon, '/v1/embeddings', { body: { input: 'a good text', model: 'fake' } })
  expect(status).toBe(200)
}

describe('one request', () => {
  it('with a text of 10 MB is embedded or refused, and leaves no more than its vector', async () => {
    const { status } = await ask(daemon, '/v1/embeddings', { body: { input: 'x'.repeat(10_000_000), model: 'fake' } })
    expect([200, 400, 413]).toContain(status)
    await servesOthers()
  })

  it('with too large a body is told so, whether it says its length or not', async () => {
    const tooLarge = 2 ** 24 + 1
    const said = await raw(post(`Content-Length: ${tooLarge}\r\n`, '{'))
    expect(statusOf(said)).toBe(413)
    const chunk = `10000\r\n${'x'.repeat(2 ** 16)}\r\n`
    const chunked = await raw(
      post('Transfer-Encoding: chunked\r\n', `10000\r\n"${'x'.repeat(2 ** 16 - 1)}\r\n${chunk.repeat(257)}0\r\n\r\n`),
    )
    expect(statusOf(chunked)).toBe(413)
    await servesOthers()
  })

  it('with 100,000 headers, or one of a megabyte, is told so', async () => {
    const many = Array.from({ length: 100_000 }, (_, i) => `X-${i}: y\r\n`).join('')
    expect(statusOf(await raw(post(many)))).toBe(431)
    expect(statusOf(await raw(post(`X-Long: ${'y'.repeat(2 ** 20)}\r\n`)))).toBe(431)
    expect([414, 431]).toContain(statusOf(await raw(`GET /${'a'.repeat(2 ** 20)} HTTP/1.1\r\n${HEAD}\r\n`)))
    await servesOthers()
  })

  it.each([
    ['two lengths', post('Content-Length: 2\r\nContent-Length: 3\r\n', '{}')],
    [
      'a length and chunks (smuggling)',
      post('Content-Length: 2\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\nGET /api/stats HTTP/1.1\r\n\r\n'),
    ],
    ['chunks of another kind', post('Transfer-Encoding: xchunked\r\n', '0\r\n\r\n')],
    ['a length below zero', post('Content-Length: -1\r\n', '{}')],
    ['no host', 'GET /api/stats HTTP/1.1\r\n\r\n'],
    // The first counts, and it alone.
    ['two hosts', 'GET /api/stats HTTP/1.1\r\nHost: evil\r\nHost: localhost\r\nConnection: close\r\n\r\n'],
    ['a header with a line feed alone', 'GET /api/stats HTTP/1.1\r\nHost: localhost\nX: y\r\n\r\n'],
    ['no such version', 'GET /api/stats HTTP/9.9\r\nHost: localhost\r\n\r\n'],
    ['TLS', Buffer.from('16030100f4010000f00303', 'hex')],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['CONNECT', 'CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example\r\n\r\n'],
    ['an address that is none', `GET /%zz HTTP/1.1\r\n${HEAD}Connection: close\r\n\r\n`],
    [
      'an address of another host',
      `GET http://evil.example/api/stats HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n`,
    ],
  ])('with %s is refused or closed', async (_what, bytes) => {
    const text = await raw(bytes, { half: true })
    const status = statusOf(text)
    // 0: closed without a word.
    expect(status === 0 || (status >= 400 && status < 500), text.slice(0, 200)).toBe(true)
    expect(text.match(/HTTP\/1\.1 \d/g)?.length ?? 0).toBeLessThanOrEqual(1)
    await servesOthers()
  })

  it.each([
    ['__proto__', '{"input":"a","model":"fake","__proto__":{"admin":true}}'],
    ['a constructor', '{"input":"a","model":"fake","constructor":{"prototype":{"admin":true}}}'],
    ['depth', '['.repeat(200_000)],
    ['closed depth', `{"input":${'['.repeat(100_000)}${']'.repeat(100_000)}}`],
    ['nothing', ''],
    ['null', 'null'],
    ['a number without end', '{"input":1e999}'],
    ['half a pair', '{"input":"\\ud800","model":"fake","dimensions":"\\udfff"}'],
    ['bytes that are no UTF-8', '{"input":"\xff\xfe","model":"fak'],
    ['a mark of order before it', '\ufeff{"input":'],
  ])('with a body of %s is refused', async (_what, body) => {
    for (const path of ['/v1/embeddings', '/embed', '/api/embed', '/api/lookup', '/api/diff', '/api/search']) {
      const { status } = await ask(daemon, path, {
        body,
        method: 'POST',
        headers: { 'content-type': 'application/json', ...daemon.write },
      })
      expect(status >= 400 && status < 500, `${path}: ${status}`).toBe(true)
    }
    expect(({} as { admin?: boolean }).admin).toBeUndefined()
  })

  it('whose sender has said all, and waits, is answered; one that was cut off is closed', async () => {
    const body = JSON.stringify({ input: 'half closed', model: 'fake' })
    expect(statusOf(await raw(post(`Content-Length: ${body.length}\r\n`, body), { half: true }))).toBe(200)
    expect(statusOf(await raw(post(`Content-Length: ${body.length}\r\n`, body.slice(0, 9)), { half: true }))).not.toBe(
      200,
    )
    expect(statusOf(await raw('GET /api/stats HT', { half: true }))).not.toBe(200)
    await servesOthers()
  })
})

it('200 who send their headers slowly hold nobody up, and are closed when their time is over; a slow body is told so', async () => {
  const slow = await startDaemon({ logLevel: 'error', limits: { receiveTimeoutMs: 1_000 } })
  const at = Number(new URL(slow.url).port)
  const sockets = Array.from({ length: 200 }, () => connect(at, '127.0.0.1'))
  for (const socket of sockets) socket.on('error', () => {}).resume()
  const closed = Promise.all(sockets.map(socket => once(socket, 'close')))
  await Promise.all(sockets.map(socket => once(socket, 'connect')))
  for (const socket of sockets) socket.write('GET /api/stats HTTP/1.1\r\nHost: localhost\r\nX-Slow: ')
  const drip = setInterval(() => {
    for (const socket of sockets) if (!socket.destroyed) socket.write('y')
  }, 100)
  try {
    // How many of them were still open when each good request had its answer.
    const beside: number[] = []
    do {
      const { status } = await ask(slow, '/v1/embeddings', {
        body: { input: `text ${beside.length % 10}`, model: 'fake' },
      })
      expect(status).toBe(200)
      beside.push(sockets.filter(socket => !socket.closed).length)
    } while (beside.at(-1)! > 0)
    expect(beside.filter(open => open === 200).length).toBeGreaterThan(0)
    await closed
  } finally {
    clearInterval(drip)
    for (const socket of sockets) socket.destroy()
  }
  const body = await raw(`POST /v1/embeddings HTTP/1.1\r\n${HEAD}Content-Length: 100\r\n\r\n{"input"`, { at })
  expect(statusOf(body)).toBe(408)
  expect(slow.context.meters.requests.inHand).toBe(0)
  await slow.stop()
})

it(
  `${REQUESTS} requests of random bytes: none is answered 500, and nothing is kept`,
  async () => {
    const random = generator(20_261_127)
    const statuses = new Map<number, number>()
    const before = daemon.context.meters.requests.failed
    let left = REQUESTS
    const sender = async () => {
      while (left-- > 0) {
        const status = statusOf(await raw(randomRequest(random), { half: true }))
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
      }
    }
    await Promise.all(Array.from({ length: CONNECTIONS }, sender))
    const seen = [...statuses.keys()].filter(status => status >= 500)
    expect(seen).toEqual([])
    expect(statuses.get(400)).toBeGreaterThan(REQUESTS / 10)
    expect(daemon.context.meters.requests.failed).toBe(before)
    expect(daemon.context.meters.requests.inHand).toBe(0)
    expect(daemon.lines).toEqual([])
    await servesOthers()
  },
  120_000 + 10 * REQUESTS,
)

/** Bytes that are no request, requests with some bytes changed, and requests whose body is random. */
function randomRequest(random: () => number): Buffer {
  const bytes = (count: number) => Buffer.from(Array.from({ length: count }, () => random() % 256))
  const kind = random() % 4
  if (kind === 0) return bytes(1 + (random() % 200))
  const paths = [
    '/v1/embeddings',
    '/embed',
    '/api/embed',
    '/api/lookup',
    '/api/stats',
    '/events/x',
    '/',
    '/api/blocks/x',
  ]
  const path = paths[random() % paths.length]!
  const body = kind === 1 ? bytes(random() % 100) : Buffer.from('{"input":["a","b"],"model":"fake","dimensions":4}')
  const type = random() % 8 === 0 ? 'text/plain' : 'application/json'
  const head = `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${type}\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n`
  const request = Buffer.concat([Buffer.from(head), body])
  if (kind === 2) for (let n = 1 + (random() % 6); n > 0; n--) request[random() % request.length] = random() % 256
  return kind === 3 ? request.subarray(0, 1 + (random() % request.length)) : request
}

/** xorshift32: the same bytes in every run. */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
}
