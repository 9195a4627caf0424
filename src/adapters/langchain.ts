// LangChain's interfaces over op-dbus (`op-dbus/langchain`): Embeddings over the embedding cache, and a BaseStore of bytes over any store.
import { Embeddings, type EmbeddingsParams } from '@langchain/core/embeddings'
import { BaseStore } from '@langchain/core/stores'
import { OpDbusError } from '../errors.js'
import { crc32, nodeClock, nodeHash } from '../node/runtime.js'
import type { Key, Store } from '../ports.js'
import type { Caches } from '../public.js'
import { openFileStore } from '../stores/files.js'

export interface OpDbusEmbeddingsParams extends EmbeddingsParams {
  /** They stay the caller's, to close. */
  readonly caches: Pick<Caches, 'embeddings'>
}

/**
 * Vectors from the cache; of what it has not, from its model, each text once. It needs no `CacheBackedEmbeddings` around it.
 * Rejects as the cache does, and tries nothing again by itself.
 */
export class OpDbusEmbeddings extends Embeddings {
  readonly #embeddings: Caches['embeddings']

  constructor({ caches, ...params }: OpDbusEmbeddingsParams) {
    super(params)
    this.#embeddings = caches.embeddings
  }

  /** `documents.length` vectors of `dims` numbers, in order. */
  async embedDocuments(documents: string[]): Promise<number[][]> {
    const { matrix, dims } = await this.#embeddings.embedMany(documents)
    return documents.map((_, row) => Array.from(matrix.subarray(row * dims, (row + 1) * dims)))
  }

  /** `dims` numbers. */
  async embedQuery(document: string): Promise<number[]> {
    const { vector } = await this.#embeddings.getOrEmbed(document)
    return Array.from(vector)
  }
}

export interface OpDbusStoreParams {
  /** Any store that keeps the contract of `op-dbus/testing`. It stays the caller's, to close, and should hold nothing else. */
  readonly store: Store
}

/** How many values are read at once to list keys. */
const CHUNK = 64

/**
 * Bytes under keys of any form, for `CacheBackedEmbeddings.fromBytesStore` and the like. An entry is kept under the SHA-256 of its key,
 * and has the key in it. What is damaged is not there.
 */
export class OpDbusStore extends BaseStore<string, Uint8Array> {
  readonly lc_namespace = ['op-dbus', 'langchain']
  readonly #store: Store

  constructor({ store }: OpDbusStoreParams) {
    super({ store: store.name })
    this.#store = store
  }

  /**
   * One checked file for each entry in the folder `dir`, which is made at the first write; whole or not at all, for any number of
   * processes. `maxEntries`: the oldest go first; default 100,000.
   */
  static fromPath(
    dir: string,
    { maxEntries = 100_000 }: { readonly maxEntries?: number | undefined } = {},
  ): OpDbusStore {
    const store = openFileStore({ name: 'langchain', dir, maxEntries, clock: nodeClock(), hash: nodeHash, crc32 })
    return new OpDbusStore({ store })
  }

  async mget(keys: string[]): Promise<(Uint8Array | undefined)[]> {
    const found = await this.#store.getMany(keys.map(nameOf))
    return found.map((bytes, i) => {
      const entry = bytes && entryOf(bytes)
      return entry?.key === keys[i] ? entry?.value : undefined
    })
  }

  async mset(pairs: [string, Uint8Array][]): Promise<void> {
    await this.#store.setMany(pairs.map(([key, value]) => [nameOf(key), bytesOf(key, value)]))
  }

  async mdelete(keys: string[]): Promise<void> {
    await this.#store.deleteMany(keys.map(nameOf))
  }

  /** Keys that begin with `prefix`, in no order. Reads every entry. */
  async *yieldKeys(prefix = ''): AsyncGenerator<string> {
    let names: Key[] = []
    for await (const { key } of this.#store.list()) {
      names.push(key)
      if (names.length < CHUNK) continue
      yield* this.#keysOf(names, prefix)
      names = []
    }
    yield* this.#keysOf(names, prefix)
  }

  async *#keysOf(names: readonly Key[], prefix: string): AsyncGenerator<string> {
    if (names.length === 0) return
    for (const bytes of await this.#store.getMany(names)) {
      const key = bytes && entryOf(bytes)?.key
      if (key?.startsWith(prefix)) yield key
    }
  }
}

/** The name of a key's entry. @throws OpDbusError INVALID_INPUT */
function nameOf(key: unknown): Key {
  if (typeof key !== 'string') throw new OpDbusError('INVALID_INPUT', `a key is a text, not ${typeof key}`)
  return nodeHash.sha256(key) as Key
}

/** The length of the key in bytes (4, little-endian), the key in UTF-8, the value. */
function bytesOf(key: string, value: unknown): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new OpDbusError('INVALID_INPUT', 'a value is a Uint8Array')
  const name = Buffer.from(key)
  const head = Buffer.alloc(4)
  head.writeUInt32LE(name.length)
  return Buffer.concat([head, name, value])
}

function entryOf(bytes: Uint8Array): { readonly key: string; readonly value: Uint8Array } | undefined {
  if (bytes.length < 4) return undefined
  const end = 4 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true)
  if (end > bytes.length) return undefined
  return { key: Buffer.from(bytes.subarray(4, end)).toString(), value: new Uint8Array(bytes.subarray(end)) }
}
