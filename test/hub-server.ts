// A model hub on loopback: listing, resolve, LFS files redirected to a second origin as the real hub does, and faults on demand.
import { createHash } from 'node:crypto'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'

export type Content = Uint8Array | string
export type Files = Readonly<Record<string, Content>>

export interface HubRequest {
  /** The hub itself, or the host that large files are redirected to. */
  readonly host: 'hub' | 'cdn'
  readonly url: string
  /** The file asked for; undefined for a listing. */
  readonly file: string | undefined
  readonly headers: IncomingHttpHeaders
}

/** What goes wrong with one answer. Offsets count from the start of the file. */
export interface Fault {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Content
  /** The socket is destroyed after so many bytes of the file. */
  readonly resetAt?: number
  /** Awaited before that: what a client has not read yet when the socket goes is lost to it. */
  readonly hold?: () => Promise<void>
  /** The body ends there, without a word about its length. */
  readonly endAt?: number
  /** Bytes without end, after those of the file. */
  readonly endless?: boolean
  /** So many bytes of zeros, packed. */
  readonly bomb?: number
  readonly ignoreRange?: boolean
  /** No answer at all. */
  readonly silent?: boolean
}

export interface TestHub {
  readonly endpoint: string
  readonly cdn: string
  /** All requests since the start, or since somebody emptied it. */
  readonly requests: HubRequest[]
  /** Asked for each request; undefined: answer as it should be. */
  fault: (request: HubRequest) => Fault | undefined
  /** Changes the listing's JSON before it is sent. */
  listing: (answer: ListingJson) => unknown
  /** Sets the files of `id`; returns the commit. Earlier commits stay. */
  push(id: string, files: Files): string
  /** Forgets a commit. */
  forget(commit: string): void
  close(): Promise<void>
}

export interface ListingJson {
  id: string
  sha: string
  siblings: { rfilename: string; size: number; blobId: string; lfs?: { sha256: string; size: number } }[]
}

const bytesOf = (content: Content) =>
  typeof content === 'string' ? Buffer.from(content) : Buffer.from(content.buffer, content.byteOffset, content.length)
export const sha256 = once(content => createHash('sha256').update(bytesOf(content)).digest('hex'))
/** What Git calls a file with these bytes. */
export const gitBlob = once(content => {
  const bytes = bytesOf(content)
  return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex')
})
const isLarge = (path: string) => /\.onnx(_data)?$|\.safetensors$/.test(path)
/** How the hub names the blob of a file. */
export const blobName = (path: string, content: Content) => (isLarge(path) ? sha256(content) : gitBlob(content))

/** A model has some ten megabytes, and the same one is pushed, listed and asked for in many tests: its digest is computed once. */
function once(digest: (content: Content) => string): (content: Content) => string {
  const known = new WeakMap<Uint8Array, string>()
  return content => {
    if (typeof content === 'string') return digest(content)
    const found = known.get(content) ?? digest(content)
    known.set(content, found)
    return found
  }
}

