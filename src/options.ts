// The one table of options: all that `openCaches`, `openState` and `openChain` take besides functions and objects of the caller's. What an
// entry says here is read by config.ts (options, environment, checks), by the CLI (flags, help, completion), and by the build, which writes
// settings.ts, cli/option-words.ts and docs/settings.md from it. Imports nothing that a page would have to load.
//
// To add an option, write one entry, with a comment: the comment is the help that people read, in editors, `--help`,
// completion and the docs. It is plain text with `code` in backticks; variable, flag and a default that is a value are added to
// it. Where the default is no fixed value, the comment says it in its last sentence: "Default: as many as ...". Then `node build.mjs`, and read it as
// `config.theName`.
import {
  listOfWords,
  nameOfLog,
  oneOf,
  patterns,
  remembered,
  seconds,
  sharedAddress,
  trueOrFalse,
  wholeNumber,
  words,
} from './option-kinds.js'
import { GONE_MODE, PATTERN_MODES } from './patterns/setting.js'

export { type FlagOption, type Option, type OptionGroup, type OptionTaker, takes } from './option-kinds.js'

/** Devices that can be asked for; `auto` takes the first that works. */
export const DEVICE_CHOICES = ['auto', 'cuda', 'webgpu', 'cpu', 'wasm'] as const
export type DeviceChoice = (typeof DEVICE_CHOICES)[number]

/** How a model's weights are stored. Another dtype is another space. */
export const DTYPE_CHOICES = ['fp32', 'fp16', 'int8'] as const
export type DtypeChoice = (typeof DTYPE_CHOICES)[number]

/** How token vectors become one: the mean of all, or the first token's. */
export const POOLING_CHOICES = ['mean', 'cls'] as const
export type PoolingChoice = (typeof POOLING_CHOICES)[number]

/** Which entry memory gives up for a new one. `lru`, least recently used, is the strategy's. */
export const POLICY_CHOICES = ['lru', 'sieve', 's3-fifo', 'w-tinylfu', 'gdsf', 'cost-s3-fifo'] as const

/** How much is fetched before anybody asks. */
export const PREDICT_CHOICES = ['off', 'conservative', 'eager'] as const

