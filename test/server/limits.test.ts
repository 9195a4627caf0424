// The bounds of what is in hand: a full queue, a request that takes too long, a caller who has gone; and a stop, which answers what is in hand.
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { get, IncomingMessage, request, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { openCaches } from '../../src/node.js'
import { Limits, type Work } from '../../src/server/limits.js'
import type { ServeOptions } from '../../src/server.js'
import { deferred, temporaryFolder } from '../support.js'
import { ask, fakeVector, startDaemon } from './daemon.js'

/** An embedder that computes when it is told to. */
function heldEmbedder() {
  const { promise: open, resolve: release } = deferred<void>()
  const { promise: asked, resolve: begins } = deferred<AbortSignal>()
  const embedder: ServeOptions['embedder'] = {
    space: 'held',
    dims: 8,
    async embed(texts, { signal }) {
      begins(signal)
      await Promise.race([open, once(signal, 'abort')])
      const matrix = new Float32Array(8 * texts.length)
      for (const [row, text] of texts.entries()) matrix.set(fakeVector(text), 8 * row)
      return matrix
    },
  }
  return { embedder, release, asked }
}

const one = (input: string) => ({ body: { input, model: 'held' } })

describe('bounds', () => {
  it('a full queue says 429 and when to come again; who asks whether it lives is still answered', async () => {
    const { embedder, release, asked } = heldEmbedder()
    const daemon = await startDaemon({ embedder, limits: { queue: 2 } })
    const first = [ask(daemon, '/v1/embeddings', one('a')), ask(daemon, '/v1/embeddings', one('b'))]
    await asked
    while (daemon.context.meters.requests.inHand < 2) await new Promise(setImmediate)
    const full = await ask(daemon, '/v1/embeddings', one('c'))
    expect([full.status, full.headers['retry-after'], full.json.error.type]).toEqual([429, '1', 'rate_limit_error'])
    expect((await ask(daemon, '/healthz')).status).toBe(200)
    release()
    for (const { status } of await Promise.all(first)) expect(status).toBe(200)
    expect((await ask(daemon, '/v1/embeddings', one('c'))).status).toBe(200)
    expect(daemon.context.meters.counts.overloaded).toBe(1)
    await daemon.stop()
  })

  it('what takes too long is told so, and work that nobody waits for ends', async () => {
    const { embedder, asked } = heldEmbedder()
    const daemon = await startDaemon({ embedder, limits: { requestTimeoutMs: 100 } })
    const late = await ask(daemon, '/v1/embeddings', one('a'))
    expect([late.status, late.json.error.code]).toEqual([504, 'timeout'])
    const signal = await asked
    if (!signal.aborted) await once(signal, 'abort')
    expect(daemon.context.meters.requests.inHand).toBe(0)
    await daemon.stop()
  })

  it('the work of a caller who has gone is dropped', async () => {
    const { embedder, asked } = heldEmbedder()
    const daemon = await startDaemon({ embedder })
    const sent = request(`${daemon.url}/v1/embeddings`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
    })
    sent.on('error', () => {})
    sent.end(JSON.stringify(one('a').body))
    const signal = await asked
    sent.destroy()
    if (!signal.aborted) await once(signal, 'abort')
    expect(daemon.context.meters.requests.inHand).toBe(0)
    await daemon.stop()
  })
})

it('what is carried through outlives every time limit; the rest is told, then cut off', () => {
  vi.useFakeTimers()
  try {
    let now = 0
    const limits = new Limits({
      queue: 9,
      bodyBytes: 9,
      requestTimeoutMs: 1_000,
      monotonic: () => now,
      onChange: () => {},
    })
    const enter = () => {
      const response = new ServerResponse(new IncomingMessage(new Socket()))
      return limits.enter(response.req, response, { streams: false, mostBytes: 100 }, now)
    }
    const works = [enter(), enter()]
    const [usual, applies] = works as [Work, Work]
    const signals = works.map(work => limits.signalOf(work))
    applies.carriedThrough = true
    const seen = [1_001, 31_002, 10_000_000].map(at => {
      now = at
      vi.advanceTimersByTime(1_000)
      return [...signals.map(({ aborted }) => aborted), usual.response.destroyed, applies.response.destroyed]
    })
    const late = [true, false, true, false]
    expect(seen).toEqual([[true, false, false, false], late, late])
  } finally {
    vi.useRealTimers()
  }
})

