// A static file server on loopback for browser tests, with faults for single paths and a log of what was asked for.
import { createReadStream, existsSync, statSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, normalize } from 'node:path'

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json',
}
const BLANK = '<!doctype html><html lang="en"><meta charset="utf-8"><title>test</title><link rel="icon" href="data:,">'

export interface ServeOptions {
  /** URL prefix -> folder; the longest prefix that fits wins. `{ '/': dir }` serves one folder. */
  readonly folders?: Readonly<Record<string, string>>
  /** URL path -> body. Wins over folders. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>
  /** Sends COOP `same-origin` and COEP `require-corp`: pages are cross-origin isolated. `html`: with HTML alone. Default false. */
  readonly isolated?: boolean | 'html'
  /** False: a part that is asked for is answered with the whole. Default true. */
  readonly ranges?: boolean
  /** False: no answer says how long it is. Default true. */
  readonly lengths?: boolean
  /** Sent with every answer, for example a Content-Security-Policy. */
  readonly headers?: Readonly<Record<string, string>>
}

export type Fault =
  /** An answer of this status with an empty body. */
  | { readonly status: number }
  /**
   * Only the first `cutAt` bytes, then the connection ends, once `until` has resolved: a browser throws away what its page
   * has not read by then. The length announced is the whole one. `times`: then it is mended.
   */
  | { readonly cutAt: number; readonly times?: number; readonly until?: Promise<unknown> }
  /** Other bytes than those that are there. */
  | { readonly body: string | Uint8Array }
  /** Answers when the promise resolves. */
  | { readonly after: Promise<unknown> }

export interface TestServer {
  /** `http://127.0.0.1:<port>`, without a slash at the end. A secure context. */
  readonly url: string
  /** Paths in the order in which they were asked for, without the query; oldest first. */
  readonly requests: string[]
  /** Parts that were asked for, each as `path bytes=from-`. */
  readonly parts: string[]
  /** What a path gets from now on; undefined mends it. */
  fault(path: string, fault: Fault | undefined): void
  close(): Promise<void>
}

/** `/` is a blank page where no folder or file says otherwise; what is nowhere is a 404. */
export async function startServer(options: ServeOptions = {}): Promise<TestServer> {
  const faults = new Map<string, Fault>()
  const requests: string[] = []
  const parts: string[] = []
  const prefixes = Object.keys(options.folders ?? {}).sort((a, b) => b.length - a.length)

  const bodyOf = (path: string): string | Uint8Array | { file: string } | undefined => {
    const body = options.files?.[path]
    if (body !== undefined) return body
    const prefix = prefixes.find(one => path.startsWith(one))
    if (prefix !== undefined) {
      const file = join(options.folders![prefix]!, normalize(`/${path.slice(prefix.length)}`))
      for (const one of [file, join(file, 'index.html')]) {
        if (existsSync(one) && statSync(one).isFile()) return { file: one }
      }
    }
    return path === '/' ? BLANK : undefined
  }

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname)
    requests.push(path)
    const { range } = request.headers
    if (range) parts.push(`${path} ${range}`)
    const fault = faults.get(path)
    if (fault && 'after' in fault) await fault.after
    const body = fault && 'body' in fault ? fault.body : bodyOf(path)
    const status = fault && 'status' in fault ? fault.status : body === undefined ? 404 : 200
    response.statusCode = status
    response.setHeader('Cache-Control', 'no-store')
    response.setHeader('Cross-Origin-Resource-Policy', 'same-origin')
    if (options.isolated === true || (options.isolated && path.endsWith('/'))) {
      response.setHeader('Cross-Origin-Opener-Policy', 'same-origin')
      response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp')
    }
    for (const [name, value] of Object.entries(options.headers ?? {})) response.setHeader(name, value)
    if (body === undefined || status !== 200) return void response.end()
    const onDisk = typeof body === 'object' && 'file' in body
    const type = TYPES[extname(onDisk ? body.file : path)]
    response.setHeader('Content-Type', type ?? (path.endsWith('/') ? TYPES['.html']! : 'application/octet-stream'))
    const bytes = onDisk ? undefined : Buffer.from(body as string)
    const size = bytes?.length ?? statSync((body as { file: string }).file).size
    const from = options.ranges === false ? 0 : Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0)
    if (from > 0) {
      response.statusCode = 206
      response.setHeader('Content-Range', `bytes ${from}-${size - 1}/${size}`)
    }
    if (options.lengths !== false) response.setHeader('Content-Length', size - from)
    if (request.method === 'HEAD') return void response.end()
    if (fault && 'cutAt' in fault) {
      if (fault.times !== undefined) faults.set(path, { ...fault, times: fault.times - 1 })
      if (fault.times === 1) faults.delete(path)
      const whole = bytes ?? (await readAll((body as { file: string }).file))
      response.write(whole.subarray(from, from + fault.cutAt), async () => {
        await fault.until
        response.destroy()
      })
    } else if (bytes) response.end(bytes.subarray(from))
    else createReadStream((body as { file: string }).file, { start: from }).pipe(response)
  }

  const server = createServer((request, response) => {
    answer(request, response).catch(error => response.destroy(error as Error))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    parts,
    fault(path, fault) {
      if (fault) faults.set(path, fault)
      else faults.delete(path)
    },
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function readAll(file: string): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of createReadStream(file)) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
