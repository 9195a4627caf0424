// The one list of exports that both roots share. Names only; nothing is defined here.

export type { PolicyName } from './cache/eviction.js'
export type { StoreTierStats, TierStats } from './cache/metrics.js'
export type { CacheStats, ClearOptions } from './cache/tiered-cache.js'
export type { BlockCache } from './caches/block-cache.js'
export type {
  CacheSet as Caches,
  ClearSelection,
  DiskSize,
  LifetimeStats,
  OneCacheStats,
  PatternStats,
  Stats,
  StorageStats,
} from './caches/cache-set.js'
export type { DiffCache, DiffInput } from './caches/diff-cache.js'
export type { EmbeddingMatrix } from './caches/embedding-batch.js'
export type { EmbeddingCache } from './caches/embedding-cache.js'
export type { EmbeddingResult, EmbedManyCall } from './caches/embedding-result.js'
export type { SharedTierOptions } from './caches/embedding-tiers.js'
export type { EmbedProgress } from './caches/progress.js'
export type { QueryCache } from './caches/query-cache.js'
export type { CachedAnswer, QueryCall } from './caches/query-call.js'
export type { CachedValue, ComputeValue, ValueCall } from './caches/value-cache.js'
export type {
  AppendedEvent,
  AppliedEvent,
  ClearedEvent,
  ComputedEvent,
  DiagnosticEvents,
  DiagnosticName,
  EvictedEvent,
  FailedEvent,
  FaultEvent,
  InvalidatedEvent,
  LookupEvent,
  PrefetchedEvent,
  PrunedEvent,
  PushedEvent,
  RestoredEvent,
  StoredEvent,
  TierVisit,
  TunedEvent,
  WarmedEvent,
  WarningEvent,
} from './diagnostics.js'
export type { UserEmbedder } from './embedder/client/custom-embedder.js'
export { BatchError, ERROR_CODES, type ErrorCode, type FailedItem, isOpDbusError, OpDbusError } from './errors.js'
export {
  DEVICE_CHOICES,
  type DeviceChoice,
  DTYPE_CHOICES,
  type DtypeChoice,
  POLICY_CHOICES,
  POOLING_CHOICES,
  type PoolingChoice,
  PREDICT_CHOICES,
} from './options.js'
export { PATTERN_MODES, type PatternMode, type PatternOptions, type PatternSetting } from './patterns/setting.js'
export type { PatternCounts } from './patterns/templates.js'
export type {
  BatchRun,
  CacheName,
  CallOptions,
  Device,
  Key,
  LentMemory,
  RefusalKind,
  RunningEmbedder,
  ServingModel,
  SkipReason,
  Source,
  StorageProblemKind,
  Store,
  StoreCounters,
  StoreStatus,
  TierName,
} from './ports.js'
export type { CacheSettings } from './settings.js'
export type {
  AutoState,
  PredictorName,
  PredictorState,
  TraceState,
  TuningChange,
  TuningState,
  WarmState,
  Worth,
} from './tuning/report.js'
