// Who may ask a daemon, and what it tells: tokens, hosts, origins, files, headers; and that no text, token or key is in what it logs or tells.
import { chmodSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Auth } from '../../src/server/auth.js'
import type { Routes } from '../../src/server/context.js'
import { Hosts } from '../../src/server/hosts.js'
import { digestOf, readTokenFile } from '../../src/server/tokens.js'
import { temporaryFolder } from '../support.js'
import { type Ask, ask, startDaemon, type TestDaemon } from './daemon.js'

const WRITE = 'write-token-of-this-test-0123456789'
const READ = 'read-token-of-this-test-0123456789'

function tokenFile(dir: string, name: string, token: string, mode = 0o600): string {
  const path = join(dir, name)
  writeFileSync(path, token, { mode })
  chmodSync(path, mode)
  return path
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

describe('on loopback, with no token named', () => {
  let daemon: TestDaemon
  beforeAll(async () => {
    daemon = await startDaemon({ cors: ['https://app.example'], allowHosts: ['op-dbus.test'] })
  })
  afterAll(() => daemon.stop())

  const clear = (how: Ask) => ask(daemon, '/api/cache/clear', { body: { preview: true }, ...how })

  it('everybody here reads, whatever token they send; who changes something needs the write token', async () => {
    expect((await ask(daemon, '/api/stats')).status).toBe(200)
    expect((await ask(daemon, '/api/stats', { headers: bearer('sk-anything') })).status).toBe(200)
    expect(
      (await ask(daemon, '/v1/embeddings', { body: { input: 'a', model: 'fake' }, headers: bearer('sk-x') })).status,
    ).toBe(200)
    const refused = await clear({})
    expect(refused).toMatchObject({ status: 401, json: { error: { code: 'UNAUTHORIZED' } } })
    expect(refused.headers['www-authenticate']).toMatch(/^Bearer/)
    expect((await clear({ headers: bearer('wrong-token-wrong-token') })).status).toBe(401)
    expect((await clear({ headers: daemon.write })).status).toBe(200)
    expect((await clear({ headers: { 'x-api-key': daemon.write.authorization.slice(7) } })).status).toBe(200)
    expect((await clear({ overSocket: true })).status).toBe(200)
  })

  it('a token in an address is none', async () => {
    const token = daemon.write.authorization.slice(7)
    const { status } = await ask(daemon, `/api/cache/clear?token=${token}&access_token=${token}`, { body: {} })
    expect(status).toBe(401)
  })

  it('knows its names and no others (DNS rebinding)', async () => {
    const { port } = new URL(daemon.url)
    const asked = (host: string) => ask(daemon, '/api/stats', { headers: { host } }).then(({ status }) => status)
    for (const host of [
      `localhost:${port}`,
      '127.0.0.1',
      '127.8.9.1:1',
      `[::1]:${port}`,
      `[::ffff:7f00:1]:${port}`,
      'app.localhost',
      'op-dbus.test',
      'OP-DBUS.test:80',
    ]) {
      expect(await asked(host), host).toBe(200)
    }
    for (const host of [
      'evil.example',
      `evil.example:${port}`,
      '127.0.0.1.evil.example',
      'evillocalhost',
      'localhost.evil.example',
      '10.0.0.1',
      '127.0.0.1@evil.example',
    ]) {
      expect(await asked(host), host).toBe(403)
    }
    // Over the socket no page of anybody's asks.
    expect((await ask(daemon, '/api/stats', { overSocket: true, headers: { host: 'evil.example' } })).status).toBe(200)
  })

  it('answers pages of its own and of listed origins alone', async () => {
    const { host } = new URL(daemon.url)
    const from = (origin: string, more: Ask = {}) =>
      ask(daemon, '/api/stats', { ...more, headers: { ...more.headers, origin } })
    expect((await from(daemon.url)).status).toBe(200)
    for (const origin of [
      `https://${host}`,
      'https://evil.example',
      'null',
      'file://',
      'http://localhost:1',
      'https://app.example.evil',
      'https://app.example:444',
    ]) {
      const { status, headers } = await from(origin)
      expect([status, headers['access-control-allow-origin']], origin).toEqual([403, undefined])
    }
    const { status, headers } = await from('https://app.example')
    expect([status, headers['access-control-allow-origin'], headers.vary]).toEqual([
      200,
      'https://app.example',
      'origin',
    ])
    expect((await from(daemon.url)).headers['access-control-allow-origin']).toBeUndefined()
    const preflight = await from('https://app.example', {
      method: 'OPTIONS',
      headers: { 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' },
    })
    expect([preflight.status, preflight.headers['access-control-allow-methods']]).toEqual([204, 'GET, POST'])
    expect((await from('https://evil.example', { method: 'OPTIONS' })).status).toBe(403)
    // From a listed page too, changing something takes the token.
    expect((await clear({ headers: { origin: 'https://app.example' } })).status).toBe(401)
  })

  it('takes JSON alone', async () => {
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data',
      'application/jsonp',
      'text/plain; application/json',
      '',
    ]) {
      const headers = { ...daemon.write, 'content-type': type }
      expect((await ask(daemon, '/api/cache/clear', { body: '{}', headers })).status, type).toBe(415)
    }
    const headers = { ...daemon.write, 'content-type': 'application/json; charset=utf-8' }
    expect((await clear({ headers })).status).toBe(200)
  })

  it('says what is not there, and what an address takes', async () => {
    expect(await ask(daemon, '/api/nothing')).toMatchObject({ status: 404, json: { error: { code: 'NOT_FOUND' } } })
    expect(await ask(daemon, '/v1/nothing')).toMatchObject({
      status: 404,
      json: { error: { type: 'invalid_request_error' } },
    })
    const put = await ask(daemon, '/api/stats', { method: 'PUT', body: {} })
    expect([put.status, put.headers.allow]).toEqual([405, 'GET'])
    const get = await ask(daemon, '/v1/embeddings')
    expect([get.status, get.headers.allow]).toEqual([405, 'POST'])
  })

  it('serves the files of its console, and nothing beside them', async () => {
    const page = await ask(daemon, '/')
    expect(page.status).toBe(200)
    const { headers } = page
    expect(headers['content-security-policy']).toContain(
      "default-src 'none'; script-src 'self' blob: 'wasm-unsafe-eval'",
    )
    expect(headers['content-security-policy']).not.toMatch(/unsafe-inline|'unsafe-eval'|https?:/)
    expect(headers).toMatchObject({
      'cross-origin-embedder-policy': 'require-corp',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    })
    const manifest = await ask(daemon, '/op-dbus/op-dbus-assets.json')
    expect(manifest.json.files['worker.js'].bytes).toBeGreaterThan(1000)
    const { etag } = manifest.headers
    const again = await ask(daemon, '/op-dbus/op-dbus-assets.json', { headers: { 'if-none-match': String(etag) } })
    expect([again.status, again.text]).toEqual([304, ''])
    const wasm = Object.keys(manifest.json.files).find(name => name.endsWith('.wasm'))!
    const head = await ask(daemon, `/op-dbus/${wasm}`, { method: 'HEAD' })
    expect(head.headers).toMatchObject({
      'content-type': 'application/wasm',
      'content-length': `${manifest.json.files[wasm].bytes}`,
    })
    const worker = await ask(daemon, '/op-dbus/worker.js')
    expect(Buffer.byteLength(worker.text)).toBe(manifest.json.files['worker.js'].bytes)
    for (const path of [
      '/../package.json',
      '/op-dbus/../package.json',
      '/op-dbus/..%2f..%2fpackage.json',
      '/%2e%2e/%2e%2e/etc/passwd',
      '/op-dbus/%2e%2e/cli.js',
      '//etc/passwd',
      '/op-dbus/worker.js%00.txt',
      '/..\\..\\package.json',
      '/cli.js',
      '/op-dbus',
    ]) {
      expect((await ask(daemon, path)).status, path).toBeGreaterThanOrEqual(400)
    }
  })
})

