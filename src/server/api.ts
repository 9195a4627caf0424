// What the daemon's `/api` is asked and answers: the types that its routes, the console and programs share. Types only; `schemas.ts` says the
// same to the validator and to the OpenAPI document, and a test holds the two together.
import type { Block, BlockFilter, ChainHead, SearchCall, SearchReport, VerifyReport } from '../blockchain.js'
import type { DiskSize, OneCacheStats, Stats } from '../caches/cache-set.js'
import type { PrefetchedEvent, TierVisit, TunedEvent, WarmedEvent } from '../diagnostics.js'
import type { CacheName, Device, RefusalKind, Source, TierName } from '../ports.js'
import type { ApplyReport, CheckpointInfo, DiffReport, Plan, PluginInfo, QueryReport } from '../state.js'
import type { AdviceReport, NoAdvice, TraceState, TuningState } from '../tuning/report.js'

/** What every error of `/api` looks like. The embedding endpoints have the form of the API that they speak. */
export interface ApiError {
  readonly error: {
    /**
     * As `OpDbusError.code`, or one of `UNAUTHORIZED`, `FORBIDDEN`, `NOT_FOUND`, `METHOD_NOT_ALLOWED`, `TOO_LARGE`, `BUSY`, `TIMEOUT`,
     * `INTERNAL`.
     */
    readonly code: string
    /** What failed, why, what to do next. Never a text that was sent. */
    readonly message: string
    readonly details?: Readonly<Record<string, unknown>>
  }
}

/** `GET /api/daemon`: open to everybody, so that a page can tell whether it lacks a token or a server. */
export interface DaemonInfo {
  readonly name: 'op-dbus'
  readonly version: string
  /** Whether reading, and changing, takes a token. */
  readonly tokens: { readonly read: boolean; readonly write: boolean }
  /** What the token that came with this request may do. */
  readonly may: { readonly read: boolean; readonly write: boolean }
}

/** p50 and p99 of what was answered since the start, microseconds; 0 where nothing was. */
export interface Latency {
  readonly count: number
  readonly p50: number
  readonly p99: number
}

/** `GET /api/stats`: one look at everything. */
export interface DaemonStats {
  /** Unix ms. */
  readonly now: number
  readonly started: number
  readonly pid: number
  readonly node: string
  /** Resident memory, bytes. */
  readonly rss: number
  /** The four caches, of the first model; what has no bound is null. */
  readonly caches: Stats
  readonly models: readonly ModelInfo[]
  /** Texts answered since the start, by where the vector came from. */
  readonly rows: Readonly<Record<Source, number>>
  /** Texts answered a second, over the last ten seconds. */
  readonly rowsPerSecond: number
  readonly latency: Readonly<Record<Source, Latency>>
  readonly requests: {
    readonly total: number
    /** 4xx, those of {@link turnedAway} among them. */
    readonly refused: number
    /** 429: there was too much in hand. */
    readonly turnedAway: number
    /** 5xx. */
    readonly failed: number
    readonly inHand: number
  }
  /** Seconds of computing that answers from a cache saved: the `worth` of all models' caches together. */
  readonly savedSeconds: number
  /** The shared tier; absent where there is none. */
  readonly shared?: SharedInfo
  /** What tuning did, of the first model; absent in events, which tell of each change by itself. */
  readonly tuning?: TuningState
}

export interface SharedInfo {
  /** Without user, password and path. */
  readonly at: string
  readonly state: 'serving' | 'connecting' | 'left-alone'
  /** Why it does not serve. */
  readonly problem?: string
}

/** `GET /api/models`. */
export interface ModelInfo {
  /** What requests call it. */
  readonly name: string
  /** What serves under it: another one where a level gave way. Absent until it was opened. */
  readonly serves?: string
  /** Of its vectors: as in {@link SpaceInfo}. */
  readonly space?: string
  /** The same in the embedder's own words: everything that can change a vector. */
  readonly description?: string
  readonly dims?: number
  readonly state: 'unopened' | 'opening' | 'ready' | 'failed'
  readonly problem?: string
  readonly device?: Device
  readonly workers?: number
  readonly threads?: number
  /** Devices that were to serve before, and why they do not. */
  readonly refused: readonly { readonly device: Device; readonly reason: string; readonly kind: RefusalKind }[]
  readonly cache: OneCacheStats
}