describe('a stop', () => {
  it('says that it is not ready at once, answers what is in hand, ends who listens, and keeps what was computed', async () => {
    const { embedder, release, asked } = heldEmbedder()
    const dir = join(temporaryFolder(), 'cache')
    const daemon = await startDaemon({ embedder, dir })
    const listener = get(`${daemon.url}/events`)
    const [events] = (await once(listener, 'response')) as [NodeJS.ReadableStream]
    events.resume()
    const over = once(events, 'end')
    const inHand = ask(daemon, '/v1/embeddings', one('in hand'))
    await asked
    const stopped = daemon.close()
    // Who listens is ended before what is in hand is answered.
    await over
    await expect(ask(daemon, '/readyz')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    release()
    expect((await inHand).status).toBe(200)
    await stopped
    expect(await daemon.close()).toBeUndefined()
    const caches = await openCaches({ dir, embedder })
    expect((await caches.embeddings.getOrEmbed('in hand')).source).toBe('disk')
    await caches.close()
    await daemon.stop()
  })

  it('waits no longer than it may', async () => {
    const { embedder, asked } = heldEmbedder()
    const daemon = await startDaemon({ embedder, limits: { stopTimeoutMs: 50 } })
    const inHand = ask(daemon, '/v1/embeddings', one('held for ever'))
    await asked
    await daemon.close()
    expect((await inHand).status).toBe(503)
    // As planned: nobody is called for it.
    expect(daemon.lines.find(line => line.includes('"code":"CLOSED"'))).toContain('"level":"info"')
    expect(daemon.lines.join('')).not.toContain('"level":"error"')
    await daemon.stop()
  })
})

describe('where it listens', () => {
  it('a port that is taken, and another daemon at the socket, are told with what to do', async () => {
    const daemon = await startDaemon()
    const port = Number(new URL(daemon.url).port)
    await expect(startDaemon({ port })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringContaining('--port'),
    })
    await expect(startDaemon({ dir: daemon.dir })).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining('--socket'),
    })
    // The first is as it was.
    expect((await ask(daemon, '/healthz', { overSocket: true })).status).toBe(200)
    await daemon.stop()
  })

  it('takes the place of a socket on which nobody answers, and of nothing else', async () => {
    const dir = temporaryFolder()
    const socket = join(dir, 'daemon.sock')
    writeFileSync(socket, 'somebody needs this')
    await expect(startDaemon({ socket })).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    expect(existsSync(socket)).toBe(true)
    rmSync(socket)
    // What a killed one leaves.
    const left = `require('net').createServer().listen(${JSON.stringify(socket)}, () => process.kill(process.pid, 'SIGKILL'))`
    spawnSync(process.execPath, ['-e', left])
    expect(existsSync(socket)).toBe(true)
    const daemon = await startDaemon({ socket })
    expect((await ask(daemon, '/healthz', { overSocket: true })).status).toBe(200)
    await daemon.stop()
  })

  it('of two that start at once on a socket that was left behind, one has it', async () => {
    const dir = temporaryFolder()
    const socket = join(dir, 'daemon.sock')
    const left = `require('net').createServer().listen(${JSON.stringify(socket)}, () => process.kill(process.pid, 'SIGKILL'))`
    spawnSync(process.execPath, ['-e', left])
    const both = await Promise.allSettled([startDaemon({ socket }), startDaemon({ socket })])
    const daemons = both.flatMap(one => (one.status === 'fulfilled' ? [one.value] : []))
    expect(both.flatMap(one => (one.status === 'rejected' ? [one.reason.code] : []))).toEqual(['CONFLICT'])
    expect((await ask(daemons[0]!, '/healthz', { overSocket: true })).status).toBe(200)
    await daemons[0]!.stop()
  })

  it('serves without a socket where none can be made beside the cache, and says so', async () => {
    const dir = join(temporaryFolder(), 'x'.repeat(100))
    const daemon = await startDaemon({ dir })
    expect(daemon.socket).toBeUndefined()
    expect(daemon.lines.join('')).toContain('"event":"no-socket"')
    await daemon.stop()
  })

  it('wants a path that fits, and none where none is wanted', async () => {
    const socket = join(temporaryFolder(), 'x'.repeat(120))
    await expect(startDaemon({ socket })).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    const daemon = await startDaemon({ socket: false })
    expect(daemon.socket).toBeUndefined()
    await daemon.stop()
  })

  it('options that are not what their types say are refused', async () => {
    const wrong: Record<string, unknown>[] = [
      { port: 70_000 },
      { port: '80' },
      { host: '' },
      { cors: ['*'] },
      { cors: ['https://app.example/'] },
      { limits: { queue: 0 } },
      { limits: { many: 1 } },
      { tokenArrays: 'p50k' },
      { model: 'low' },
      { portt: 1 },
      { logLevel: 'loud' },
      { aliases: { a: 'no such model' } },
      { host: 'no.such.host.invalid', tokenFile: '/nonexistent' },
    ]
    for (const options of wrong) {
      await expect(startDaemon(options as ServeOptions), JSON.stringify(options)).rejects.toMatchObject({
        name: 'OpDbusError',
      })
    }
  })
})
