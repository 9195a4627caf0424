// What the browser says of the storage of the whole origin, as far as it says anything.

/** What the browser says of the whole origin's storage; undefined what it does not say. */
export interface StorageReport {
  readonly usageBytes: number | undefined
  readonly quotaBytes: number | undefined
  /** True where the browser promised not to remove it under pressure. */
  readonly persisted: boolean | undefined
}

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