/** `POST /api/lookup`: one text, and its way through the tiers. */
export interface LookupCall {
  readonly text: string
  readonly model?: string
  /** False: it is looked for, and not computed. Default true. */
  readonly compute?: boolean
  /** How many neighbours among what memory holds; 0 to 50, default 5. */
  readonly neighbours?: number
}

export interface LookupReport {
  /** Absent where no tier has it and it was not to be computed. */
  readonly source?: Source
  /** From the question to the answer. */
  readonly micros: number
  /** Tiers below memory that were asked, nearest first. */
  readonly tiers: readonly TierVisit[]
  /** `dims` floats, little-endian, as base64. Absent where there is no answer. */
  readonly vector?: string
  readonly dims: number
  readonly tokens?: number
  readonly truncated?: boolean
  readonly device?: Device
  /** Where patterns are on: what was embedded. */
  readonly template?: string
  /** Nearest first, by cosine; the text itself is not among them. Absent without a vector to compare with. */
  readonly neighbours?: readonly { readonly text: string; readonly score: number }[]
}

/** `GET /api/spaces`: what lies on disk, by the space that computed it. */
export interface SpaceInfo extends DiskSize {
  /** 32 hex digits, everywhere in `/api`: the first of SHA-256 of the embedder's own word for it; `spaceId` of node/spaces.ts. */
  readonly space: string
  /** What it is, for people, from its `space.json`. */
  readonly description: Readonly<Record<string, string | number | boolean>>
  readonly dims: number
  /** Unix ms: when its first file was begun, and when one was last written to. */
  readonly oldest: number
  readonly newest: number
  /** Names of the daemon's models that use it now. */
  readonly usedBy: readonly string[]
}

/** `POST /api/cache/clear`. */
export interface ClearCall {
  /** Which caches; absent and without `space`: all four. */
  readonly caches?: readonly CacheName[]
  /** One space of embeddings alone. */
  readonly space?: string
  /** What other machines share as well, of every space; refused without embeddings. Default false. */
  readonly shared?: boolean
  /** Only says what would go. */
  readonly preview?: boolean
}

export interface ClearReport {
  /** What went, or would: a line for each place; the same entry may be in several. */
  readonly gone: readonly {
    readonly cache: CacheName
    readonly tier: 'memory' | TierName
    readonly space?: string
    /** Absent where nobody counted: what is shared, before the first look-up. */
    readonly entries?: number
    readonly bytes?: number
  }[]
  readonly preview: boolean
  /** Vectors that other machines share stay, and come back from there when they are looked for. */
  readonly sharedStays: boolean
}

/** `POST /api/cache/warm`: texts or names on disk that are made ready now, so that they are there later. One of both. */
export interface WarmCall {
  /** At most 2,048. */
  readonly texts?: readonly string[]
  /** Names of embeddings on disk, 64 hex digits each, the last used first: what is there is loaded into memory. At most 2,048. */
  readonly keys?: readonly string[]
  /** Texts that no tier has are embedded. Default true. */
  readonly embed?: boolean
  readonly model?: string
  /** The model of this space ({@link SpaceInfo}); where none serves, CONFLICT. */
  readonly space?: string
}

export interface WarmReport {
  /** Texts or names. */
  readonly texts: number
  /** Of names: `disk` are loaded now, `memory` were there. */
  readonly rows: Readonly<Record<Source, number>>
  /** What is nowhere, and was not to be embedded. */
  readonly absent: number
  /** Names that there is no room for in memory. */
  readonly noRoom: number
  readonly micros: number
}

/** `POST /api/rows`: what the command line asks the daemon of its own cache folder. Only the very same space answers. */
export interface RowsCall {
  /** At most 2,048. */
  readonly texts: readonly string[]
  /** As in {@link SpaceInfo}; where no model of it serves, CONFLICT. */
  readonly space: string
}

/** One entry a text, in their order. */
export interface RowsReport {
  readonly space: string
  readonly dims: number
  /** `texts x dims` floats, row-major, little-endian, as base64. Rows of texts that failed are zeros. */
  readonly vectors: string
  readonly sources: readonly Source[]
  readonly devices: readonly Device[]
  readonly tokens: readonly number[]
  readonly truncated: readonly boolean[]
  /** Where patterns are on. */
  readonly templates?: readonly string[]
  readonly failed: readonly { readonly index: number; readonly code: string; readonly message: string }[]
}

/** `GET /api/queries`: what is known of each plugin's answer. */
export interface QueryInfo extends PluginInfo {
  /** The cached answer; absent where there is none. */
  readonly cached?: { readonly ageMs: number; readonly ttlMs: number; readonly source: Source; readonly bytes: number }
}

