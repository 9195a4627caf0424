// How the console tells apart what may happen to a call: a server of its own that answers, refuses, breaks off, is silent or is not there.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { Client } from '../../console/client.js'
import type { CallFailure } from '../../console/failures.js'

let answer: (request: IncomingMessage, response: ServerResponse) => void = () => {}
const server = createServer((request, response) => answer(request, response))
let url = ''
beforeAll(async () => {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/below/`
  vi.stubGlobal('document', { baseURI: url })
})
afterAll(() => {
  vi.unstubAllGlobals()
  server.closeAllConnections()
  server.close()
})

function newClient() {
  const client = new Client()
  const outcomes: (string | undefined)[] = []
  client.onOutcome = failure => outcomes.push(failure?.kind)
  return { client, outcomes }
}

const failureOf = (call: Promise<unknown>) =>
  call.then(
    () => {
      throw new Error('it was answered')
    },
    (failure: CallFailure) => failure,
  )

it('sends the token as a header, and asks below the address that the page came from', async () => {
  const { client, outcomes } = newClient()
  client.setToken('secret')
  answer = (request, response) => {
    response.end(JSON.stringify([request.url, request.headers.authorization]))
  }
  const asked = await client.get('api/blocks', { params: { limit: 3, plugin: undefined } })
  expect(asked).toEqual(['/below/api/blocks?limit=3', 'Bearer secret'])
  expect(outcomes).toEqual([undefined])
})

it.each([
  [401, '{"error":{"code":"UNAUTHORIZED","message":"a token"}}', 'token', 'UNAUTHORIZED'],
  [403, '{"error":{"code":"FORBIDDEN","message":"not called so"}}', 'refused', 'FORBIDDEN'],
  [400, '{"error":{}}', 'refused', ''],
  [500, 'null', 'refused', ''],
  [502, '<html>', 'unreachable', ''],
  [504, '{"error":{"code":"TIMEOUT","message":"too long"}}', 'refused', 'TIMEOUT'],
  [200, '<html>', 'refused', ''],
])('takes %s with %s for what it is: %s', async (status, body, kind, code) => {
  const { client } = newClient()
  answer = (_request, response) => response.writeHead(status).end(body)
  expect(await failureOf(client.get('api/stats'))).toMatchObject({ kind, code })
})

it('tells what was given up from what broke off, in the middle of an answer too', async () => {
  const { client, outcomes } = newClient()
  const half = (then: (response: ServerResponse) => void) => {
    answer = (_request, response) => {
      response.writeHead(200, { 'content-length': 100 }).write('{"half"')
      then(response)
    }
  }
  const stop = new AbortController()
  const note = client.onOutcome
  // It has begun to come by then.
  client.onOutcome = failure => {
    note(failure)
    stop.abort()
  }
  half(() => {})
  expect(await failureOf(client.get('api/stats', { signal: stop.signal }))).toMatchObject({ kind: 'stopped' })
  client.onOutcome = note
  // Nothing is said of the connection by what we gave up.
  expect(outcomes.filter(kind => kind !== undefined)).toEqual([])
  half(response => setImmediate(() => response.destroy()))
  expect(await failureOf(client.get('api/stats'))).toMatchObject({ kind: 'unreachable' })
})

it('knows silence from absence', async () => {
  const { client, outcomes } = newClient()
  answer = () => {}
  expect(await failureOf(client.get('api/stats', { ms: 30 }))).toMatchObject({ kind: 'slow' })
  vi.stubGlobal('document', { baseURI: 'http://127.0.0.1:9/' })
  expect(await failureOf(client.get('api/stats'))).toMatchObject({ kind: 'unreachable' })
  vi.stubGlobal('document', { baseURI: url })
  expect(outcomes).toEqual(['slow', 'unreachable'])
})
