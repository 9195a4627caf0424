// What rooms that do not know one another agree on: brands and interfaces, nothing that runs. Imports only its own part about kernels.

export type * from './kernel-ports.js'

/** Everything that can change a vector (`spacesOf` in embedder/model/revision.ts has the list), as one string. */
export type Space = string & { readonly __space: never }

/**
 * The name of one entry in a {@link Store}: 1 to 100 characters of `a-z 0-9 . _ -`, not beginning with a dot, so that
 * it is a safe file name on every system. Embeddings use the SHA-256 of space and text, as 64 hex digits.
 */
export type Key = string & { readonly __key: never }

/** Where an answer came from, nearest first. */
export type Source = 'memory' | 'disk' | 'shared' | 'pattern' | 'computed'

/** The strategy's four. */
export type CacheName = 'embeddings' | 'blocks' | 'queries' | 'diffs'

/** A tier below memory. */
export type TierName = Extract<Source, 'disk' | 'shared'>

/** What computes vectors. `custom` is an embedder of the user's own. */
export type Device = 'cuda' | 'webgpu' | 'cpu' | 'wasm' | 'custom'

/** What any call may carry. */
export interface CallOptions {
  /** Ends this caller's wait. Work that others wait for goes on. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Told, in one sentence, what did not work as asked; `cause` is what a medium threw, where one did. Of sentences with the same
 * `about` the first is passed on; without one, each sentence is.
 */
export type Warn = (message: string, cause?: unknown, about?: string) => void

/** Wall clock in ms since the epoch, and a monotonic one in ms from any start. Injected, so tests can turn them. */
export interface Clock {
  now(): number
  monotonic(): number
}

/** Calls `run` after `ms` unless cancelled by the function it returns. Injected; whoever hands it over says whether it keeps a process alive. */
export type Timer = (ms: number, run: () => void) => () => void

/** Digests, synchronous in every runtime. */
export interface Hash {
  /** SHA-256 of the UTF-8 bytes of `text`, as 64 lowercase hex digits. */
  sha256(text: string): string
  /** `bytes` random bytes as lowercase hex digits. */
  random(bytes: number): string
}

/** CRC-32 (IEEE 802.3, as in zlib) of `bytes`, continuing from `seed` (0 to begin). Unsigned. */
export type Crc32 = (bytes: Uint8Array, seed?: number) => number

// ---- stores ---------------------------------------------------------------------------------------------------------

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
  /** A later item with the same key wins. The bytes are copied before this returns. */
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
 * Whole objects under names of `a-z 0-9 . - /`, as S3 and folders have them. What was put is never changed again. Failure throws an
 * OpDbusError with code STORE, whose `details.why` is `absent` where there is no such object.
 */
export interface ObjectStore {
  /** Where it is, for messages: nothing secret in it. */
  readonly at: string
  /** False, and nothing is changed, where an object of that name is there already. */
  putNew(name: string, source: ObjectSource, call?: CallOptions): Promise<boolean>
  /** What an object holds from byte `from` on, in pieces of any length. Who wants no more ends the iteration. */
  read(name: string, call?: CallOptions & { readonly from?: number }): AsyncIterable<Uint8Array>
  /** All objects, in no order. */
  list(call?: CallOptions): AsyncIterable<{ readonly name: string; readonly bytes: number }>
}

/**
 * What keeps a browser's storage from storing: there is none, the user or the browser forbids it, it does not answer, it has
 * no room, the browser closed it, another tab runs a newer op-dbus, the database is of something else, it fails.
 */
export type StorageProblemKind = 'missing' | 'denied' | 'silent' | 'full' | 'closed' | 'newer' | 'foreign' | 'failed'

/** What a tier answers. "Did not look" is not "not there": what was skipped is not written back. */
export type Load<V> =
  | { readonly kind: 'hit'; readonly value: V }
  | { readonly kind: 'miss' }
  | { readonly kind: 'skipped'; readonly why: SkipReason }

/** Why a tier was not looked into: too slow, left alone for a while after it failed, failed just now. */
export type SkipReason = 'timeout' | 'breaker' | 'error'

// ---- embedding ------------------------------------------------------------------------------------------------------

/** One text's vector with its provenance. */
export interface Embedding {
  /** `dims` floats. Read-only by agreement: it may be the shared one in memory. */
  readonly vector: Float32Array
  /** Tokens that were embedded, special tokens included; 0 where unknown (an embedder of the user's own). */
  readonly tokens: number
  /** True when the text was longer than the model's limit and its end was not seen. */
  readonly truncated: boolean
  /** What computed the vector, whenever that was. */
  readonly device: Device
}

/** Texts that are computed as one: handed over whole, told in parts as batches finish. */
export interface EmbedJob {
  /** Well-formed and distinct. */
  readonly texts: readonly string[]
  /** Rows that are finished. Never called from within `submit`. */
  done(part: EmbeddedRows): void
  /** Rows that failed with `error`, each of its own text. */
  failed(rows: readonly number[], error: Error): void
}

/** Finished rows of a job: row `i` of `matrix` (`rows.length x dims`, row-major) is the vector of `texts[rows[i]]`. */
export interface EmbeddedRows {
  readonly rows: ArrayLike<number>
  /** Nobody writes to it any more. It may be a view onto a larger buffer, and is one buffer for all: copy what is kept for long. */
  readonly matrix: Float32Array
  /** As {@link Embedding.tokens}, row by row. */
  readonly tokens: ArrayLike<number>
  /** 1 where the text was longer than the model's limit. */
  readonly truncated: ArrayLike<number>
  readonly device: Device
}

/** Texts to vectors, without any cache. One of these stands behind the embedding cache. */
export interface Embedder {
  /** Known before any model is loaded. */
  readonly space: Space
  /**
   * The space that names the vector of `text`, where that is not `space`: an earlier version of this package computed some
   * texts otherwise, and what it stored for those must not answer. Absent: `space`, for every text.
   */
  spaceOf?(text: string): Space
  /** What the space is, for people: goes into `space.json` and `doctor`. */
  readonly description: Readonly<Record<string, string | number | boolean>>
  readonly dims: number
  /**
   * Hands a job over; each row is told once, done or failed, unless it is dropped before. Jobs of the same turn share
   * batches. Throws OVERLOADED for more texts than there is `room` and CLOSED; then nothing of the job is told.
   */
  submit(job: EmbedJob): void
  /** Nobody waits for these rows of a job any more: they are told no more. Rows that were told already are passed over. */
  drop(job: EmbedJob, rows: readonly number[]): void
  /** How many more texts `submit` takes now before it says OVERLOADED. */
  readonly room: number
  /** What computes now; absent where only the user's own embedder knows. */
  readonly running?: RunningEmbedder
  close(): Promise<void>
}

/** A device is `absent`, or works but `slower` than another one here, or has `failed`, which somebody should look into. */
export type RefusalKind = 'absent' | 'slower' | 'failed'

/** What computes behind the embedding cache, as far as it has shown itself. */
export interface RunningEmbedder {
  /** Undefined until a model was opened. */
  readonly device: Device | undefined
  /** Sessions that are open, each in a thread of its own; 0 while nothing was to do for long. */
  readonly workers: number
  /** Of each session on a CPU. */
  readonly threads: number
  /** Padded tokens that a batch may hold; undefined as long as that is being found. */
  readonly batchTokens: number | undefined
  /** Devices that were to serve before this one, and why they do not. */
  readonly refused?: readonly { readonly device: Device; readonly reason: string; readonly kind: RefusalKind }[]
}

/** Which model serves. A level may have given way to a lower one, where that was allowed. */
export interface ServingModel {
  /** The name that was asked for. */
  readonly asked: string
  /** The name that serves. */
  readonly serves: string
  /** From `asked` downwards, what could not serve; empty when `asked` does. */
  readonly gaveWay: readonly { readonly name: string; readonly reason: string }[]
}

/** Token ids of one batch, row-major, `rows x width`, padded on the right. */
export interface TokenBatch {
  readonly rows: number
  readonly width: number
  readonly inputIds: BigInt64Array
  /** 1 where a token is, 0 where padding is. */
  readonly attentionMask: BigInt64Array
}

/** How token vectors become a text's vector: the mean over its tokens, or the first token's. */
export type Pooling = 'mean' | 'cls'

/** One open ONNX session. Calls may overlap; an adapter whose runtime cannot must queue inside. */
export interface Backend {
  readonly device: Device
  run(batch: TokenBatch): Promise<BackendOutput>
  /** Why the session answers one vector a token though it was to pool. For people. */
  readonly unpooled?: string
  /** Of a backend opened with `profile`: what ran where, so far. Ends the profile; no run may follow. */
  profile?(): Promise<readonly NodeRun[]>
  close(): Promise<void>
}

/** What a session answered for a batch: one vector a text where it is `pooled`, else one a token. Not to be written into. */
export interface BackendOutput {
  readonly pooled: boolean
  /** Row-major, `[rows, dims]` or `[rows, width, dims]`. */
  readonly vectors: Float32Array
}

/** One node of the graph, run once: its ONNX operator (`MatMul`) and its provider by the runtime's own name (`CPUExecutionProvider`). */
export interface NodeRun {
  readonly op: string
  readonly provider: string
}

/** How an ONNX model reaches a backend: a path (Node) or the bytes themselves (browser). */
export interface OnnxFile {
  readonly model: string | Uint8Array
}

export interface BackendOptions {
  /** Threads that a session on the CPU may use. */
  readonly threads: number
  /** Which GPU, counted from 0. Default 0. */
  readonly gpuDevice?: number | undefined
  /** Note which provider runs each node: slower, for a check. Adapters that cannot leave `profile` out of the backend. */
  readonly profile?: boolean | undefined
  /** Pool on the session's own device, so that fewer numbers come back; where that cannot be, the graph answers as it is. */
  readonly pooling?: Pooling | undefined
}

export interface BackendFactory {
  readonly device: Device
  /** The runtime's name for this device's provider, as a profile gives it. */
  readonly provider?: string
  /** Rejects with DEVICE_UNAVAILABLE and the runtime's own reason. Loads the runtime only when called. */
  open(file: OnnxFile, options: BackendOptions): Promise<Backend>
}

// ---- threads --------------------------------------------------------------------------------------------------------

/** The messages between a worker and who started it, from either side. */
export interface WorkerEndpoint {
  /** `message` is cloned; where the runtime can, the buffers of `transfer` move instead. */
  postMessage(message: unknown, transfer?: ArrayBufferLike[]): void
  /** Calls `listener` with every message from now on. */
  onMessage(listener: (message: unknown) => void): void
}

/** A running worker (a process, a thread or a Web Worker). The life cycle is its owner's. */
export interface WorkerHandle {
  readonly endpoint: WorkerEndpoint
  /** The process stays alive while the worker is ref'd; both may be called any number of times. No-ops in browsers. */
  ref(): void
  unref(): void
  /** Resolves when the worker is gone. Safe to call twice. */
  terminate(): Promise<void>
  /**
   * Called once when the worker dies, whatever the cause, `terminate()` included; `why` is for people. `error`: what kept it
   * from starting, where that has an error of its own.
   */
  onExit(listener: (why: string, error?: unknown) => void): void
}

// ---- kernels --------------------------------------------------------------------------------------------------------
