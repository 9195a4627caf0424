// A small S3 over real HTTP: objects in memory, signatures worked out anew and compared, faults as a test wants them. And moto's server,
// where it is installed.
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash, createHmac } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import { onPath } from '../programs.js'

export const CREDENTIALS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }
export const BUCKET = 'vectors'
export const REGION = 'eu-test-1'

/** What becomes of a request: it is answered with this status and code, its body is cut, or goes no further, after so many bytes, nothing is ever sent, or the connection is closed. */
export type Fault =
  | { readonly status: number; readonly code?: string; readonly headers?: Readonly<Record<string, string>> }
  | { readonly cutAfter: number }
  | { readonly stallAfter: number }
  | 'silence'
  | 'reset'
  | 'no ranges'
  | undefined

export interface Asked {
  readonly method: string
  /** Without the bucket. */
  readonly key: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
}

export class S3Server {
  readonly objects = new Map<string, Buffer>()
  readonly asked: Asked[] = []
  /** How many objects a page of a list has. */
  pageSize = 3
  fault: (asked: Asked) => Fault = () => undefined
  readonly #server: Server
  readonly #stuck = new Set<ServerResponse>()

  private constructor() {
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch(error => response.destroy(error))
    })
  }

  static async start(): Promise<S3Server> {
    const started = new S3Server()
    await new Promise<void>(resolve => started.#server.listen(0, '127.0.0.1', resolve))
    return started
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** The variables by which the library finds it. */
  get env(): Record<string, string> {
    return environment(this.endpoint)
  }

  count(method: string): number {
    return this.asked.filter(one => one.method === method).length
  }

  async stop(): Promise<void> {
    for (const response of this.#stuck) response.destroy()
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url!, this.endpoint)
    const [, bucket, ...rest] = url.pathname.split('/').map(decodeURIComponent)
    const asked = { method: request.method!, key: rest.join('/'), query: url.searchParams, headers: request.headers }
    this.asked.push(asked)
    const fault = this.fault(asked)
    if (fault === 'silence') {
      this.#stuck.add(response)
      return
    }
    if (fault === 'reset') return void request.socket.destroy()
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const body = Buffer.concat(chunks)
    const refuse = (status: number, code: string, headers: Readonly<Record<string, string>> = {}) => {
      response.writeHead(status, { 'content-type': 'application/xml', ...headers })
      response.end(
        `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${CREDENTIALS.secretAccessKey}</Message></Error>`,
      )
    }
    if (fault !== undefined && fault !== 'no ranges' && 'status' in fault)
      return refuse(fault.status, fault.code ?? 'Fault', fault.headers)
    if (!isSigned(request, url, body)) return refuse(403, 'SignatureDoesNotMatch')
    if (bucket !== BUCKET) return refuse(404, 'NoSuchBucket')
    const send = (status: number, bytes: Buffer, headers: Readonly<Record<string, string>> = {}) => {
      response.writeHead(status, { 'content-length': bytes.length, ...headers })
      if (typeof fault === 'object' && 'cutAfter' in fault) {
        return void response.write(bytes.subarray(0, fault.cutAfter), () => response.destroy())
      }
      if (typeof fault === 'object' && 'stallAfter' in fault) {
        this.#stuck.add(response)
        return void response.write(bytes.subarray(0, fault.stallAfter))
      }
      response.end(bytes)
    }
    if (asked.method === 'PUT') {
      if (request.headers['content-length'] === undefined) return refuse(411, 'MissingContentLength')
      if (this.objects.has(asked.key)) {
        if (request.headers['if-none-match'] === '*') return refuse(412, 'PreconditionFailed')
      }
      this.objects.set(asked.key, body)
      return send(200, Buffer.alloc(0))
    }
    if (asked.key === '')
      return send(200, Buffer.from(this.#page(url.searchParams)), { 'content-type': 'application/xml' })
    const object = this.objects.get(asked.key)
    if (object === undefined) return refuse(404, 'NoSuchKey')
    const from = fault === 'no ranges' ? undefined : /^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1]
    if (from === undefined) return send(200, object)
    const range = `bytes ${from}-${object.length - 1}/${object.length}`
    return send(206, object.subarray(Number(from)), { 'content-range': range })
  }

  #page(query: URLSearchParams): string {
    const prefix = query.get('prefix') ?? ''
    const keys = [...this.objects.keys()].filter(key => key.startsWith(prefix)).sort()
    const from = Number(query.get('continuation-token') ?? 0)
    const page = keys.slice(from, from + this.pageSize)
    const more = from + page.length < keys.length
    const contents = page.map(
      key =>
        `<Contents><Key>${key.replaceAll('&', '&amp;')}</Key><Size>${this.objects.get(key)!.length}</Size></Contents>`,
    )
    return `<?xml version="1.0"?><ListBucketResult><IsTruncated>${more}</IsTruncated>${contents.join('')}${
      more ? `<NextContinuationToken>${from + page.length}</NextContinuationToken>` : ''
    }</ListBucketResult>`
  }
}

export function environment(endpoint: string): Record<string, string> {
  return {
    AWS_ENDPOINT_URL_S3: endpoint,
    AWS_REGION: REGION,
    AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
  }
}

/** Signature Version 4, worked out as its documentation says. */
function isSigned({ method, headers }: IncomingMessage, url: URL, body: Buffer): boolean {
  const sha256 = (text: string | Buffer) => createHash('sha256').update(text).digest('hex')
  const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest()
  const match =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(
      headers.authorization ?? '',
    )
  if (match === null || headers['x-amz-content-sha256'] !== sha256(body)) return false
  const [, id, date = '', region = '', names = '', signature] = match
  if (
    id !== CREDENTIALS.accessKeyId ||
    region !== REGION ||
    !['host', 'x-amz-date', 'x-amz-content-sha256'].every(name => names.split(';').includes(name))
  )
    return false
  const query = [...url.searchParams]
    .map(([name, value]) => `${strict(name)}=${strict(value)}`)
    .sort()
    .join('&')
  const signed = names.split(';').map(name => `${name}:${headers[name]}\n`)
  const path = url.pathname
    .split('/')
    .map(part => strict(decodeURIComponent(part)))
    .join('/')
  const canonical = [method, path, query, signed.join(''), names, headers['x-amz-content-sha256']].join('\n')
  const scope = `${date}/${region}/s3/aws4_request`
  const text = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, sha256(canonical)].join('\n')
  const key = ['s3', 'aws4_request'].reduce(hmac, hmac(hmac(`AWS4${CREDENTIALS.secretAccessKey}`, date), region))
  return hmac(key, text).toString('hex') === signature
}

function strict(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, one => `%${one.charCodeAt(0).toString(16).toUpperCase()}`)
}

/** moto's program, or why its tests are skipped. */
export function findMoto(): { readonly path: string } | { readonly missing: string } {
  const path = process.env.OP_DBUS_MOTO || onPath('moto_server')
  return path ? { path } : { missing: "moto_server is not here: pip install 'moto[server]', or OP_DBUS_MOTO=PATH" }
}

/** Starts it on a free port; `stop` ends it. */
export async function startMoto(path: string): Promise<{ readonly endpoint: string; stop(): Promise<void> }> {
  const child: ChildProcess = spawn(path, ['-H', '127.0.0.1', '-p', '0'], { stdio: ['ignore', 'ignore', 'pipe'] })
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise(resolve => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
  }
  const said: string[] = []
  for await (const line of createInterface({ input: child.stderr! })) {
    said.push(line)
    const endpoint = /Running on (http:\/\/127\.0\.0\.1:\d+)/.exec(line)?.[1]
    if (endpoint) {
      child.stderr!.resume()
      return { endpoint, stop }
    }
  }
  await stop()
  throw new Error(`moto_server did not start:\n${said.join('\n')}`)
}
