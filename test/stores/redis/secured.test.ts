// TLS with a certificate of our own, and a user who may do no more than the documentation says.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { openRedisStore } from '../../../src/stores/redis.js'
import { keyOf } from '../../../src/testing/entries.js'
import { deferred, temporaryFolder } from '../../support.js'
import { freePort, until } from '../../waiting.js'
import { closeMachines, openMachine, written } from './caches.js'
import { clusterUrl } from './on-servers.js'
import { missing, startCluster, startServer, stopAll } from './servers.js'

afterAll(stopAll)
afterEach(closeMachines)

/** As docs/shared.md has it. */
const ACCESS = /^ACL SETUSER opdbus on >\S+ (.*)$/m.exec(
  readFileSync(new URL('../../../docs/shared.md', import.meta.url), 'utf8'),
)![1]!

describe.skipIf(missing !== undefined)(`a Redis that is secured${missing ? ` (skipped: ${missing})` : ''}`, () => {
  it('is spoken to with TLS, and not where its certificate is nobody’s that we trust', async ({ skip }) => {
    const dir = temporaryFolder()
    const [key, cert] = [join(dir, 'k.pem'), join(dir, 'c.pem')]
    const made = spawnSync('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
      ...[
        '-subj',
        '/CN=localhost',
        '-addext',
        'subjectAltName=DNS:localhost,IP:127.0.0.1',
        '-keyout',
        key,
        '-out',
        cert,
      ],
    ])
    if (made.status !== 0) skip('no openssl')
    const tlsPort = await freePort()
    const files = [
      '--tls-cert-file',
      cert,
      '--tls-key-file',
      key,
      '--tls-ca-cert-file',
      cert,
      '--tls-auth-clients',
      'no',
    ]
    await startServer(['--tls-port', `${tlsPort}`, ...files])
    const ca = readFileSync(cert)
    for (const host of ['localhost', '127.0.0.1']) {
      const store = openRedisStore({ url: `rediss://${host}:${tlsPort}`, ca, readMs: 10_000, writeMs: 10_000 })
      await store.setMany([[keyOf(1), Uint8Array.of(1, 2, 3)]])
      expect([...(await store.getMany([keyOf(1)]))[0]!]).toEqual([1, 2, 3])
      await store.close()
    }
    const stranger = openRedisStore({ url: `rediss://localhost:${tlsPort}`, readMs: 10_000, writeMs: 10_000 })
    await expect(stranger.getMany([keyOf(1)])).rejects.toMatchObject({ message: expect.stringMatching(/certificate/i) })
    await stranger.close()
  })

  it('serves a user who may do what the documentation says, and that is enough for everything', async () => {
    const server = await startServer()
    expect(await server.ask(`ACL SETUSER opdbus on >p%s ${ACCESS}`, 'ACL SETUSER default off')).not.toContain('-ERR')
    const url = `redis://opdbus:p%25s@127.0.0.1:${server.port}`
    const [one, two] = [await openMachine(url, { sharedCostMs: 0 }), await openMachine(url, { sharedCostMs: 0 })]
    await one.sourceOf('a')
    await written(one)
    expect(await two.sourceOf('a')).toBe('shared')
    expect((await two.caches.stats()).embeddings.shared).toMatchObject({ size: 1, status: { state: 'serving' } })
    expect(await two.caches.embeddings.delete('a')).toBe(true)
    await one.sourceOf('b')
    await written(one)
    await two.sourceOf('b')
    const cleared = deferred<void>()
    two.caches.on('cleared', ({ elsewhere }) => elsewhere && cleared.resolve())
    await one.caches.clear({ shared: true })
    await cleared.promise
    expect([...one.warnings, ...two.warnings]).toEqual([])
  })

  it('of a cluster as well', { timeout: 20_000 }, async () => {
    const servers = await startCluster()
    for (const server of servers) await server.ask(`ACL SETUSER opdbus on >pass ${ACCESS}`, 'ACL SETUSER default off')
    const url = clusterUrl(servers).replace('://', '://opdbus:pass@')
    const [one, two] = [await openMachine(url), await openMachine(url)]
    await one.sourceOf('a')
    await written(one)
    expect(await two.sourceOf('a')).toBe('shared')
    await one.caches.clear({ shared: true })
    expect([...one.warnings, ...two.warnings]).toEqual([])
  })

  it('tells a user who may not, or is not known, what is wrong, and no password', async () => {
    const server = await startServer()
    // There is something to be read, and so the mark of what is believed.
    const writer = await openMachine(server.url)
    await writer.sourceOf('there')
    await written(writer)
    await server.ask('ACL SETUSER reader on >secret ~opdbus:* +@read +@connection', 'ACL SETUSER default on >other')
    const reader = await openMachine(`redis://reader:secret@127.0.0.1:${server.port}`)
    expect(await reader.sourceOf('there')).toBe('shared')
    expect(await reader.sourceOf('a')).toBe('computed')
    expect(await reader.warned(/does not allow/)).not.toContain('secret')
    expect((await reader.caches.stats()).embeddings.shared?.status).toMatchObject({
      // He reads on: somebody else has put what says what was cleared.
      state: 'serving',
      problem: expect.stringContaining('NOPERM'),
    })
    for (const url of [`redis://reader:wrong-secret@127.0.0.1:${server.port}`, server.url]) {
      const stranger = await openMachine(url)
      expect(await stranger.sourceOf('a')).toBe('computed')
      await until(() => stranger.warnings.length > 0)
      expect(stranger.warnings.join()).toMatch(/WRONGPASS|NOAUTH|not allow/)
      expect(stranger.warnings.join()).not.toContain('secret')
    }
  })
})
