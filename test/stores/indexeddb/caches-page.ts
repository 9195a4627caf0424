// What caches.test.ts calls in a page: the caches of a page over an embedder that needs no model.
import { openCaches, type Stats } from '../../../src/web.js'

export interface Seen {
  readonly stats: Stats
  readonly warnings: string[]
}

/** Stores a text, then has writes refused with `refusal`, tries to store another, and looks. */
export async function refused(refusal: string): Promise<Seen> {
  const warnings: string[] = []
  const caches = await openCaches({
    embedder: { space: 'page', dims: 4, embed: async texts => new Float32Array(4 * texts.length).fill(0.5) },
    onWarning: message => warnings.push(message),
  })
  await caches.embeddings.getOrEmbed('a')
  await caches.stats()
  const { transaction } = IDBDatabase.prototype
  IDBDatabase.prototype.transaction = function (...[stores, mode, options]: Parameters<typeof transaction>) {
    if (mode === 'readwrite') throw new DOMException('refused', refusal)
    return transaction.call(this, stores, mode, options)
  }
  await caches.embeddings.getOrEmbed('b')
  await caches.stats()
  return { stats: await caches.stats(), warnings }
}
