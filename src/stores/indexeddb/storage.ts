// What the browser says of the storage of the whole origin, as far as it says anything.
import type { StorageReport } from '../indexeddb.js'

/** Never rejects. */
export async function estimateStorage(): Promise<StorageReport> {
  const storage = manager()
  const [estimate, persisted] = await Promise.all([
    storage?.estimate?.().catch(() => undefined),
    storage?.persisted?.().catch(() => undefined),
  ])
  return { usageBytes: estimate?.usage, quotaBytes: estimate?.quota, persisted }
}

/** Whether it agreed shows in the estimate. Rejects where nobody can be asked. */
export async function askToPersist(): Promise<void> {
  const storage = manager()
  if (!storage?.persist) throw new Error('this browser cannot, or not in a worker')
  await storage.persist()
}

function manager(): Partial<StorageManager> | undefined {
  return globalThis.navigator?.storage
}
