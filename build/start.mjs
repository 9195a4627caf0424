// `npm start`: serves the playground on loopback, with the headers that WebAssembly threads need, and prints its address.
// Any host of static files serves the same folder as well.
// @ts-check
import { createReadStream, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { extname, join, normalize, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('../.build/playground', import.meta.url))
const port = readPort(process.argv.slice(2))

/** @type {Readonly<Record<string, string>>} */
const TYPES = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.mjs': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
}
// Workers take their policy from the headers of their own script: the one in index.html does not reach them.
const HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self' blob: 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-cache',
}

const server = createServer((request, response) => {
  for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value)
  if (request.method !== 'GET' && request.method !== 'HEAD') return answer(response, 405, 'only GET and HEAD')
  const file = fileOf(request.url ?? '/')
  if (file === undefined) return answer(response, 404, 'not found')
  const { size, mtimeMs } = statSync(file)
  const tag = `"${size.toString(36)}-${Math.trunc(mtimeMs).toString(36)}"`
  response.setHeader('ETag', tag)
  response.setHeader('Content-Type', TYPES[extname(file)] ?? 'application/octet-stream')
  if (request.headers['if-none-match'] === tag) return answer(response, 304)
  response.setHeader('Content-Length', size)
  if (request.method === 'HEAD') return answer(response, 200)
  createReadStream(file)
    .on('error', () => response.destroy())
    .pipe(response)
})
server.on('error', error => {
  console.error(`npm start: cannot serve on port ${port}: ${error.message}`)
  console.error('Choose another one: npm start -- --port 8081')
  process.exitCode = 1
})
// A name, not an address: service workers and WebGPU need a secure context, and loopback is one.
server.listen(port, '127.0.0.1', () => {
  const address = server.address()
  const at = typeof address === 'object' && address ? address.port : port
  console.log(`The playground is at http://localhost:${at}/  (Ctrl+C ends it)`)
})
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    server.close()
    server.closeAllConnections()
  })
}

/**
 * The file that a URL names; undefined for what is not in the folder.
 * @param {string} url
 */
function fileOf(url) {
  let path
  try {
    path = decodeURIComponent(new URL(url, 'http://localhost').pathname)
  } catch {
    return undefined
  }
  const file = join(folder, normalize(path.endsWith('/') ? `${path}index.html` : path))
  if (path.includes('\0') || relative(folder, file).startsWith('..')) return undefined
  return statSync(file, { throwIfNoEntry: false })?.isFile() ? file : undefined
}

/**
 * @param {import('node:http').ServerResponse} response
 * @param {number} status
 * @param {string} [text]
 */
function answer(response, status, text) {
  response.statusCode = status
  response.end(text)
}

/** @param {readonly string[]} args */
function readPort(args) {
  const at = args.indexOf('--port')
  const value = at >= 0 ? Number(args[at + 1]) : Number(process.env.PORT || 8080)
  if (Number.isInteger(value) && value >= 0 && value < 65_536) return value
  console.error('npm start: --port takes a number from 0 to 65535')
  process.exit(2)
}
