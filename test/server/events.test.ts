// `/events`: what is told to those who listen, and what becomes of those who do not take it.
import { connect } from 'node:net'
import { join } from 'node:path'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { openChain } from '../../src/blockchain.js'
import type { LiveEvents } from '../../src/server/api.js'
import { Live } from '../../src/server/events.js'
import { ask, startDaemon, type TestDaemon } from './daemon.js'

let daemon: TestDaemon
beforeAll(async () => {
  daemon = await startDaemon({ queryCacheTtl: 60 })
})

type Heard = { [N in keyof LiveEvents]: { readonly name: N; readonly data: LiveEvents[N] } }[keyof LiveEvents]

/** Listens as `fetch` does. `next(name)`: the next event of that name, past others. */
async function listen(from: TestDaemon = daemon) {
  const leave = new AbortController()
  const response = await fetch(`${from.url}/events`, { signal: leave.signal })
  onTestFinished(() => leave.abort())
  const heard: Heard[] = []
  let text = ''
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  /** False: it has ended. */
  const more = async () => {
    const { done, value } = await reader.read().catch(() => ({ done: true, value: undefined }))
    if (done) return false
    text += value
    const parts = text.split('\n\n')
    text = parts.pop()!
    for (const part of parts) {
      const found = /^event: (\w+)\ndata: (.*)$/.exec(part)
      if (found) heard.push({ name: found[1], data: JSON.parse(found[2]!) } as Heard)
    }
    return true
  }
  async function next<N extends keyof LiveEvents>(
    name: N,
    fits: (data: LiveEvents[N]) => boolean = () => true,
  ): Promise<LiveEvents[N]> {
    for (;;) {
      const at = heard.findIndex(one => one.name === name && fits(one.data as LiveEvents[N]))
      if (at >= 0) return heard.splice(at, 1)[0]!.data as LiveEvents[N]
      if (!(await more())) throw new Error(`ended before ${name}`)
    }
  }
  const ended = async () => {
    while (await more());
    return true
  }
  return { response, next, ended, leave: () => leave.abort(), all: () => heard }
}

