// How embeddings lie in a store: the key is a hash of space and text, the value a record of cache/vec.ts.
import { embeddingKey } from '../cache/hash.js'
import type { Codec } from '../cache/store-tier.js'
import { decodeVec, encodeVec } from '../cache/vec.js'
import type { Embedder, Embedding, Hash } from '../ports.js'

export function embeddingCodec(hash: Hash, embedder: Pick<Embedder, 'space' | 'spaceOf' | 'dims'>): Codec<Embedding> {
  const { space, dims } = embedder
  return {
    // A lone surrogate and U+FFFD are the same text to every model, so they may share a key.
    key: text => embeddingKey(hash, embedder.spaceOf?.(text) ?? space, text),
    encode: (_text, embedding) => encodeVec(embedding),
    decode(_text, bytes) {
      const value = decodeVec(bytes, dims)
      return value && { value }
    },
  }
}
