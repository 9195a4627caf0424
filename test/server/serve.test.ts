// What a daemon is: it listens, tells who is asked, serves over TCP and its socket, and stops.
import { existsSync, statSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, fakeVector, startDaemon, type TestDaemon } from './daemon.js'

let daemon: TestDaemon
beforeAll(async () => {
  daemon = await startDaemon()
})
afterAll(() => daemon.stop())

describe('a daemon', () => {
  it('lives and is ready', async () => {
    expect(await ask(daemon, '/healthz')).toMatchObject({ status: 200, json: { status: 'ok' } })
    expect(await ask(daemon, '/readyz')).toMatchObject({ status: 200, json: { ready: true } })
    expect((await ask(daemon, '/healthz', { method: 'HEAD' })).text).toBe('')
  })

  it('tells who may read why it is not ready, and why rows failed, without the words of the embedder', async () => {
    const other = await startDaemon({
      embedder: {
        space: 'odd',
        dims: 8,
        maxBatch: 1,
        async embed([text]) {
          if (text === 'good') return fakeVector(text)
          throw new Error(`cannot read /secret/place for ${text}`)
        },
      },
    })
    const ready = await ask(other, '/readyz')
    expect(ready).toMatchObject({ status: 503, json: { ready: false, problem: expect.stringMatching(/log/) } })
    const space = (await ask(other, '/api/models')).json[0].space
    const rows = await ask(other, '/api/rows', { body: { texts: ['good', 'bad'], space } })
    expect(rows.json.failed).toMatchObject([{ index: 1, code: 'EMBEDDER_FAILED' }])
    expect(ready.text + rows.text).not.toMatch(/secret|bad/)
    await other.stop()
  })

  it('tells who is asked, and what a token may', async () => {
    const without = await ask(daemon, '/api/daemon')
    expect(without.json).toMatchObject({
      name: 'op-dbus',
      tokens: { read: false, write: true },
      may: { read: true, write: false },
    })
    const { json } = await ask(daemon, '/api/daemon', { headers: daemon.write })
    expect(json.may).toEqual({ read: true, write: true })
    const overSocket = await ask(daemon, '/api/daemon', { overSocket: true })
    expect(overSocket.json.may).toEqual({ read: true, write: true })
  })

  it('has a socket and a token for its owner alone', () => {
    expect(statSync(daemon.socket!).mode & 0o777).toBe(0o600)
    expect(statSync(daemon.writeTokenFile!).mode & 0o777).toBe(0o600)
    expect(statSync(daemon.dir).mode & 0o777).toBe(0o700)
  })

  it('removes its socket when it stops', async () => {
    const other = await startDaemon()
    const { socket } = other
    await other.close()
    expect(existsSync(socket!)).toBe(false)
    await other.stop()
  })
})
