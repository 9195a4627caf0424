// Serves the page beside it, and what `op-dbus assets` has written, on this machine alone.
//
//   npx op-dbus assets examples/page/op-dbus          (in this repository: node dist/cli.js assets examples/page/op-dbus)
//   node examples/page/server.mjs 8080                a second argument names another folder of assets
//
// The two headers of every answer isolate the page, which lets WebAssembly use threads. Any static server will do that sends them.
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { createServer } from 'node:http'
import { extname, join, resolve, sep } from 'node:path'

const here = import.meta.dirname
const assets = resolve(process.argv[3] ?? join(here, 'op-dbus'))
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
}

/**
 * Only the page and the files of the assets: nothing above that folder.
 * @param {string} path
 */
function fileOf(path) {
  if (path === '/') return join(here, 'index.html')
  if (!path.startsWith('/op-dbus/')) return undefined
  const file = resolve(assets, `.${path.slice('/op-dbus'.length)}`)
  return file.startsWith(assets + sep) ? file : undefined
}

const server = createServer(async (request, response) => {
  // No file that is served has a name that would be escaped in an address.
  const file = fileOf(new URL(request.url ?? '/', 'http://127.0.0.1').pathname)
  const found = file && (await stat(file).catch(() => undefined))
  if (!file || !found?.isFile()) return void response.writeHead(404).end()
  response.writeHead(200, {
    'Content-Type': TYPES[/** @type {keyof typeof TYPES} */ (extname(file))] ?? 'application/octet-stream',
    'Content-Length': found.size,
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Embedder-Policy': 'require-corp',
  })
  createReadStream(file).pipe(response)
})

server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => {
  const address = server.address()
  if (typeof address === 'object') console.log(`http://127.0.0.1:${address?.port}/`)
})
process.once('SIGTERM', () => server.close().closeAllConnections())