export async function startHub(repositories: Readonly<Record<string, Files>> = {}): Promise<TestHub> {
  const main = new Map<string, string>()
  const commits = new Map<string, { id: string; files: Files }>()
  const requests: HubRequest[] = []
  const sockets = new Set<import('node:net').Socket>()

  const handle = (host: HubRequest['host'], reply: (url: URL, range: string | undefined) => Reply) =>
    createServer(({ url, headers }, response) => {
      const at = new URL(url!, 'http://host')
      const file = /\/(?:resolve\/main|(?:resolve\/)?[0-9a-f]{40})\/(.+)$/.exec(decodeURIComponent(at.pathname))?.[1]
      const request: HubRequest = { host, url: url!, file, headers }
      requests.push(request)
      const fault = hub.fault(request) ?? {}
      if (!fault.silent) send(response, spoilt(reply(at, fault.ignoreRange ? undefined : headers.range), fault), fault)
    })
  const hubServer = handle('hub', (url, range) => {
    const path = decodeURIComponent(url.pathname)
    const listing = /^\/api\/models\/(.+)\/revision\/([^/]+)$/.exec(path)
    const [, id, revision, file] = listing ?? /^\/(.+)\/resolve\/(main|[0-9a-f]{40})\/(.+)$/.exec(path) ?? []
    const commit = (revision === 'main' ? main.get(id!) : revision) ?? ''
    const known = commits.get(commit)
    if (known === undefined || known.id !== id)
      return text(404, 'Repository not found', { 'x-error-code': 'RepoNotFound' })
    if (listing) return text(200, JSON.stringify(hub.listing(listingOf(id!, commit, known.files))))
    const content = known.files[file!]
    if (content === undefined) return text(404, 'Entry not found', { 'x-error-code': 'EntryNotFound' })
    const about = { 'x-repo-commit': commit, etag: `"${gitBlob(content)}"` }
    if (!isLarge(file!)) return part(bytesOf(content), range, about)
    const linked = { 'x-linked-etag': `"${sha256(content)}"`, 'x-linked-size': String(bytesOf(content).length) }
    const location = `${hub.cdn}/${commit}/${file}?signature=secret`
    return text(302, '', { ...about, ...linked, location })
  })
  const cdnServer = handle('cdn', (url, range) => {
    const [, commit, ...path] = decodeURIComponent(url.pathname).split('/')
    const content = commits.get(commit!)?.files[path.join('/')]
    return content === undefined ? text(404, '') : part(bytesOf(content), range, { etag: '"of-the-cdn"' })
  })
  for (const server of [hubServer, cdnServer]) {
    server.on('connection', socket => {
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  }
  const address = (server: typeof hubServer) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  const hub: TestHub = {
    endpoint: address(hubServer),
    cdn: address(cdnServer),
    requests,
    fault: () => undefined,
    listing: answer => answer,
    push(id, files) {
      const commit = createHash('sha1').update(id)
      for (const [path, content] of Object.entries(files)) commit.update(path).update(gitBlob(content))
      const name = commit.digest('hex')
      commits.set(name, { id, files })
      main.set(id, name)
      return name
    },
    forget: commit => void commits.delete(commit),
    async close() {
      for (const socket of sockets) socket.destroy()
      await Promise.all([hubServer, cdnServer].map(server => new Promise(resolve => server.close(resolve))))
    },
  }
  for (const [id, files] of Object.entries(repositories)) hub.push(id, files)
  return hub
}

function listingOf(id: string, sha: string, files: Files): ListingJson {
  const siblings = Object.entries(files).map(([rfilename, content]) => {
    const size = bytesOf(content).length
    const lfs = isLarge(rfilename) ? { lfs: { sha256: sha256(content), size, pointerSize: 134 } } : {}
    return { rfilename, size, blobId: gitBlob(content), ...lfs }
  })
  return { id, sha, siblings }
}

interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  /** Where in the file the body begins. */
  readonly from: number
}

function text(status: number, body: Content, headers: Reply['headers'] = {}): Reply {
  return { status, headers, body: bytesOf(body), from: 0 }
}

/** The file, or what of it the range asks for. */
function part(bytes: Buffer, range: string | undefined, headers: Reply['headers']): Reply {
  const asked = /^bytes=(\d+)-$/.exec(range ?? '')
  if (!asked) return { status: 200, headers, body: bytes, from: 0 }
  const from = Number(asked[1])
  if (from >= bytes.length) return text(416, '')
  const contentRange = { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` }
  return { status: 206, headers: { ...headers, ...contentRange }, body: bytes.subarray(from), from }
}

function spoilt(reply: Reply, fault: Fault): Reply {
  const packed: Record<string, string> = fault.bomb === undefined ? {} : { 'content-encoding': 'gzip' }
  const body = fault.bomb === undefined ? fault.body : gzipSync(Buffer.alloc(fault.bomb))
  return {
    status: fault.status ?? reply.status,
    headers: { ...reply.headers, ...packed, ...fault.headers },
    body: body === undefined ? reply.body : bytesOf(body),
    from: reply.from,
  }
}

function send(response: ServerResponse, { status, headers, body, from }: Reply, fault: Fault): void {
  const open = fault.endAt !== undefined || fault.endless === true
  response.writeHead(status, { ...(!open && { 'content-length': String(body.length) }), ...headers })
  const stop = fault.resetAt ?? fault.endAt ?? from + body.length
  response.write(body.subarray(0, Math.max(0, stop - from)), () => {
    if (fault.resetAt !== undefined) void Promise.resolve(fault.hold?.()).then(() => response.destroy())
    else if (fault.endless) pourOut(response)
    else response.end()
  })
}

/** Zeros, for as long as somebody takes them. */
function pourOut(response: ServerResponse): void {
  const chunk = Buffer.alloc(65_536)
  while (!response.destroyed && response.write(chunk));
  if (!response.destroyed) response.once('drain', () => pourOut(response))
}
