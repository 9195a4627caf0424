// What a store hands out that tells later whether it still stands: what `stores/files` and the query cache agree on. Nothing that runs.

/** An entry as it was read. */
export interface HeldEntry {
  readonly value: Uint8Array
  /**
   * False once the entry was set anew, deleted or cleared, by whichever process; one question to the system, and exact. Where a folder above
   * it was moved: from a few ms later on.
   */
  stands(): boolean
  release(): void
}
