// The console and the files that pages of it need, as they lie in this package: a list that is made once, so that no request chooses a path.
import { createReadStream, readFileSync, statSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { ASSETS_MANIFEST, type AssetsManifest } from '../../assets-manifest.js'
import { ownFolder, resolveDependency } from '../../node/own-files.js'
import type { App, Routes } from '../context.js'

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.mjs': 'text/javascript; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json',
}

/** Scripts of ours alone; workers run from bytes that were checked (`blob:`), and take their policy from these headers too. */
const POLICY = {
  'cache-control': 'no-cache',
  'content-security-policy':
    "default-src 'none'; script-src 'self' blob: 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-embedder-policy': 'require-corp',
  'cross-origin-opener-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
}

interface StaticFile {
  /** Absolute. */
  readonly path: string
  readonly bytes: number
  readonly tag: string
}

export const consoleRoutes: Routes = async app => {
  const files = await listed(ownFolder())
  for (const [url, file] of files) serveFile(app, url, file)
  const page = files.get('/index.html')
  if (page) return serveFile(app, '/', page)
  app.route({
    method: ['GET', 'HEAD'],
    url: '/',
    config: { access: 'open', counted: 'console' },
    schema: { hide: true },
    handler: async (_request, reply) => reply.headers(POLICY).type(TYPES['.html']!).send(WITHOUT_CONSOLE),
  })
}

function serveFile(app: App, url: string, { path, bytes, tag }: StaticFile): void {
  const type = TYPES[extname(path)] ?? 'application/octet-stream'
  app.route({
    method: ['GET', 'HEAD'],
    url,
    config: { access: 'open', counted: 'console' },
    schema: { hide: true },
    async handler(request, reply) {
      reply.headers(POLICY).header('etag', tag)
      if (matches(request.headers['if-none-match'], tag)) return reply.code(304).send()
      reply.type(type).header('content-length', bytes)
      return reply.send(request.method === 'HEAD' ? '' : createReadStream(path, { end: Math.max(0, bytes - 1) }))
    },
  })
}

function matches(header: string | undefined, tag: string): boolean {
  return (header ?? '').split(',').some(one => one.trim().replace(/^W\//, '') === tag)
}

/** By address: the console at the top, what the web root loads below `/op-dbus/`. */
async function listed(folder: string): Promise<Map<string, StaticFile>> {
  const files = new Map<string, StaticFile>()
  const console = join(folder, 'console')
  for (const name of await readdir(console, { recursive: true }).catch(() => [])) {
    const path = join(console, name)
    const info = statSync(path)
    if (!info.isFile()) continue
    const tag = `"${info.size.toString(36)}-${Math.trunc(info.mtimeMs).toString(36)}"`
    files.set(`/${name.replaceAll('\\', '/')}`, { path, bytes: info.size, tag })
  }
  const manifest = join(folder, ASSETS_MANIFEST)
  const assets = JSON.parse(readFileSync(manifest, 'utf8')) as AssetsManifest
  for (const [name, { bytes, sha256 }] of Object.entries(assets.files)) {
    const path = assetPath(folder, name)
    // One that is not as it was published is missing here as well: the page says so by its hash.
    if (path === undefined || statSync(path, { throwIfNoEntry: false })?.size !== bytes) continue
    files.set(`/op-dbus/${name}`, { path, bytes, tag: `"${sha256.slice(0, 32)}"` })
  }
  const { size, mtimeMs } = statSync(manifest)
  files.set(`/op-dbus/${ASSETS_MANIFEST}`, { path: manifest, bytes: size, tag: `"${size}-${Math.trunc(mtimeMs)}"` })
  return files
}

/** ONNX Runtime's files come from its own package. */
function assetPath(folder: string, name: string): string | undefined {
  if (!name.startsWith('ort/')) return join(folder, name)
  try {
    return resolveDependency(`onnxruntime-web/${name.slice('ort/'.length)}`)
  } catch {
    return undefined
  }
}

const WITHOUT_CONSOLE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>op-dbus</title>
<h1>op-dbus</h1>
<p>The server runs. The console is not part of this build: <code>npm run build</code> makes it.</p>
<p>What there is to ask: <a href="/api/openapi.json">/api/openapi.json</a></p>
</html>
`
