// Where a redirect may lead: not from the wide world into this machine's network, not from https to http, hints only from the hub itself.
import { afterEach, describe, expect, test, vi } from 'vitest'
import { get, type HubSite, statusError } from '../../src/hub/http.js'

afterEach(() => vi.unstubAllGlobals())

/** Asks `endpoint`, which redirects to `location`; what was asked in turn. */
async function follow(endpoint: string, location: string): Promise<{ asked: string[]; error?: unknown }> {
  const asked: string[] = []
  vi.stubGlobal('fetch', async (url: URL) => {
    asked.push(url.href)
    return asked.length === 1 ? new Response('', { status: 302, headers: { location } }) : new Response('file')
  })
  const site: HubSite = { endpoint, token: undefined }
  try {
    const answer = await get(site, `${endpoint}/x`, { signal: undefined, timeoutMs: 1_000 })
    answer.done()
    return { asked }
  } catch (error) {
    return { asked, error }
  }
}

describe('from a hub of the wide world', () => {
  const inner = [
    'http://169.254.169.254/x',
    'http://127.0.0.1:8080/x',
    'http://127.1/x',
    'http://2130706433/x',
    'http://0x7f.1/x',
    'http://0.0.0.0/x',
    'http://localhost/x',
    'http://a.localhost./x',
    'http://10.1.2.3/x',
    'http://172.16.0.1/x',
    'http://172.31.255.255/x',
    'http://192.168.1.1/x',
    'http://100.64.0.1/x',
    'http://[::1]/x',
    'http://[::]/x',
    'http://[fe80::1]/x',
    'http://[fd00::1]/x',
    'http://[::ffff:10.0.0.1]/x',
  ]
  test.each(inner)('%s is not asked', async location => {
    const { asked, error } = await follow('http://hub.example', location)
    expect(asked).toEqual(['http://hub.example/x'])
    expect(error).toMatchObject({ code: 'DOWNLOAD', details: { why: 'refused' } })
  })

  test.each(['http://cdn.example/x', 'http://172.32.0.1/x', 'http://8.8.8.8/x', 'http://[2606:4700::1]/x'])(
    '%s is',
    async location => {
      expect(await follow('http://hub.example', location)).toEqual({ asked: ['http://hub.example/x', location] })
    },
  )

  test('nor plain http from https, loopback or not', async () => {
    for (const location of ['http://cdn.example/x', 'http://127.0.0.1/x']) {
      expect((await follow('https://hub.example', location)).asked).toHaveLength(1)
    }
  })
})

test.each([
  ['http://127.0.0.1:9', 'http://127.0.0.1:10/x'],
  ['http://192.168.1.5', 'http://10.0.0.1/x'],
  ['https://localhost', 'http://127.0.0.1/x'],
  ['https://[::1]', 'http://cdn.example/x'],
])('a hub at %s may redirect to %s', async (endpoint, location) => {
  expect((await follow(endpoint, location)).asked).toHaveLength(2)
})

test('the token is advised only where the hub itself refused', () => {
  const answer = (url: string) => Object.defineProperty(new Response('', { status: 403 }), 'url', { value: url })
  const site = { endpoint: 'https://hub.example/mirror', token: undefined }
  expect(statusError(site, answer('https://hub.example/mirror/x'), 'x').message).toContain('HF_TOKEN')
  expect(statusError(site, answer('https://cdn.example/x'), 'x').message).not.toContain('HF_TOKEN')
})
