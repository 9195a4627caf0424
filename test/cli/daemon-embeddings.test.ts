// Vectors from a daemon that hangs, lies, or ends in the middle: never a wrong one, and a bounded time. In this process, over caches whose
// embedder counts; the daemon is whatever listens at its socket.
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { daemonSocket, openDaemon } from '../../src/cli/daemon.js'
import { DaemonEmbeddings } from '../../src/cli/run/daemon-embeddings.js'
import { openCaches } from '../../src/node.js'
import { VERSION } from '../../src/version.js'
import { fakeEmbedder, fakeVector } from '../server/daemon.js'
import { temporaryFolder } from '../support.js'

const HELLO = { name: 'op-dbus', version: VERSION, may: { read: true, write: true } }
const TEXTS = ['one', 'two', 'one']
const DIMS = 8

/** What `answer` makes of a daemon, and the vectors that come of it. */
async function embedBeside(answer: RequestListener, { texts = TEXTS, answerMs = 20_000 } = {}) {
  const dir = temporaryFolder()
  const server = createServer(answer)
  await new Promise<void>(resolve => server.listen(join(dir, 'daemon.sock'), resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const embedder = fakeEmbedder(DIMS)
  const caches = await openCaches({ dir, embedder })
  const { signal } = new AbortController()
  const said: string[] = []
  const open = () => openDaemon(daemonSocket(dir, {}), { signal, say: line => void said.push(line) })
  const daemon = new DaemonEmbeddings(caches.embeddings, open, signal, answerMs)
  const rows = await Promise.all(texts.map(text => daemon.getOrEmbed(text, { signal })))
  await daemon.close()
  await caches.close()
  return { rows, computed: embedder.computed, said }
}

const base64 = (floats: Float32Array) => Buffer.from(floats.buffer).toString('base64')

/** A daemon that answers rows: sound ones, as `change` leaves them. */
function answering(
  change: (answer: Record<string, unknown>, texts: readonly string[]) => unknown,
  tooMany = Number.POSITIVE_INFINITY,
): RequestListener {
  return (request, response) => {
    if (request.url === '/api/daemon') return void response.end(JSON.stringify(HELLO))
    let text = ''
    request.on('data', chunk => {
      text += chunk
    })
    request.on('end', () => {
      const { texts, space } = JSON.parse(text) as { texts: string[]; space: string }
      if (texts.length > tooMany) response.statusCode = 504
      const vectors = new Float32Array(texts.length * DIMS)
      for (const [i, one] of texts.entries()) vectors.set(fakeVector(one, DIMS), i * DIMS)
      const list = (value: unknown) => texts.map(() => value)
      const lists = { sources: list('memory'), devices: list('custom'), tokens: list(1), truncated: list(false) }
      response.end(JSON.stringify(change({ space, dims: DIMS, vectors: base64(vectors), ...lists, failed: [] }, texts)))
    })
  }
}

it('are used where they are what was asked for', async () => {
  const { rows, computed } = await embedBeside(answering(answer => answer))
  expect(computed).toEqual([])
  for (const [i, { vector, source }] of rows.entries()) {
    expect(vector).toEqual(fakeVector(TEXTS[i]!, DIMS))
    expect(source).toBe('memory')
  }
})

it('of a text that failed there is asked for here', async () => {
  const { rows, computed } = await embedBeside(
    answering((answer, texts) => ({
      ...answer,
      failed: [{ index: texts.indexOf('two'), code: 'EMBEDDER_FAILED', message: 'no' }],
    })),
  )
  expect(computed).toEqual(['two'])
  expect(rows[1]!.vector).toEqual(fakeVector('two', DIMS))
})

it('are asked for in smaller parts where the daemon ends requests of many', async () => {
  const texts = Array.from({ length: 50 }, (_, i) => `text ${i}`)
  const { rows, computed, said } = await embedBeside(
    answering(answer => answer, 3),
    { texts },
  )
  expect({ computed, said }).toEqual({ computed: [], said: [] })
  for (const [i, { vector }] of rows.entries()) expect(vector).toEqual(fakeVector(texts[i]!, DIMS))
})

it.each([
  ['lives and answers no rows', () => {}, /does not answer/, 100],
  ['ends the request of one text', answering(answer => answer, 0), /one text \(504\)/, 20_000],
  ['has too much in hand', (_request, response) => void response.writeHead(429).end(), /more in hand/, 20_000],
] satisfies [string, RequestListener, RegExp, number][])(
  'are computed here beside a daemon that %s, which is said',
  async (_name, rowsOf, why, answerMs) => {
    const { computed, said } = await embedBeside(
      (request, response) => {
        if (request.url === '/api/daemon') response.end(JSON.stringify(HELLO))
        else rowsOf(request, response)
      },
      { answerMs },
    )
    expect([...computed].sort()).toEqual(['one', 'two'])
    expect(said).toHaveLength(1)
    expect(said[0]).toMatch(why)
  },
)

const CASES: Readonly<Record<string, RequestListener>> = {
  'answers nothing': () => {},
  'is another program': (_request, response) => void response.end('<html>'),
  'is of another version': (_request, response) => void response.end(JSON.stringify({ ...HELLO, version: '99.0.0' })),
  'may not be changed by us': (_request, response) =>
    void response.end(JSON.stringify({ ...HELLO, may: { read: true, write: false } })),
  'says hello once and then no more': (() => {
    let asked = 0
    return (_request, response) => {
      if (asked++ === 0) response.end(JSON.stringify(HELLO))
    }
  })() satisfies RequestListener,
  'ends in the middle of its answer': (request, response) => {
    if (request.url === '/api/daemon') return void response.end(JSON.stringify(HELLO))
    response.writeHead(200, { 'content-length': 100_000 })
    response.write('{"space":', () => response.destroy())
  },
  'refuses the space': (request, response) => {
    if (request.url !== '/api/daemon') response.statusCode = 409
    response.end(JSON.stringify(request.url === '/api/daemon' ? HELLO : { error: { code: 'CONFLICT', message: 'no' } }))
  },
  'answers no JSON': answering(() => undefined),
  'answers null': answering(() => null),
  'has another space': answering(answer => ({ ...answer, space: 'another' })),
  'has other dims': answering(answer => ({ ...answer, dims: DIMS / 2 })),
  'answers too few rows': answering(answer => ({ ...answer, vectors: base64(new Float32Array(DIMS).fill(1)) })),
  'answers NaN': answering((answer, { length }) => ({
    ...answer,
    vectors: base64(new Float32Array(length * DIMS).fill(Number.NaN)),
  })),
  'answers zeros': answering((answer, { length }) => ({ ...answer, vectors: base64(new Float32Array(length * DIMS)) })),
  'answers what is no base64': answering((answer, { length }) => ({
    ...answer,
    vectors: '!'.repeat(4 * Math.ceil((length * DIMS * 4) / 3)),
  })),
  'invents a source': answering((answer, texts) => ({ ...answer, sources: texts.map(() => 'guessed') })),
  'lacks a list': answering(({ tokens: _, ...answer }) => answer),
  'tells failures of nobody': answering(answer => ({ ...answer, failed: [{ index: 'one' }] })),
}

it('are computed here, once each, beside a daemon that is wrong in any way', async () => {
  await Promise.all(
    Object.entries(CASES).map(async ([name, answer]) => {
      const { rows, computed } = await embedBeside(answer)
      expect([...computed].sort(), name).toEqual(['one', 'two'])
      for (const [i, { vector }] of rows.entries()) expect(vector, name).toEqual(fakeVector(TEXTS[i]!, DIMS))
    }),
  )
}, 20_000)

it('are asked of nobody where that is said, where there is no socket, and where it is something else', () => {
  const dir = temporaryFolder()
  expect(daemonSocket(undefined, {})).toBeUndefined()
  expect(daemonSocket(dir, {})).toBeUndefined()
  expect(daemonSocket(join(dir, 'missing'), {})).toBeUndefined()
  writeFileSync(join(dir, 'daemon.sock'), '')
  expect(daemonSocket(dir, {})).toBeUndefined()
  mkdirSync(join(dir, 'other', 'daemon.sock'), { recursive: true })
  expect(daemonSocket(join(dir, 'other'), {})).toBeUndefined()
})

it('are asked of nobody with --no-daemon or OPDBUS_DAEMON=off', async () => {
  const dir = temporaryFolder()
  const server = createServer()
  await new Promise<void>(resolve => server.listen(join(dir, 'daemon.sock'), resolve))
  onTestFinished(() => {
    server.close()
    delete process.env.OPDBUS_DAEMON
  })
  expect(daemonSocket(dir, {})).toBe(join(dir, 'daemon.sock'))
  expect(daemonSocket(dir, { 'no-daemon': true })).toBeUndefined()
  process.env.OPDBUS_DAEMON = 'off'
  expect(daemonSocket(dir, {})).toBeUndefined()
})