describe('with tokens named', () => {
  let daemon: TestDaemon
  let folder: string
  beforeAll(async () => {
    folder = temporaryFolder()
    mkdirSync(join(folder, 'in'), { recursive: true })
    daemon = await startDaemon({
      tokenFile: tokenFile(folder, 'write', `${WRITE}\n`),
      readTokenFile: tokenFile(folder, 'read', READ),
    })
  })
  afterAll(() => daemon.stop())

  it('reading takes one of them, changing the one for writing', async () => {
    const asked = async (token?: string) => {
      const headers = token === undefined ? {} : bearer(token)
      const read = await ask(daemon, '/api/stats', { headers })
      const write = await ask(daemon, '/api/cache/clear', { headers, body: { preview: true } })
      const { json } = await ask(daemon, '/api/daemon', { headers })
      return [read.status, write.status, json.may.read, json.may.write]
    }
    expect(await asked()).toEqual([401, 401, false, false])
    expect(await asked('another-token-altogether')).toEqual([401, 401, false, false])
    expect(await asked(READ)).toEqual([200, 403, true, false])
    expect(await asked(WRITE)).toEqual([200, 200, true, true])
    expect(await asked(WRITE.slice(0, -1))).toEqual([401, 401, false, false])
    expect((await ask(daemon, '/api/stats', { overSocket: true })).status).toBe(200)
  })

  it('what is open stays open, and says no more than it must', async () => {
    for (const path of ['/', '/healthz', '/readyz', '/api/daemon'])
      expect((await ask(daemon, path)).status, path).toBe(200)
    for (const path of ['/metrics', '/events', '/api/openapi.json', '/api/models', '/v1/models']) {
      expect((await ask(daemon, path)).status, path).toBe(401)
    }
    const openai = await ask(daemon, '/v1/embeddings', { body: { input: 'a' } })
    expect(openai).toMatchObject({ status: 401, json: { error: { code: 'invalid_api_key' } } })
    expect(await ask(daemon, '/api/embed', { body: {} })).toMatchObject({
      status: 401,
      json: { error: expect.any(String) },
    })
    expect(await ask(daemon, '/embed', { body: {} })).toMatchObject({
      status: 401,
      json: { error_type: 'Unauthorized' },
    })
  })
})