/** `POST /api/query`. */
export interface QueryCallBody {
  /** Absent: all. */
  readonly plugins?: readonly string[]
  readonly fresh?: boolean
  /** What tells plugins apart, as the asker has it: where one is another here (of another system), CONFLICT. For the command line. */
  readonly keys?: Readonly<Record<string, string>>
}
export type { QueryReport }

/** `POST /api/plan`: a desired state, as the text of a file. */
export interface PlanCall {
  readonly desired: string
  /** Of those that it names; absent: all. */
  readonly plugins?: readonly string[]
}

/** `POST /api/diff`. */
export interface DesiredCall extends PlanCall {
  /** Asks the system, whatever is cached. */
  readonly fresh?: boolean
}

/** `POST /api/diff`. */
export type { DiffReport }

/** `POST /api/plan` and `POST /api/rollback`. */
export interface PlanReport {
  readonly plan: Plan
  /** In words, as `op-dbus diff` prints it. */
  readonly text: string
}

/** `POST /api/rollback`: a plan that leads back, nothing is done yet. */
export interface RollbackCall {
  /** A checkpoint's id, or the beginning of one; absent: the newest. */
  readonly id?: string
}

/** `POST /api/apply`: needs the write token. */
export interface ApplyCallBody {
  readonly plan: Plan
}
export type { ApplyReport, CheckpointInfo, Plan }

/**
 * `GET /api/blocks?limit=&plugin=&operation=&since=&until=`, newest first. `before`: only blocks of smaller numbers; `bodies=false`: headers
 * alone, for lists.
 */
export interface BlocksReport {
  readonly size: number
  readonly blocks: readonly Block[]
}

/** `POST /api/verify`. */
export interface VerifyCallBody {
  /** Bodies and all that is derived as well. */
  readonly full?: boolean
  /** A signed checkpoint that was saved before: the chain must continue it. */
  readonly head?: string
}

/** `GET /api/head`; `GET /api/blocks/{number, hash or latest}` answers a {@link Block}, `.../proof` a tlog-proof as text. */
export type { Block, BlockFilter, ChainHead, VerifyReport }

/** `POST /api/search`. */
export interface SearchCallBody extends Omit<SearchCall, 'signal' | 'onProgress' | 'wait'> {
  readonly text: string
}
/** Its spaces are as in {@link SpaceInfo}. */
export type { SearchReport }

/** What `/events` sends: the name is the `event:` line, the value the JSON of its `data:` line. */
export interface LiveEvents {
  /** Once at the start, then once a second while something happened, else every five. */
  readonly stats: DaemonStats
  /** Look-ups of the last 250 ms, at most 50, with how many there were; no texts and no keys. */
  readonly lookups: { readonly total: number; readonly lookups: readonly LiveLookup[] }
  readonly appended: { readonly first: number; readonly blocks: number }
  readonly applied: { readonly plugin: string; readonly outcomes: Readonly<Record<string, number>> }
  readonly invalidated: { readonly elsewhere: boolean }
  readonly cleared: { readonly cache: CacheName; readonly elsewhere: boolean }
  readonly warning: { readonly message: string }
  /** What was fetched ahead and came to its end in the last 250 ms, counted together. */
  readonly prefetched: { readonly prefetched: readonly LivePrefetched[] }
  readonly tuned: TunedEvent
  readonly warmed: WarmedEvent
  /** The reader is too slow, and so many events were left out. */
  readonly skipped: { readonly events: number }
}

export interface LiveLookup {
  readonly cache: CacheName
  readonly source?: Source
  readonly outcome: 'hit' | 'computed' | 'joined' | 'absent' | 'failed'
  readonly micros: number
}

/** So many entries that were fetched ahead came to such an end. */
export interface LivePrefetched extends Omit<PrefetchedEvent, 'micros'> {
  readonly entries: number
}

/** `GET /api/tuning`. */
export interface TuningReport {
  /** What `op-dbus cache tune` says of the traces in the cache folder. Worked out at most once a minute, by a thread of its own. */
  readonly advice: AdviceReport | NoAdvice
  /** Of the caches of the first model: queries, diffs and blocks are there. */
  readonly state: TuningState
}

/** `POST /api/tuning/trace`: needs the write token. As `op-dbus cache trace on` and `off`, it holds for every process on the cache folder. */
export interface TraceCall {
  readonly on: boolean
  /** With `on`: how long; without it until it is switched off. */
  readonly seconds?: number
}
export type { TraceState }
