// What version-before.test.ts calls in a page: puts a database as it was dumped, and asks the caches of today on it.
import { openCaches } from '../../../src/web.js'

/** A structured clone in JSON, as make.mjs of the fixture writes it. */
type Dumped =
  | string
  | number
  | boolean
  | null
  | { readonly type: 'Array'; readonly items: readonly Dumped[] }
  | { readonly type: 'Object'; readonly fields: Readonly<Record<string, Dumped>> }
  | { readonly type: 'Uint8Array' | 'Uint32Array' | 'Float64Array'; readonly base64: string }

export interface Dump {
  readonly name: string
  readonly version: number
  readonly stores: Readonly<Record<string, readonly (readonly [IDBValidKey, Dumped])[]>>
}

/** Makes the database with nothing but the browser's own interface. */
export async function restore({ name, version, stores }: Dump): Promise<void> {
  const request = indexedDB.open(name, version)
  await new Promise<void>((resolve, reject) => {
    request.onupgradeneeded = () => {
      for (const [store, entries] of Object.entries(stores)) {
        const made = request.result.createObjectStore(store)
        for (const [key, value] of entries) made.put(cloneOf(value), key)
      }
    }
    request.onsuccess = () => resolve()
    request.onerror = () => reject(request.error)
  })
  request.result.close()
}

function cloneOf(value: Dumped): unknown {
  if (value === null || typeof value !== 'object') return value
  if (value.type === 'Array') return value.items.map(cloneOf)
  if (value.type === 'Object') {
    return Object.fromEntries(Object.entries(value.fields).map(([name, field]) => [name, cloneOf(field)]))
  }
  const { buffer } = Uint8Array.from(atob(value.base64), character => character.charCodeAt(0))
  return new { Uint8Array, Uint32Array, Float64Array }[value.type](buffer)
}

export interface Found {
  readonly vector: number[]
  readonly source: string
}

/** What the caches have for each text; they compute nothing. */
export async function ask(texts: readonly string[]) {
  const warnings: string[] = []
  const embed = () => Promise.reject(new Error('nothing is to be computed'))
  const caches = await openCaches({
    embedder: { space: 'version 0.1', dims: 8, embed },
    onWarning: message => warnings.push(message),
  })
  const found: (Found | undefined)[] = []
  for (const text of texts) {
    const one = await caches.embeddings.get(text)
    found.push(one && { vector: [...one.vector], source: one.source })
  }
  const { onDisk } = (await caches.stats()).embeddings
  await caches.close()
  return { found, entries: onDisk?.entries, warnings }
}
