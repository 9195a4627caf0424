// What every medium for bytes agrees on with who uses it: stores of entries, and of whole objects. Types only; imports nothing.

/**
 * The name of one entry in a {@link Store}: 1 to 100 characters of `a-z 0-9 . _ -`, not beginning with a dot, so that
 * it is a safe file name on every system. Embeddings use the SHA-256 of space and text, as 64 hex digits.
 */
export type Key = string & { readonly __key: never }

/** What any call may carry. */
export interface CallOptions {
  /** Ends this caller's wait. Work that others wait for goes on. */
  readonly signal?: AbortSignal | undefined
}

/** What a store has found and done since it was opened. */
export interface StoreCounters {
  /** Values that failed their check: never served. */
  damaged: number
  /** Entries that were let go to keep the budget. */
  evicted: number
}

/** Memory for values that are copied further at once. `take` gives the next bytes, at an offset that 8 divides, as they are. */
export interface LentMemory {
  take(bytes: number): Uint8Array
}

/**
 * Dumb bytes under keys; no policy but its own room. Absent is undefined; failure throws an OpDbusError with code STORE. What is
 * handed out is the caller's to change. Values never overlap, but several may lie in one buffer, which lives as long as any of
 * them: copy what you keep for long.
 */
export interface Store {
  readonly name: string
  /** Absent where the store neither checks what it holds nor has a budget. */
  readonly counters?: Readonly<StoreCounters>
  /** Where the medium can answer at once: segments, files, map. */
  getSync?(key: Key): Uint8Array | undefined
  /**
   * The same of many keys, answered as `getMany` does. It keeps the thread: whoever asks for many asks in parts. A store that has
   * this answers what `setMany` took as soon as that has returned, settled or not. Values may lie in `lent`, where that is given.
   */
  getManySync?(keys: readonly Key[], lent?: LentMemory): (Uint8Array | undefined)[]
  /** One answer per key, in the order of `keys`. */
  getMany(keys: readonly Key[], call?: CallOptions): Promise<(Uint8Array | undefined)[]>
  /**
   * A later item with the same key wins. The bytes are copied before this returns. Where only some could be stored, it rejects with an
   * OpDbusError whose `details.stored` is how many were.
   */
  setMany(items: readonly (readonly [Key, Uint8Array])[], call?: CallOptions): Promise<void>
  /** How many of `keys` were there. */
  deleteMany(keys: readonly Key[]): Promise<number>
  /** Every live key once, in no order. `bytes` is the length of the value. */
  list(): AsyncIterable<{ key: Key; bytes: number }>
  /** `bytes` is what the medium spends, headers and all. */
  size(): Promise<{ entries: number; bytes: number }>
  /** Removes what is ours and nothing else. */
  clear(): Promise<void>
  /** True once after another process cleared the medium: what was copied out of it into memory must go as well. */
  clearedElsewhere?(): boolean
  /** The same of a medium that tells by itself: calls `listener` as soon as it is known, for as long as the store is open. */
  onClearedElsewhere?(listener: () => void): void
  /** Of a medium that knows by itself whether it can be asked: it is left alone while it says so, and not for calls that failed. */
  readonly status?: StoreStatus
  /**
   * Of a medium that processes share: says of each key whether this process is to compute its value. False: another one is at it,
   * and will let go of it, or be taken for dead. What is claimed here stays so until it is released, or until the store is closed.
   */
  claimMany?(keys: readonly Key[], call?: CallOptions): Promise<boolean[]>
  /** These may be computed by others. Does not reject. */
  releaseMany?(keys: readonly Key[]): Promise<void>
  /** Writes what is pending and lets go. Closing twice is fine; any other call afterwards throws CLOSED. */
  close(): Promise<void>
}

/** Whether a store that lies elsewhere can be asked. */
export interface StoreStatus {
  /** Where it is: without user, password and path. */
  readonly at: string
  /** `connecting` is said before it was ever reached, or failed to be; calls wait for that within their time. */
  readonly state: 'serving' | 'connecting' | 'left-alone'
  /** Why it does not serve. */
  readonly problem?: string
}

/**
 * What machines tell one another of changes, each by a name. What is told while the medium is away arrives when it is back, in one
 * way or another: whoever missed something is told that anything may have changed.
 */
export interface ChangeNews {
  /** Does not wait, and does not fail. */
  tell(name: string): void
  /** Calls `listener` with what somebody else told, `undefined` where anything may have changed. Begins to listen with the first. */
  onTold(listener: (name: string | undefined) => void): void
  /** Resolves when what was told has arrived, or cannot within its time. */
  flush(): Promise<void>
}

/** Bytes that are to become an object. */
export interface ObjectSource {
  readonly bytes: number
  /** 64 hex digits. */
  readonly sha256: string
  /** The same bytes each time it is called: a transfer that breaks off begins anew. */
  pieces(): Iterable<Uint8Array>
}

/**
 * Whole objects under names of `a-z 0-9 . - /`, as S3 and folders have them. What was put is changed by `replace` alone. Failure throws an
 * OpDbusError with code STORE, whose `details.why` is `absent` where there is no such object.
 */
export interface ObjectStore {
  /** Where it is, for messages: nothing secret in it. */
  readonly at: string
  /** False, and nothing is changed, where an object of that name is there already. */
  putNew(name: string, source: ObjectSource, call?: CallOptions): Promise<boolean>
  /** In place of what bears that name: for an object whose name says what it holds, and which holds something else. */
  replace(name: string, source: ObjectSource, call?: CallOptions): Promise<void>
  /** What an object holds from byte `from` on, in pieces of any length. Who wants no more ends the iteration. */
  read(name: string, call?: CallOptions & { readonly from?: number }): AsyncIterable<Uint8Array>
  /** All objects, in no order. What bears an object's name and is none, as a link does in a folder, has 0 bytes. */
  list(call?: CallOptions): AsyncIterable<{ readonly name: string; readonly bytes: number }>
}

/**
 * What keeps a browser's storage from storing: there is none, the user or the browser forbids it, it does not answer, it has
 * no room, the browser closed it, another tab runs a newer op-dbus, the database is of something else, it fails.
 */
export type StorageProblemKind = 'missing' | 'denied' | 'silent' | 'full' | 'closed' | 'newer' | 'foreign' | 'failed'
