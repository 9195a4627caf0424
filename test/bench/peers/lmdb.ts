// LMDB set up for its best at this: binary keys and values, no compression.
import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { RootDatabase } from 'lmdb'

export interface LmdbPeer {
  /** Durable when it resolves: one transaction, one sync. */
  write(items: Iterable<readonly [key: Uint8Array, value: Uint8Array]>): Promise<void>
  /** A view that is good until the next read: the caller copies what it keeps. Faster than having LMDB copy. */
  read(key: Uint8Array): Uint8Array | undefined
  bytesOnDisk(): number
  close(): Promise<void>
}

export async function openLmdb(folder: string): Promise<LmdbPeer> {
  const { open } = await import('lmdb')
  const db = open({ path: folder, encoding: 'binary', keyEncoding: 'binary' }) as RootDatabase<Uint8Array, Uint8Array>
  return {
    async write(items) {
      db.transactionSync(() => {
        for (const [key, value] of items) db.putSync(key, value)
      })
      await db.flushed
    },
    read(key) {
      const shared = db.getBinaryFast(key)
      // Its length is that of the value, and hides how long the shared buffer is.
      return shared?.subarray(0, shared.length)
    },
    bytesOnDisk: () => statSync(join(folder, 'data.mdb')).blocks * 512,
    close: () => db.close(),
  }
}

/** As `write` takes them, from keys in hex digits. */
export function* binaryItems<V>(items: readonly (readonly [key: string, value: V])[]) {
  for (const [key, value] of items) yield [binaryKey(key), value] as const
}

/** Half as long as the hex digits. */
export function binaryKey(key: string): Uint8Array {
  return Buffer.from(key, 'hex')
}