export const OPTIONS = {
  /**
   * Folder of the disk tiers. Default: `$XDG_CACHE_HOME/op-dbus`, else `/var/lib/op-dbus/cache` for root and
   * `~/.cache/op-dbus` for others.
   */
  dir: words({
    group: 'cache',
    variable: 'OPDBUS_CACHE_DIR',
    flag: { value: 'DIR', completes: 'folder' },
    only: 'node',
  }),
  /** Embeddings kept in memory, entries; 0 switches that tier off. */
  embeddingCacheSize: wholeNumber(0, { group: 'cache', variable: 'OPDBUS_EMBEDDING_CACHE_SIZE', default: 10_000 }),
  /** Embeddings kept in memory, bytes of texts and vectors. Default: size x (4 x dims + 512). */
  embeddingCacheBytes: wholeNumber(0, { group: 'cache' }),
  /** Keep embeddings on disk too. */
  embeddingDiskCache: trueOrFalse({ group: 'cache', variable: 'OPDBUS_EMBEDDING_DISK_CACHE', default: true }),
  /** Bytes of all embeddings on disk together, of every model; the oldest go first. */
  embeddingDiskBytes: wholeNumber(2 ** 20, {
    group: 'cache',
    variable: 'OPDBUS_EMBEDDING_DISK_BYTES',
    default: 2 ** 31,
  }),
  /**
   * A Redis or Valkey behind the disk, which other machines share: `redis://HOST:PORT`, `rediss://` with TLS, or
   * `redis+cluster://HOST:PORT,HOST:PORT`. Default: none.
   */
  sharedUrl: sharedAddress({ group: 'cache', variable: 'OPDBUS_SHARED_URL', only: 'node' }),
  /** How long a vector is kept there, seconds, give or take a tenth; 0 = until the server lets it go. */
  sharedTtl: seconds({ group: 'cache', variable: 'OPDBUS_SHARED_TTL', default: 30 * 86_400, only: 'node' }),
  /** How long a look-up waits for it, ms, before it goes on without. */
  sharedTimeoutMs: wholeNumber(1, { group: 'cache', variable: 'OPDBUS_SHARED_TIMEOUT_MS', default: 100, only: 'node' }),
  /** A text that takes longer than this to compute, ms, is computed by one of the processes that share it; the others wait for that. */
  sharedCostMs: wholeNumber(0, { group: 'cache', variable: 'OPDBUS_SHARED_COST_MS', default: 20, only: 'node' }),
  /**
   * Whose plugins are told of one another's changes through the shared store: those that say the same word here. Say one where
   * several machines ask plugins about one system. Default: this machine.
   */
  sharedScope: words({ group: 'cache', variable: 'OPDBUS_SHARED_SCOPE', only: 'node' }),
  /** Blocks of the chain kept in memory, entries; 0 = off. */
  blockCacheSize: wholeNumber(0, { group: 'cache', variable: 'OPDBUS_BLOCK_CACHE_SIZE', default: 1_000 }),
  /** How long a plugin's answer is good, seconds; 0 = off. */
  queryCacheTtl: seconds({ group: 'cache', variable: 'OPDBUS_QUERY_CACHE_TTL', default: 5 }),
  /** How long past that an answer is served while the plugin is asked anew, seconds; 0 = off. Never after a change was told. */
  queryCacheStale: seconds({ group: 'cache', variable: 'OPDBUS_QUERY_CACHE_STALE', default: 0 }),
  /** Diffs kept in memory, entries; 0 = off. */
  diffCacheSize: wholeNumber(0, { group: 'cache', variable: 'OPDBUS_DIFF_CACHE_SIZE', default: 100 }),
  /** How long a diff is good, seconds; 0 = off. */
  diffCacheTtl: seconds({ group: 'cache', variable: 'OPDBUS_DIFF_CACHE_TTL', default: 60 }),
  /**
   * Which embedding memory gives up when it is full; see docs/tuning.md. `gdsf` and `cost-s3-fifo` weigh what computing took only where
   * embeddings are not kept on disk too: there a read of the disk costs the same for all.
   */
  embeddingPolicy: oneOf(POLICY_CHOICES, { group: 'tuning', variable: 'OPDBUS_EMBEDDING_POLICY', default: 'lru' }),
  /** The same for plugins' answers; costs are weighed only where there is no folder for them. */
  queryPolicy: oneOf(POLICY_CHOICES, { group: 'tuning', variable: 'OPDBUS_QUERY_POLICY', default: 'lru' }),
  /** The same for diffs. Nothing lies behind memory here, so costs are always weighed. */
  diffPolicy: oneOf(POLICY_CHOICES, { group: 'tuning', variable: 'OPDBUS_DIFF_POLICY', default: 'lru' }),
  /** The same for blocks, whose cost is that of reading them from the chain. */
  blockPolicy: oneOf(POLICY_CHOICES, { group: 'tuning', variable: 'OPDBUS_BLOCK_POLICY', default: 'lru' }),
  /**
   * Let a running process move memory between the four caches, and choose their policies, by what it measures; their sizes together stay
   * the bound.
   */
  autotune: trueOrFalse({ group: 'tuning', variable: 'OPDBUS_AUTOTUNE', flag: {}, default: false, only: 'node' }),
  /**
   * Fetch what will be asked for: `conservative` asks plugins anew before an answer that is asked for often runs out, and reads blocks
   * ahead; `eager` also what follows what, for queries and texts. Default: `conservative` for the blocks alone.
   */
  predict: oneOf(PREDICT_CHOICES, {
    group: 'tuning',
    variable: 'OPDBUS_PREDICT',
    flag: { value: 'MODE' },
    unsaid: 'blocks alone are read ahead',
    only: 'node',
  }),
  /**
   * Remember which embeddings are in use, and load them at the next start, in the background. Default: on for `op-dbus serve`, else off.
   */
  warmStart: trueOrFalse({
    group: 'tuning',
    variable: 'OPDBUS_WARM_START',
    unsaid: 'on for op-dbus serve alone',
    only: 'node',
  }),
  /**
   * `builtin`, a level (`low`, `medium`, `high`), a model folder, or a hub id (`org/name`); a level or id that is not on this
   * machine is fetched with the first text. `none` switches embedding off.
   */
  model: words({
    group: 'model',
    variable: 'OP_DBUS_MODEL',
    otherVariable: {
      name: 'OP_DBUS_VECTOR_LEVEL',
      words: { none: 'none', low: 'low', medium: 'medium', med: 'medium', high: 'high', builtin: 'builtin' },
    },
    flag: { short: 'm', value: 'NAME', completes: ['builtin', 'low', 'medium', 'high'] },
    default: 'builtin',
  }),
  /** Which weights of the model; each has vectors of its own. Default: fp32; int8 for the built-in model. */
  dtype: oneOf(DTYPE_CHOICES, { group: 'model', variable: 'OP_DBUS_MODEL_DTYPE', flag: { value: 'NAME' } }),
  /**
   * Keep only this many leading dims of every vector, scaled to length 1 again: for models trained so (Matryoshka). Such
   * vectors are kept apart from whole ones. Default: all.
   */
  dimensions: wholeNumber(1, { group: 'model', variable: 'OP_DBUS_MODEL_DIMENSIONS', flag: { value: 'N' } }),
  /**
   * How token vectors become one, for a model whose files do not say it (no `modules.json`); its vectors are scaled to
   * length 1. Default: such a model is refused.
   */
  pooling: oneOf(POOLING_CHOICES, { group: 'model', variable: 'OP_DBUS_MODEL_POOLING', flag: { value: 'NAME' } }),
  /** A level that cannot load gives way to the next lower one (high, medium, low, builtin), and a warning says so. */
  fallback: trueOrFalse({ group: 'model', variable: 'OP_DBUS_MODEL_FALLBACK', flag: {}, default: false }),
  /** Nothing is fetched: a model that is not on this machine is an error. */
  offline: trueOrFalse({ group: 'model', variable: 'HF_HUB_OFFLINE', flag: {}, default: false }),
  /**
   * Folder to look for models in, and to fetch them to. Default: the Hugging Face cache, which other tools share; for root
   * `/var/lib/op-dbus/models`, unless HF_HOME, HF_HUB_CACHE or XDG_CACHE_HOME is set.
   */
  modelDir: words({ group: 'model', variable: 'OP_DBUS_MODEL_DIR', only: 'node' }),
  /**
   * Whether texts that differ only in variable parts (numbers, addresses, ids, times) share the vector of their
   * template. In a program it may also be true, false or an object.
   */
  patterns: patterns({
    group: 'patterns',
    variable: 'OPDBUS_EMBEDDING_PATTERNS',
    flag: { value: 'MODE', alone: { means: 'template', unless: [...PATTERN_MODES, GONE_MODE] } },
    default: 'off',
  }),
  /** What computes; `auto` takes the first that works. A device by name fails with its reason where it cannot serve. */
  device: oneOf(
    DEVICE_CHOICES,
    { group: 'device', variable: 'OP_DBUS_EXECUTION_PROVIDER', flag: { value: 'NAME' }, default: 'auto' },
    [['gpu', 'cuda']],
  ),
  /** Which CUDA device, counted from 0. */
  gpuDevice: wholeNumber(0, { group: 'device', variable: 'OP_DBUS_GPU_DEVICE', default: 0, only: 'node' }),
  /** Threads that compute on the CPU, of all workers together. Default: as many as the machine runs at once. */
  threads: wholeNumber(1, { group: 'device' }),
  /**
   * Workers that share the threads, each with a model of its own: one at first, more while many texts wait. CUDA has two at most,
   * another GPU one. Default: one for every four threads, at least one and at most eight.
   */
  workers: wholeNumber(1, { group: 'device' }),
  /** Texts that may wait for the embedder before it says OVERLOADED. */
  maxQueue: wholeNumber(1, { group: 'device', default: 16_384 }),
  /** The model is unloaded after this long without a text to embed, ms; 0 = never. */
  idleUnloadMs: wholeNumber(0, { group: 'device', default: 300_000 }),
  /**
   * Folder of what is worth keeping: the blockchain and its snapshots, checkpoints, the state after the last apply. Default:
   * `/var/lib/op-dbus` for root, else `$XDG_DATA_HOME/op-dbus`, else `~/.local/share/op-dbus`.
   */
  dataDir: words({
    group: 'data',
    variable: 'OPDBUS_DATA_DIR',
    flag: { value: 'DIR', completes: 'folder' },
    only: 'node',
  }),
  /** Plugins of your own: paths of modules, or names of packages, with commas between them. Default: none. */
  pluginModules: listOfWords({
    group: 'state',
    variable: 'OPDBUS_PLUGINS',
    flag: { value: 'LIST' },
    only: 'node',
  }),
  /** Listen to what changes: a plugin's answer is dropped as soon as its system changes, whoever changed it. */
  queryPush: trueOrFalse({ group: 'state', variable: 'OPDBUS_QUERY_PUSH', default: false, only: 'node' }),
  /** How long a plugin's answer is good while its system tells every change, seconds. */
  queryPushTtl: seconds({ group: 'state', variable: 'OPDBUS_QUERY_PUSH_TTL', default: 300, only: 'node' }),
  /** How long a plugin may take to answer, seconds; to apply, six times as long; 0 = as long as it takes. */
  pluginTimeout: seconds({ group: 'state', variable: 'OPDBUS_PLUGIN_TIMEOUT', default: 10, only: 'node' }),
  /**
   * The socket of Open vSwitch's database. One that is named has to be there; where none is there by default, the network is what `ip`
   * alone says. Links in its path are followed once, when the state is opened. Default: `$OVS_RUNDIR/db.sock`, else
   * `/var/run/openvswitch/db.sock`.
   */
  ovsdb: words({ group: 'state', variable: 'OPDBUS_OVSDB', only: 'node' }),
  /** Whose units: `system`, `user`, or the D-Bus address of a manager. Default: system for root, user for others. */
  systemdBus: words({ group: 'state', variable: 'OPDBUS_SYSTEMD_BUS', only: 'node' }),
  /** Folder of LXC's containers. Default: the one that `lxc-config lxc.lxcpath` names. */
  lxcPath: words({ group: 'state', variable: 'OPDBUS_LXC_PATH', only: 'node' }),
  /**
   * How each apply is remembered in the blockchain on this machine. `on`: every old and new value; `names`: the names of what
   * changed, and hashes, for who has secrets among the values; `off`: not at all.
   */
  blockchain: remembered({
    group: 'state',
    variable: 'OPDBUS_BLOCKCHAIN',
    default: 'on',
    mistaken: 'names',
    only: 'node',
  }),
  /**
   * What the blockchain is called to others, in what it signs and in its key; counts when the key is made, at the first signature.
   * Default: `op-dbus/` and 16 digits that are made from the key.
   */
  logName: nameOfLog({ group: 'chain', variable: 'OPDBUS_LOG_NAME', only: 'node' }),
  /** A prune keeps the newest block (or snapshot) of each of the last so many hours in which there is one. */
  retainHourly: wholeNumber(0, { group: 'chain', variable: 'OPDBUS_RETAIN_HOURLY', default: 5, only: 'node' }),
  /** The same for days, which begin at midnight UTC. */
  retainDaily: wholeNumber(0, { group: 'chain', variable: 'OPDBUS_RETAIN_DAILY', default: 5, only: 'node' }),
  /** The same for weeks, which begin on Mondays. */
  retainWeekly: wholeNumber(0, { group: 'chain', variable: 'OPDBUS_RETAIN_WEEKLY', default: 5, only: 'node' }),
  /** The same for quarters of a year. */
  retainQuarterly: wholeNumber(0, { group: 'chain', variable: 'OPDBUS_RETAIN_QUARTERLY', default: 5, only: 'node' }),
}

export type OptionName = keyof typeof OPTIONS