describe('who listens', () => {
  it('is told stats at once, then look-ups without their texts, clears and warnings', async () => {
    const live = await listen()
    expect(live.response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    const stats = await live.next('stats')
    expect(stats.pid).toBe(process.pid)
    const { embeddings, diagnostics } = daemon.context.caches
    await embeddings.embedMany(Array.from({ length: 80 }, (_, i) => `secret ${i}`))
    const { total, lookups } = await live.next('lookups', ({ total }) => total >= 80)
    expect(total).toBe(80)
    expect(lookups).toHaveLength(50)
    for (const one of lookups) {
      expect(Object.keys(one).sort()).toEqual(['cache', 'micros', 'outcome', 'source'])
      expect(one).toMatchObject({ cache: 'embeddings', source: 'computed', outcome: 'computed' })
    }
    await ask(daemon, '/api/lookup', { body: { text: 'secret 1' } })
    expect((await live.next('stats', ({ rows }) => rows.memory > 0)).rows.memory).toBe(1)
    await daemon.context.caches.queries.invalidate('some')
    expect(await live.next('invalidated')).toEqual({ elsewhere: false })
    await embeddings.clear()
    expect(await live.next('cleared')).toEqual({ cache: 'embeddings', elsewhere: false })
    diagnostics.warn('something is odd')
    expect(await live.next('warning')).toEqual({ message: 'something is odd' })
    diagnostics.warn(`cannot write to ${daemon.dir}: it is full`)
    expect((await live.next('warning')).message).toMatch(/^something that this server keeps/)
    expect(JSON.stringify(live.all())).not.toContain('secret')
  })

  it('is told what the tuner did, what was warmed, and what was fetched ahead, counted together', async () => {
    const live = await listen()
    await live.next('stats')
    const { diagnostics } = daemon.context.caches
    const change = { cache: 'queries', what: 'capacity', from: '1', to: '2', why: 'it pays', undone: false } as const
    diagnostics.tuned.tell(change)
    expect(await live.next('tuned')).toEqual(change)
    const warmed = { cache: 'embeddings', entries: 3, bytes: 5, micros: 7, gone: 0 } as const
    diagnostics.warmed.tell(warmed)
    expect(await live.next('warmed')).toEqual(warmed)
    const ahead = { cache: 'blocks', predictor: 'read-ahead' } as const
    for (let i = 0; i < 1000; i++) diagnostics.prefetched.tell({ ...ahead, outcome: 'useful', micros: 10 })
    diagnostics.prefetched.tell({ ...ahead, outcome: 'useless', micros: 10 })
    expect(await live.next('prefetched')).toEqual({
      prefetched: [
        { ...ahead, outcome: 'useful', entries: 1000 },
        { ...ahead, outcome: 'useless', entries: 1 },
      ],
    })
    expect(daemon.lines.map(line => JSON.parse(line)).find(({ event }) => event === 'tuned')).toMatchObject(change)
  })

  it('is told of blocks, whoever appended them', async () => {
    const live = await listen()
    await live.next('stats')
    await daemon.context.chain!.addFootprint({ plugin_id: 'here', operation: 'grow' })
    expect(await live.next('appended')).toEqual({ first: 0, blocks: 1 })
    const other = await openChain({ dataDir: daemon.dataDir, dir: join(daemon.dir, 'other') })
    await other.addFootprint({ plugin_id: 'elsewhere', operation: 'grow' })
    await other.close()
    expect(await live.next('appended')).toEqual({ first: 1, blocks: 1 })
  })

  it('makes the caches tell events, and nobody once they have left', async () => {
    const { lookup } = daemon.context.caches.diagnostics
    const live = await listen()
    await live.next('stats')
    expect(lookup.heard).toBe(true)
    live.leave()
    await expect.poll(() => lookup.heard).toBe(false)
    // However long it was open: that is no time that a request took.
    const counted = daemon.context.meters.counts.routes.get('/events')!
    await expect.poll(() => counted.byClass[2]! + counted.byClass[4]!).toBeGreaterThan(0)
    expect(counted.micros.count).toBe(0)
  })

  it('hears the end with the daemon', async () => {
    const another = await startDaemon()
    const live = await listen(another)
    await live.next('stats')
    const ended = live.ended()
    await another.stop()
    expect(await ended).toBe(true)
  })

  it('needs the read token where reading does', async () => {
    const { status } = await ask(daemon, '/events', { method: 'POST', body: {} })
    expect(status).toBe(405)
  })
})

describe('a slow reader', () => {
  it('costs what its connection holds, is told how much it missed, and hears on', async () => {
    const { port } = new URL(daemon.url)
    const socket = connect(Number(port), '127.0.0.1')
    onTestFinished(() => void socket.destroy())
    socket.write(`GET /events HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\n\r\n`)
    let text = ''
    await new Promise<void>(resolve => {
      socket.on('data', chunk => {
        text += chunk
        if (text.includes('event: stats')) resolve()
      })
    })
    socket.pause()
    const { diagnostics } = daemon.context.caches
    const before = process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed
    const long = 'x'.repeat(10_000)
    for (let i = 0; i < 3000; i++) {
      diagnostics.warn(`${i} ${long}`, undefined, `slow ${i}`)
      if (i % 100 === 0) await new Promise(resolve => setImmediate(resolve))
    }
    const grown = process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed - before
    // 30 MB were told. What the system's own buffers took is in neither of them.
    expect(grown).toBeLessThan(20e6)
    const heard = new Promise<void>(resolve => socket.on('data', () => text.includes('heard again') && resolve()))
    const drained = new Promise<void>(resolve => socket.on('data', () => text.includes('event: skipped') && resolve()))
    socket.resume()
    await drained
    diagnostics.warn('heard again')
    await heard
    const told = [...text.matchAll(/event: warning\n/g)].length
    const missed = [...text.matchAll(/event: skipped\ndata: \{"events":(\d+)\}/g)].map(([, events]) => Number(events))
    expect(told).toBeLessThan(3000)
    expect(told + missed.reduce((sum, events) => sum + events, 0)).toBeGreaterThanOrEqual(3001)
  })

  it('that takes nothing for long is let go', async () => {
    let now = 0
    const clock = { now: () => 0, monotonic: () => now }
    const live = new Live({ ...daemon.context, clock })
    onTestFinished(() => live.close())
    const gone = new Promise<void>(resolve => {
      const response = {
        writableNeedDrain: true,
        writableLength: 1e6,
        destroyed: false,
        writeHead() {},
        write() {},
        end() {},
        on() {},
        once() {},
        destroy: resolve,
      }
      live.add(response as never, new AbortController().signal)
    })
    daemon.context.caches.diagnostics.warn('to a slow one')
    now = 60_000
    await gone
  })
})
