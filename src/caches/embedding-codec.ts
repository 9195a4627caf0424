// How embeddings lie in a store: the key is a hash of space and text, the value a record of embedding-record.ts.
import { allFinite } from '../all-finite.js'
import type { Codec } from '../cache/codec.js'
import type { Embedder, Embedding, Hash, Key, Space } from '../ports.js'
import { decodeVec, encodeVec, VecPlace } from './embedding-record.js'

export function embeddingCodec(hash: Hash, embedder: Pick<Embedder, 'space' | 'spaceOf' | 'dims'>): Codec<Embedding> {
  const { space, dims } = embedder
  return {
    // A lone surrogate and U+FFFD are the same text to every model, so they may share a key.
    key: text => embeddingKey(hash, embedder.spaceOf?.(text) ?? space, text),
    encode: (_text, embedding) => encodeVec(embedding),
    place: () => new VecPlace(dims),
    decode(_text, bytes) {
      const value = decodeVec(bytes, dims)
      return value && { value }
    },
    isPossible: ({ vector }) => allFinite(vector, 0, vector.length),
  }
}

/** The disk key of a text in a space. The space's length goes first, so that no two pairs run together. */
export function embeddingKey(hash: Hash, space: Space, text: string): Key {
  return hash.sha256(`${space.length}:${space}${text}`) as Key
}
