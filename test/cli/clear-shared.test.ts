// `op-dbus cache clear --shared` where nobody answers: what went, then what did not, each once.
import { afterEach, expect, it, vi } from 'vitest'
import { openRedisStore } from '../../src/stores/redis.js'
import { openMachine } from '../stores/redis/caches.js'
import { temporaryFolder } from '../support.js'
import { freePort } from '../waiting.js'
import { answered } from './in-process.js'

afterEach(() => {
  vi.unstubAllEnvs()
})

it('says what it cleared on this machine, and what stays and why', async () => {
  const dir = temporaryFolder()
  const at = `127.0.0.1:${await freePort()}`
  const { caches } = await openMachine(`redis://${at}`, { dir })
  await caches.embeddings.embedMany(['a', 'b'])
  await caches.close()
  vi.stubEnv('OPDBUS_SHARED_URL', `redis://${at}`)
  const { code, stderr } = await answered(['cache', 'clear', '--embeddings', '--shared', '--no-daemon', '--dir', dir])
  const lines = stderr.trimEnd().split('\n')
  expect([code, ...lines.filter(line => !line.includes('going on without it'))]).toEqual([
    6,
    expect.stringMatching(/^cleared on this machine: embeddings \(2 entries, /),
    `op-dbus: what machines share was not cleared: ${at} is left alone: connect ECONNREFUSED ${at}`,
    '  other machines may go on with their copies: clear it again when that is mended',
  ])
  const store = openRedisStore({ url: `redis://${at}` })
  await expect(store.clear()).rejects.toThrow(
    `not all values were removed, and other machines could not be told and go on with their copies; clear it again: ${at}`,
  )
  await expect(store.clear()).rejects.not.toThrow(/ECONNREFUSED.*ECONNREFUSED|not all.*but/)
  await store.close()
})