describe('files of tokens', () => {
  it('are refused when they are empty, short, or others may read them', () => {
    const dir = temporaryFolder()
    const read = (token: string, mode?: number) => () =>
      readTokenFile(tokenFile(dir, `t${Math.random()}`, token, mode), 'token-file')
    expect(read(WRITE)()).toEqual(digestOf(WRITE))
    expect(read(`${WRITE}\n`, 0o400)()).toEqual(digestOf(WRITE))
    for (const mode of [0o604, 0o640, 0o644, 0o622, 0o660, 0o606])
      expect(read(WRITE, mode), mode.toString(8)).toThrow(/chmod 600/)
    expect(read('')).toThrow(/it is empty/)
    expect(read(' \n')).toThrow(/it is empty/)
    expect(read('short')).toThrow(/at least 16/)
    expect(read('two lines of text\nare none here')).toThrow(/one line/)
    expect(read('x'.repeat(5000))).toThrow(/too long/)
    expect(() => readTokenFile(join(dir, 'missing'), 'token-file')).toThrow(/cannot read/)
    expect(() => readTokenFile(dir, 'token-file')).toThrow(/not a file/)
    symlinkSync(tokenFile(dir, 'real', WRITE), join(dir, 'link'))
    expect(readTokenFile(join(dir, 'link'), 'token-file')).toEqual(digestOf(WRITE))
  })

  it('a host that others reach needs one, and the two differ', async () => {
    const dir = temporaryFolder()
    for (const host of ['0.0.0.0', '::', '192.0.2.1']) {
      await expect(startDaemon({ host })).rejects.toMatchObject({
        code: 'INVALID_INPUT',
        message: expect.stringContaining('--token-file'),
      })
    }
    const file = tokenFile(dir, 'one', WRITE)
    await expect(startDaemon({ tokenFile: file, readTokenFile: file })).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    const daemon = await startDaemon({ host: '0.0.0.0', tokenFile: file })
    const { port } = new URL(daemon.url)
    const asked = { url: `http://127.0.0.1:${port}` }
    expect((await ask(asked, '/api/stats')).status).toBe(401)
    // Any name will do where a token decides.
    expect((await ask(asked, '/api/stats', { headers: { ...bearer(WRITE), host: 'op-dbus:8787' } })).status).toBe(200)
    await daemon.stop()
  })

  it('the one that is made is kept, for its owner alone', async () => {
    const first = await startDaemon()
    const { dataDir } = first
    const file = join(dataDir, 'daemon', 'write-token')
    const token = readFileSync(file, 'utf8')
    expect(token).toMatch(/^[\w-]{43}\n$/)
    expect(statSync(join(dataDir, 'daemon')).mode & 0o777).toBe(0o700)
    const second = await startDaemon({ dataDir })
    expect(readFileSync(file, 'utf8')).toBe(token)
    await Promise.all([first.stop(), second.stop()])
  })
})

it('a route that does not say whose business it is, or changes something by GET, is refused at the start', async () => {
  const silent: Routes = app => void app.get('/silent', async () => 'x')
  await expect(startDaemon({}, [silent])).rejects.toThrow(/\/silent does not say whose business/)
  const changing: Routes = app => void app.get('/changing', { config: { access: 'write' } }, async () => 'x')
  await expect(startDaemon({}, [changing])).rejects.toThrow(/POST alone/)
})

