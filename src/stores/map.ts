// The reference store: a Map in memory. It defines what the contract means; it must not evict, expire or persist.
import { abortError, OpDbusError } from '../errors.js'
import type { CallOptions, Key, Store } from '../ports.js'

/** See {@link Key}. */
const KEY = /^[a-z0-9_-][a-z0-9._-]{0,99}$/

/** A store whose medium can answer at once. */
export interface MapStore extends Store {
  getSync(key: Key): Uint8Array | undefined
  getManySync(keys: readonly Key[]): (Uint8Array | undefined)[]
}

/** An empty store that lives as long as the object. `size().bytes` is the sum of the values' lengths. */
export function openMapStore(): MapStore {
  const values = new Map<Key, Uint8Array>()
  let closed = false

  const enter = (keys: readonly Key[], call?: CallOptions): void => {
    if (closed) throw new OpDbusError('CLOSED', 'the map store is closed')
    if (call?.signal?.aborted) throw abortError(call.signal)
    for (const key of keys) {
      if (!KEY.test(key)) throw new OpDbusError('INVALID_INPUT', `not a key: ${JSON.stringify(key)}`)
    }
  }

  const getManySync = (keys: readonly Key[]): (Uint8Array | undefined)[] => {
    enter(keys)
    return keys.map(key => values.get(key)?.slice())
  }

  return {
    name: 'map',
    getSync(key) {
      enter([key])
      return values.get(key)?.slice()
    },
    getManySync,
    async getMany(keys, call) {
      enter(keys, call)
      return keys.map(key => values.get(key)?.slice())
    },
    async setMany(items, call) {
      enter(
        items.map(([key]) => key),
        call,
      )
      for (const [key, value] of items) values.set(key, Uint8Array.from(value))
    },
    async deleteMany(keys) {
      enter(keys)
      return keys.filter(key => values.delete(key)).length
    },
    async *list() {
      enter([])
      for (const [key, value] of values) yield { key, bytes: value.length }
    },
    async size() {
      enter([])
      let bytes = 0
      for (const value of values.values()) bytes += value.length
      return { entries: values.size, bytes }
    },
    async clear() {
      enter([])
      values.clear()
    },
    async close() {
      closed = true
      values.clear()
    },
  }
}
