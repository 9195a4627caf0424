// The port between a cache and the bytes of a store. Types only.
import type { Key } from '../ports.js'

/** How one kind of value lies in a store. */
export interface Codec<V> {
  key(id: string): Key
  /** The bytes to store, or undefined when this value cannot be stored faithfully: then it stays in memory. */
  encode(id: string, value: V, ticket: unknown): Uint8Array | undefined
  /** The value and what is left of its life in ms, or undefined when the bytes are damaged, too old or foreign. */
  decode(id: string, bytes: Uint8Array): { value: V; ttlMs?: number } | undefined
  /** Whether a value that was decoded can be one at all. Asked of a medium that others write to; absent: whatever is decoded can be. */
  isPossible?(value: V): boolean
  /**
   * Of a codec whose bytes depend on the value alone: a place for what `encode` returns, that is written to again and again, so that
   * not every value needs a buffer.
   */
  place?(): Place<V>
  /** Taken when a computation begins and handed to `encode` with its result (see caches/query-tokens.ts). */
  ticket?(id: string): Promise<unknown>
}

export interface Place<V> {
  /** Those of the value that was written last. */
  readonly bytes: Uint8Array
  write(value: V): void
}
