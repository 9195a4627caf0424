// Objects in a bucket of S3, or of whatever speaks as it does. Signs, asks and lists; what the objects are is not its business.
import { invalid, OpDbusError } from '../errors.js'
import { isLoopback } from '../loopback.js'
import type { CallOptions, ObjectSource, ObjectStore } from '../ports.js'
import { Requests, type S3Credentials, type S3Io, textOf } from './s3/requests.js'
import { listPage } from './s3/xml.js'

export type { S3Credentials, S3Io } from './s3/requests.js'

export interface S3Options {
  readonly bucket: string
  /** Before every name, without slashes at its ends; empty: none. */
  readonly prefix: string
  /** Of another service than Amazon's, as `http(s)://host[:port]`. */
  readonly endpoint?: string | undefined
  readonly region: string
  readonly credentials: S3Credentials
  /** Plain http to a host that is not this machine. Default false. */
  readonly allowHttp?: boolean | undefined
  /** Silence after which a connection is given up, ms. Default 30,000. */
  readonly timeoutMs?: number
  /** How often a request is begun that brings nothing. Default 6. */
  readonly tries?: number
  readonly io: S3Io
}

const PAGE_BYTES = 16 * 2 ** 20
const MOST_PAGES = 10_000

/** Opens nothing: the first call asks. @throws OpDbusError INVALID_INPUT for an address or a name that cannot be */
export function openS3({ prefix, timeoutMs = 30_000, tries = 6, ...options }: S3Options): ObjectStore {
  const { bucket } = options
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket))
    throw invalid(`${JSON.stringify(bucket)} is no name of a bucket`)
  // S3's safe characters: no other reads the same to everything that signs.
  const parts = prefix === '' ? [] : prefix.split('/')
  if (prefix.length > 500 || !parts.every(part => /^[\w!.*'()-]+$/.test(part) && !/^\.{1,2}$/.test(part))) {
    throw invalid(`the prefix ${JSON.stringify(prefix)} holds more than letters, digits, - _ . and single slashes`)
  }
  const base = addressOf(options)
  const requests = new Requests({ ...options, base, timeoutMs, tries })
  const start = prefix === '' ? '' : `${prefix}/`
  return {
    at: `s3://${bucket}${prefix && `/${prefix}`}`,
    putNew: (name, source, call) => put(requests, `${start}${name}`, source, true, call),
    replace: async (name, source, call) => {
      await put(requests, `${start}${name}`, source, false, call)
    },
    read: (name, call) => read(requests, `${start}${name}`, call),
    list: call => list(requests, start, call),
  }
}

/** False where it is only to be `asNew`, and is there already. */
async function put(
  requests: Requests,
  key: string,
  body: ObjectSource,
  asNew: boolean,
  { signal }: CallOptions = {},
): Promise<boolean> {
  return requests.retrying(signal, async () => {
    const headers = { ...(asNew && { 'if-none-match': '*' }), 'content-type': 'application/octet-stream' }
    const answers = asNew ? [200, 412] : [200]
    const answer = await requests.send({ method: 'PUT', path: pathOf(key), headers, body, answers, signal })
    await answer.cancel()
    return answer.status === 200
  })
}

async function* read(
  requests: Requests,
  key: string,
  { from = 0, signal }: CallOptions & { readonly from?: number } = {},
): AsyncIterable<Uint8Array> {
  let at = from
  // A piece at a time goes out through here, so that what breaks off between two of them goes on where it was.
  let pieces: AsyncGenerator<Uint8Array, void> | undefined
  const next = async () => {
    try {
      pieces ??= await open()
      return await pieces.next()
    } catch (error) {
      pieces = undefined
      throw error
    }
  }
  const open = async () => {
    const headers: Record<string, string> = at > 0 ? { range: `bytes=${at}-` } : {}
    const answer = await requests.send({ method: 'GET', path: pathOf(key), headers, answers: [200, 206], signal })
    const begins =
      answer.status === 200 ? 0 : Number(/^bytes (\d+)-/.exec(answer.headers.get('content-range') ?? '')?.[1])
    if (begins === at || begins === 0) return without(answer.pieces(), at - begins)
    await answer.cancel()
    throw new OpDbusError('STORE', 'the service answers with another part of the object than was asked for')
  }
  try {
    for (;;) {
      const { done, value } = await requests.retrying(signal, next, () => at)
      if (done) return
      at += value.length
      yield value
    }
  } finally {
    await pieces?.return()
  }
}

/** What follows the first `skip` bytes: of a service that knows no ranges. */
async function* without(pieces: AsyncGenerator<Uint8Array, void>, skip: number): AsyncGenerator<Uint8Array, void> {
  for await (const piece of pieces) {
    const left = piece.subarray(Math.min(skip, piece.length))
    skip -= piece.length - left.length
    if (left.length > 0) yield left
  }
}

async function* list(requests: Requests, start: string, { signal }: CallOptions = {}): ReturnType<ObjectStore['list']> {
  let token: string | undefined
  for (let pages = 0; pages < MOST_PAGES; pages++) {
    const query = new URLSearchParams({
      'list-type': '2',
      prefix: start,
      ...(token && { 'continuation-token': token }),
    })
    const page = await requests.retrying(signal, async () => {
      const answer = await requests.send({ method: 'GET', path: `/?${query}`, answers: [200], signal })
      return listPage(await textOf(answer, PAGE_BYTES))
    })
    if (page === undefined)
      throw new OpDbusError('STORE', 'the service answers with something that is no list of objects')
    for (const { key, bytes } of page.objects) if (key.startsWith(start)) yield { name: key.slice(start.length), bytes }
    if (page.next === undefined) return
    if (page.next === token) break
    token = page.next
  }
  // Half a list would read as a target that holds less.
  throw new OpDbusError(
    'STORE',
    'the service does not come to the end of its list of objects: it answers the same page again',
  )
}

function pathOf(key: string): string {
  return `/${key.split('/').map(encodeURIComponent).join('/')}`
}

function addressOf({ bucket, endpoint, region, allowHttp }: Omit<S3Options, 'prefix'>): string {
  if (!/^[a-z0-9-]{1,40}$/.test(region)) throw invalid(`AWS_REGION=${JSON.stringify(region)} is no region`)
  if (endpoint === undefined) {
    const host = `s3.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`
    // The certificate is for one label before the host.
    return bucket.includes('.') ? `https://${host}/${bucket}` : `https://${bucket}.${host}`
  }
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password || url.search || url.hash) {
    throw invalid(
      'AWS_ENDPOINT_URL_S3 (or AWS_ENDPOINT_URL) is not the http(s) address of a service, without user and password',
    )
  }
  if (url.protocol === 'http:' && !allowHttp && !isLoopback(url.hostname)) {
    throw invalid(
      `${url.host} is asked by plain http, which anybody on the way can read and change: use https, or say --allow-http`,
    )
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}/${bucket}`
}