it('tokens are compared as digests: no length and no beginning decides', () => {
  const auth = new Auth({ write: digestOf(WRITE), read: digestOf(READ), readTakesToken: true })
  const may = (authorization: string) => auth.permissionOf({ authorization }, false)
  expect(may(`bearer ${WRITE}`)).toEqual({ read: true, write: true })
  for (const wrong of [
    '',
    'Bearer',
    `Basic ${WRITE}`,
    `Bearer ${WRITE}x`,
    `Bearer ${READ} ${WRITE}`,
    'Bearer __proto__',
  ]) {
    expect(may(wrong), wrong).toEqual({ read: false, write: false })
  }
})

it('where it listens to others, listed names alone count once there are some', () => {
  const open = new Hosts({ loopback: false, allowHosts: [], cors: [] })
  expect(open.check({ host: 'anything.example' })).toBeUndefined()
  const listed = new Hosts({ loopback: false, allowHosts: ['a.example'], cors: [] })
  expect(listed.check({ host: 'a.example:80' })).toBeUndefined()
  for (const host of ['b.example', '', ' ']) expect(() => listed.check({ host }), host).toThrow()
})

describe('what it logs, counts and tells', () => {
  it('holds no text, no token and no query string, whatever goes wrong', async () => {
    const SECRET = 'SECRETTEXT'
    const daemon = await startDaemon()
    const heard: string[] = []
    const bodies = [
      { input: `${SECRET} one`, model: 'fake' },
      { input: [`${SECRET} two`, `${SECRET} three`], model: 'fake' },
      { input: `${SECRET} four`, model: `${SECRET} model` },
      { input: { [SECRET]: SECRET } },
      { input: [SECRET, 1, null] },
      { strange: SECRET },
      { inputs: `${SECRET} five`, truncate: SECRET },
      { text: `${SECRET} six`, neighbours: SECRET },
      { model: 'fake', input: `${SECRET} seven`, prompt: SECRET },
      { desired: `{"${SECRET}": ${SECRET}}` },
      `{"input": "${SECRET}`,
      `${SECRET}`,
      `{"input": "${SECRET}", "__proto__": {"${SECRET}": 1}}`,
    ]
    const told: string[] = []
    for (const path of [
      '/v1/embeddings',
      '/embed',
      '/api/embed',
      '/api/cache/warm',
      '/api/diff',
      '/api/cache/clear',
      `/api/${SECRET}`,
    ]) {
      for (const body of bodies) {
        const { status, text, headers } = await ask(daemon, `${path}?q=${SECRET}`, {
          body,
          headers: { ...daemon.write, 'x-request-id': SECRET, 'user-agent': SECRET },
        })
        expect(status, `${path} ${JSON.stringify(body)}`).not.toBe(500)
        // What is wrong in a desired state is shown to who sent it: they see the place.
        if (status >= 400 && path !== '/api/diff') heard.push(text)
        heard.push(JSON.stringify(headers))
      }
    }
    await ask(daemon, `/api/stats?${SECRET}`, { headers: { authorization: `Bearer ${SECRET}${SECRET}` } })
    await ask(daemon, `/${SECRET}`, { method: 'DELETE' })
    told.push(
      (await ask(daemon, '/metrics')).text,
      (await ask(daemon, '/api/stats')).text,
      (await ask(daemon, '/api/models')).text,
    )
    const token = daemon.write.authorization.slice(7)
    await daemon.close()
    const everything = [...heard, ...told, ...daemon.lines]
    expect(daemon.lines.length).toBeGreaterThan(80)
    expect(everything.filter(text => text.includes(SECRET))).toEqual([])
    expect(everything.filter(text => text.includes(token))).toEqual([])
    for (const line of daemon.lines)
      expect(Object.keys(JSON.parse(line))).toEqual(expect.arrayContaining(['time', 'level', 'event']))
    await daemon.stop()
  })

  it('an error that nobody foresaw says no more than that, and the log where', async () => {
    const routes: Routes[] = [
      app =>
        void app.get('/fails', { config: { access: 'read' } }, async () => {
          throw new Error('SECRETTEXT')
        }),
    ]
    const daemon = await startDaemon({}, routes)
    const { status, text, headers } = await ask(daemon, '/fails')
    expect(status).toBe(500)
    expect(text).not.toContain('SECRET')
    const line = daemon.lines.find(one => one.includes('"failed"'))!
    expect(line).toContain(String(headers['x-request-id']))
    expect(line).toContain('security.test.ts')
    expect(daemon.lines.join('')).not.toContain('SECRET')
    await daemon.stop()
  })
})
