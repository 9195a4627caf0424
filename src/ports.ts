// What rooms that do not know one another agree on: brands and interfaces, nothing that runs. Imports only its own parts, about kernels and stores.

export type * from './kernel-ports.js'
export type * from './store-ports.js'

/** Everything that can change a vector (`spacesOf` in embedder/model/revision.ts has the list), as one string. */
export type Space = string & { readonly __space: never }

/** Where an answer came from, nearest first. */
export type Source = 'memory' | 'disk' | 'shared' | 'pattern' | 'computed'

/** The strategy's four. */
export type CacheName = 'embeddings' | 'blocks' | 'queries' | 'diffs'

/** A tier below memory. */
export type TierName = Extract<Source, 'disk' | 'shared'>

/** What computes vectors. `custom` is an embedder of the user's own. */
export type Device = 'cuda' | 'webgpu' | 'cpu' | 'wasm' | 'custom'

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

// ---- tiers ----------------------------------------------------------------------------------------------------------

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

/** Texts that a worker computed as one. Times are microseconds. */
export interface BatchRun {
  readonly device: Device
  readonly rows: number
  /** Padding left out. */
  readonly tokens: number
  /** In the worker, from tokens to vectors. */
  readonly micros: number
  /** How long the oldest text waited before: for a worker, for its model to be opened, for other batches, and for its tokens. */
  readonly waited: number
}

/** Who is told of every batch. */
export interface BatchListener {
  readonly clock: Pick<Clock, 'monotonic'>
  ran(batch: BatchRun): void
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
