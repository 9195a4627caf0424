// The service worker: keeps the page's files so that it opens without a network, and lets nothing go to other places.
// The build puts in which files there are, each with its hash: a new build fetches what changed and nothing else.
// Weights and WebAssembly are not among them: the library keeps those itself, checked by their hash.

/** Path below the scope -> hash. */
declare const __FILES__: Readonly<Record<string, string>>

interface Extendable extends Event {
  waitUntil(work: Promise<unknown>): void
}
interface Fetching extends Event {
  readonly request: Request
  respondWith(response: Promise<Response> | Response): void
}
interface Scope {
  readonly registration: { readonly scope: string }
  addEventListener(type: 'install' | 'activate', listener: (event: Extendable) => void): void
  addEventListener(type: 'fetch', listener: (event: Fetching) => void): void
  addEventListener(type: 'message', listener: (event: MessageEvent & Extendable) => void): void
  skipWaiting(): Promise<void>
  readonly clients: { claim(): Promise<void> }
}

const scope = self as unknown as Scope
const CACHE = 'op-dbus-playground'
const FILES = __FILES__

/** Where a file of this build is kept. */
function keyOf(path: string): string {
  return new URL(`${path}?v=${FILES[path]}`, scope.registration.scope).href
}

scope.addEventListener('install', event => {
  event.waitUntil(
    (async () => {
      const cache = await caches.open(CACHE)
      for (const path of Object.keys(FILES)) if (!isEngine(path)) await keep(cache, path)
    })(),
  )
})

scope.addEventListener('activate', event => {
  event.waitUntil(
    (async () => {
      const cache = await caches.open(CACHE)
      const wanted = new Set(Object.keys(FILES).map(keyOf))
      for (const { url } of await cache.keys()) if (!wanted.has(url)) await cache.delete(url)
      await scope.clients.claim()
    })(),
  )
})

scope.addEventListener('message', event => {
  if (event.data === 'take over') void scope.skipWaiting()
  // The first embedding has fetched the engine, perhaps before this worker saw anything.
  if (event.data === 'keep the engine') event.waitUntil(tell(event, keepAll()))
  if (event.data === 'is the engine kept') event.waitUntil(tell(event, hasAll()))
})

scope.addEventListener('fetch', event => {
  const { request } = event
  const url = new URL(request.url)
  if (url.origin !== location.origin) {
    // The page's policy already forbids it; workers have no such policy of their own on every host.
    event.respondWith(Response.error())
    return
  }
  const path = pathOf(url)
  if (request.method !== 'GET' || path === undefined) return
  event.respondWith(answer(path))
})

/** What only embedding needs: kept when it was needed, and not before. */
function isEngine(path: string): boolean {
  return path.startsWith('op-dbus/')
}

/** Answers true where every file of this build is kept, false where not. */
async function tell({ ports }: MessageEvent, kept: Promise<boolean>): Promise<void> {
  ports[0]?.postMessage(await kept.catch(() => false))
}

async function keepAll(): Promise<boolean> {
  const cache = await caches.open(CACHE)
  for (const path of Object.keys(FILES)) await keep(cache, path)
  return true
}

async function hasAll(): Promise<boolean> {
  const kept = new Set((await (await caches.open(CACHE)).keys()).map(({ url }) => url))
  return Object.keys(FILES).every(path => kept.has(keyOf(path)))
}

async function keep(cache: Cache, path: string): Promise<void> {
  if (!(await cache.match(keyOf(path)))) await cache.put(keyOf(path), await fetched(path))
}

/** The file below the scope that is asked for; undefined for what is none of this build. */
function pathOf(url: URL): string | undefined {
  const { scope: base } = scope.registration
  const bare = `${url.origin}${url.pathname}`
  if (!bare.startsWith(base)) return undefined
  const path = decodeURI(bare.slice(base.length)) || 'index.html'
  return Object.hasOwn(FILES, path) ? path : undefined
}

async function answer(path: string): Promise<Response> {
  const cache = await caches.open(CACHE)
  const kept = await cache.match(keyOf(path))
  if (kept) return isolated(kept)
  const response = await fetched(path)
  const copy = response.clone()
  // Not waited for: a full disk must not keep the page from its file.
  cache.put(keyOf(path), copy).catch(() => undefined)
  return isolated(response)
}

async function fetched(path: string): Promise<Response> {
  const response = await fetch(new URL(path, scope.registration.scope), { cache: 'no-cache' })
  if (!response.ok) throw new TypeError(`${path}: the server answers ${response.status}`)
  return response
}

/** The same with the headers that allow WASM threads: hosts of static files rarely send them. */
function isolated(response: Response): Response {
  const headers = new Headers(response.headers)
  headers.set('Cross-Origin-Opener-Policy', 'same-origin')
  headers.set('Cross-Origin-Embedder-Policy', 'require-corp')
  headers.set('Cross-Origin-Resource-Policy', 'same-origin')
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers })
}
