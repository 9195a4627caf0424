// A small HTTP service on this machine: POST texts, one a line, and get their vectors.
//
//   node examples/http-handler.mjs 8080
//   printf 'eth0 is up\neth0 is down\n' | curl --data-binary @- http://127.0.0.1:8080/embed
//
// One set of caches serves all requests: equal texts of different clients are computed once. When a client leaves, its own wait
// ends; what others wait for goes on. There is no authentication, so it listens on the loopback address alone.
import { createServer } from 'node:http'
import { BatchError, isOpDbusError, openCaches } from 'op-dbus'

const MAX_CHARACTERS = 1_000_000
const caches = await openCaches()

const server = createServer((request, response) => {
  answer(request, response).catch(error => {
    // Nobody is there to be answered any more.
    if (response.destroyed) return console.error(`a client left: ${error.code}`)
    // A batch says of each row what failed; the first reason stands for all.
    const reason = error instanceof BatchError ? error.failed[0].error : error
    const status = isOpDbusError(reason, 'OVERLOADED') ? 503 : isOpDbusError(reason, 'INVALID_INPUT') ? 400 : 500
    send(response, status, { error: reason.message, code: reason.code })
  })
})

/**
 * @param {import('node:http').IncomingMessage} request
 * @param {import('node:http').ServerResponse} response
 */
async function answer(request, response) {
  if (request.url !== '/embed') return send(response, 404, { error: 'there is only /embed' })
  if (request.method !== 'POST') return send(response, 405, { error: 'POST texts, one a line' })
  const gone = new AbortController()
  // It is told after every answer too, when there is nothing left to end.
  response.once('close', () => gone.abort())

  let body = ''
  for await (const chunk of request.setEncoding('utf8')) {
    body += chunk
    if (body.length > MAX_CHARACTERS) return send(response, 413, { error: `at most ${MAX_CHARACTERS} characters` })
  }
  const texts = body.split('\n').filter(line => line !== '')
  const { matrix, dims, sources } = await caches.embeddings.embedMany(texts, { signal: gone.signal })
  const vectors = texts.map((_, row) => Array.from(matrix.subarray(row * dims, (row + 1) * dims)))
  send(response, 200, { dims, sources, vectors })
}

/**
 * @param {import('node:http').ServerResponse} response
 * @param {number} status
 * @param {object} body
 */
function send(response, status, body) {
  // The rest of a body that is too long is not read.
  if (status === 413) response.setHeader('Connection', 'close')
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(`${JSON.stringify(body)}\n`)
}

server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => {
  const address = server.address()
  if (typeof address === 'object') console.log(`http://127.0.0.1:${address?.port}/embed`)
})
process.once('SIGTERM', async () => {
  server.close()
  server.closeIdleConnections()
  await caches.close()
})
