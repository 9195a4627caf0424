// Two daemons over one Redis, asked over HTTP: what one computed the other has, and a clear on one is one on both; and under load, while the
// server is killed, stopped and started again, no client is told an error or a wrong vector.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, fakeVector, startDaemon, type TestDaemon } from '../../server/daemon.js'
import { until } from '../../waiting.js'
import { missing, type Server, startServer, stopAll } from './servers.js'

describe.skipIf(missing !== undefined)(`daemons that share a Redis${missing ? ` (skipped: ${missing})` : ''}`, () => {
  let server: Server
  beforeAll(async () => {
    server = await startServer()
  })
  afterAll(stopAll)

  const start = (sharedTimeoutMs: number) =>
    startDaemon({ sharedUrl: server.url, sharedTimeoutMs, embeddingDiskCache: false })

  /** Where each vector came from; all have to be right. */
  async function embed(daemon: TestDaemon, texts: readonly string[]): Promise<string> {
    const headers = { 'x-opdbus-sources': '1' }
    const answer = await ask(daemon, '/v1/embeddings', { headers, body: { model: 'fake', input: texts } })
    expect([answer.status, answer.text.slice(0, 200)]).toEqual([200, expect.any(String)])
    for (const [i, { embedding }] of answer.json.data.entries()) {
      expect(Float32Array.from(embedding)).toEqual(fakeVector(texts[i]!))
    }
    return String(answer.headers['x-opdbus-sources'])
  }

  it('compute once, and clear for both', async () => {
    const [one, two] = [await start(10_000), await start(10_000)]
    expect(await embed(one, ['a', 'b'])).toBe('computed=2')
    await until(async () => (await server.ask('KEYS opdbus:v:*')).startsWith('*2'))
    expect(await embed(two, ['b', 'a'])).toBe('shared=2')
    expect(await embed(two, ['b', 'a'])).toBe('memory=2')
    const cleared = await ask(one, '/api/cache/clear', { headers: one.write, body: { shared: true } })
    expect([cleared.status, cleared.text]).toEqual([200, expect.any(String)])
    await until(async () => (await embed(two, ['b'])) !== 'memory=1')
    expect(two.embedder.computed).toContain('b')
    for (const { stop } of [one, two]) await stop()
  })

  it('answer all the same while it is killed, stopped and shut down 20 times', { timeout: 120_000 }, async () => {
    const daemon = await start(100)
    let [n, ended] = [0, false]
    const client = async () => {
      for (; !ended; n++) await embed(daemon, [`text ${n}`, `text ${n >> 1}`, `text ${n % 50}`])
    }
    const running = client()
    const is = async (state: string) => JSON.parse((await ask(daemon, '/api/stats')).text).shared.state === state
    const told = (words: string) => daemon.lines.filter(line => line.includes(words)).length
    const restart = () => server.restart()
    const failures = [
      { fail: () => server.kill(), mend: restart },
      { fail: () => server.ask('SHUTDOWN NOSAVE').catch(() => undefined), mend: restart },
      {
        fail: async () => server.process.kill('SIGSTOP'),
        mend: async () => server.process.kill('SIGCONT'),
      },
    ]
    try {
      for (let round = 0; round < 20; round++) {
        const { fail, mend } = failures[round % failures.length]!
        await fail()
        await until(() => is('left-alone'))
        await mend()
        await until(() => is('serving'))
      }
    } finally {
      ended = true
      await running
    }
    expect(n).toBeGreaterThan(20)
    // Of one that comes and goes the loss is told once.
    await until(() => told('serves again') > 0)
    expect(told('going on without it')).toBe(told('serves again'))
    await daemon.stop()
  })
})
