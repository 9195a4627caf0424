// The types of what `openCaches`, `openState` and `openChain` take. Made by the build from src/options.ts: edit that.
import type { PatternSetting } from './patterns/setting.js'

/** What can be set in every runtime. All optional. */
export interface CommonSettings {
  /**
   * Embeddings kept in memory, entries; 0 switches that tier off. Default: 10,000. Variable:
   * `OPDBUS_EMBEDDING_CACHE_SIZE`.
   */
  readonly embeddingCacheSize?: number | undefined
  /** Embeddings kept in memory, bytes of texts and vectors. Default: size x (4 x dims + 512). */
  readonly embeddingCacheBytes?: number | undefined
  /** Keep embeddings on disk too. Default: true. Variable: `OPDBUS_EMBEDDING_DISK_CACHE`. */
  readonly embeddingDiskCache?: boolean | undefined
  /**
   * Bytes of all embeddings on disk together, of every model; the oldest go first. Default: 2,147,483,648. Variable:
   * `OPDBUS_EMBEDDING_DISK_BYTES`.
   */
  readonly embeddingDiskBytes?: number | undefined
  /** Blocks of the chain kept in memory, entries; 0 = off. Default: 1,000. Variable: `OPDBUS_BLOCK_CACHE_SIZE`. */
  readonly blockCacheSize?: number | undefined
  /** How long a plugin's answer is good, seconds; 0 = off. Default: 5. Variable: `OPDBUS_QUERY_CACHE_TTL`. */
  readonly queryCacheTtl?: number | undefined
  /**
   * How long past that an answer is served while the plugin is asked anew, seconds; 0 = off. Never after a change was
   * told. Default: 0. Variable: `OPDBUS_QUERY_CACHE_STALE`.
   */
  readonly queryCacheStale?: number | undefined
  /** Diffs kept in memory, entries; 0 = off. Default: 100. Variable: `OPDBUS_DIFF_CACHE_SIZE`. */
  readonly diffCacheSize?: number | undefined
  /** How long a diff is good, seconds; 0 = off. Default: 60. Variable: `OPDBUS_DIFF_CACHE_TTL`. */
  readonly diffCacheTtl?: number | undefined
  /**
   * Which embedding memory gives up when it is full; see docs/tuning.md. `gdsf` and `cost-s3-fifo` weigh what computing
   * took only where embeddings are not kept on disk too: there a read of the disk costs the same for all. `lru`,
   * `sieve`, `s3-fifo`, `w-tinylfu`, `gdsf` or `cost-s3-fifo`. Default: lru. Variable: `OPDBUS_EMBEDDING_POLICY`.
   */
  readonly embeddingPolicy?: 'lru' | 'sieve' | 's3-fifo' | 'w-tinylfu' | 'gdsf' | 'cost-s3-fifo' | undefined
  /**
   * The same for plugins' answers; costs are weighed only where there is no folder for them. `lru`, `sieve`, `s3-fifo`,
   * `w-tinylfu`, `gdsf` or `cost-s3-fifo`. Default: lru. Variable: `OPDBUS_QUERY_POLICY`.
   */
  readonly queryPolicy?: 'lru' | 'sieve' | 's3-fifo' | 'w-tinylfu' | 'gdsf' | 'cost-s3-fifo' | undefined
  /**
   * The same for diffs. Nothing lies behind memory here, so costs are always weighed. `lru`, `sieve`, `s3-fifo`,
   * `w-tinylfu`, `gdsf` or `cost-s3-fifo`. Default: lru. Variable: `OPDBUS_DIFF_POLICY`.
   */
  readonly diffPolicy?: 'lru' | 'sieve' | 's3-fifo' | 'w-tinylfu' | 'gdsf' | 'cost-s3-fifo' | undefined
  /**
   * The same for blocks, whose cost is that of reading them from the chain. `lru`, `sieve`, `s3-fifo`, `w-tinylfu`,
   * `gdsf` or `cost-s3-fifo`. Default: lru. Variable: `OPDBUS_BLOCK_POLICY`.
   */
  readonly blockPolicy?: 'lru' | 'sieve' | 's3-fifo' | 'w-tinylfu' | 'gdsf' | 'cost-s3-fifo' | undefined
  /**
   * `builtin`, a level (`low`, `medium`, `high`), a model folder, or a hub id (`org/name`); a level or id that is not
   * on this machine is fetched with the first text. `none` switches embedding off. Default: builtin. Variable:
   * `OP_DBUS_MODEL`, else `OP_DBUS_VECTOR_LEVEL`.
   */
  readonly model?: string | undefined
  /**
   * Which weights of the model; each has vectors of its own. `fp32`, `fp16` or `int8`. Default: fp32; int8 for the
   * built-in model. Variable: `OP_DBUS_MODEL_DTYPE`.
   */
  readonly dtype?: 'fp32' | 'fp16' | 'int8' | undefined
  /**
   * Keep only this many leading dims of every vector, scaled to length 1 again: for models trained so (Matryoshka).
   * Such vectors are kept apart from whole ones. Default: all. Variable: `OP_DBUS_MODEL_DIMENSIONS`.
   */
  readonly dimensions?: number | undefined
  /**
   * How token vectors become one, for a model whose files do not say it (no `modules.json`); its vectors are scaled to
   * length 1. `mean` or `cls`. Default: such a model is refused. Variable: `OP_DBUS_MODEL_POOLING`.
   */
  readonly pooling?: 'mean' | 'cls' | undefined
  /**
   * A level that cannot load gives way to the next lower one (high, medium, low, builtin), and a warning says so.
   * Default: false. Variable: `OP_DBUS_MODEL_FALLBACK`.
   */
  readonly fallback?: boolean | undefined
  /**
   * Nothing is fetched: a model that is not on this machine is an error. Default: false. Variable: `HF_HUB_OFFLINE`.
   */
  readonly offline?: boolean | undefined
  /**
   * Whether texts that differ only in variable parts (numbers, addresses, ids, times) share the vector of their
   * template. In a program it may also be true, false or an object. `off` or `template`. Default: off. Variable:
   * `OPDBUS_EMBEDDING_PATTERNS`.
   */
  readonly patterns?: PatternSetting | undefined
  /**
   * What computes; `auto` takes the first that works. A device by name fails with its reason where it cannot serve.
   * `auto`, `cuda`, `webgpu`, `cpu` or `wasm`. Default: auto. Variable: `OP_DBUS_EXECUTION_PROVIDER`.
   */
  readonly device?: 'auto' | 'cuda' | 'webgpu' | 'cpu' | 'wasm' | undefined
  /** Threads that compute on the CPU, of all workers together. Default: as many as the machine runs at once. */
  readonly threads?: number | undefined
  /**
   * Workers that share the threads, each with a model of its own: one at first, more while many texts wait. CUDA has
   * two at most, another GPU one. Default: one for every four threads, at least one and at most eight.
   */
  readonly workers?: number | undefined
  /** Texts that may wait for the embedder before it says OVERLOADED. Default: 16,384. */
  readonly maxQueue?: number | undefined
  /** The model is unloaded after this long without a text to embed, ms; 0 = never. Default: 300,000. */
  readonly idleUnloadMs?: number | undefined
}

/** Everything that can be set, by whoever opens the caches. All optional; an option wins over its variable. */
export interface CacheSettings extends CommonSettings {
  /**
   * Folder of the disk tiers. Default: `$XDG_CACHE_HOME/op-dbus`, else `/var/lib/op-dbus/cache` for root and
   * `~/.cache/op-dbus` for others. Variable: `OPDBUS_CACHE_DIR`.
   */
  readonly dir?: string | undefined
  /**
   * A Redis or Valkey behind the disk, which other machines share: `redis://HOST:PORT`, `rediss://` with TLS, or
   * `redis+cluster://HOST:PORT,HOST:PORT`. Default: none. Variable: `OPDBUS_SHARED_URL`.
   */
  readonly sharedUrl?: string | undefined
  /**
   * How long a vector is kept there, seconds, give or take a tenth; 0 = until the server lets it go. Default:
   * 2,592,000. Variable: `OPDBUS_SHARED_TTL`.
   */
  readonly sharedTtl?: number | undefined
  /**
   * How long a look-up waits for it, ms, before it goes on without. Default: 100. Variable: `OPDBUS_SHARED_TIMEOUT_MS`.
   */
  readonly sharedTimeoutMs?: number | undefined
  /**
   * A text that takes longer than this to compute, ms, is computed by one of the processes that share it; the others
   * wait for that. Default: 20. Variable: `OPDBUS_SHARED_COST_MS`.
   */
  readonly sharedCostMs?: number | undefined
  /**
   * Whose plugins are told of one another's changes through the shared store: those that say the same word here. Say
   * one where several machines ask plugins about one system. Default: this machine. Variable: `OPDBUS_SHARED_SCOPE`.
   */
  readonly sharedScope?: string | undefined
  /**
   * Let a running process move memory between the four caches, and choose their policies, by what it measures; their
   * sizes together stay the bound. Default: false. Variable: `OPDBUS_AUTOTUNE`.
   */
  readonly autotune?: boolean | undefined
  /**
   * Fetch what will be asked for: `conservative` asks plugins anew before an answer that is asked for often runs out,
   * and reads blocks ahead; `eager` also what follows what, for queries and texts. `off`, `conservative` or `eager`.
   * Default: `conservative` for the blocks alone. Variable: `OPDBUS_PREDICT`.
   */
  readonly predict?: 'off' | 'conservative' | 'eager' | undefined
  /**
   * Remember which embeddings are in use, and load them at the next start, in the background. Default: on for `op-dbus
   * serve`, else off. Variable: `OPDBUS_WARM_START`.
   */
  readonly warmStart?: boolean | undefined
  /**
   * Folder to look for models in, and to fetch them to. Default: the Hugging Face cache, which other tools share; for
   * root `/var/lib/op-dbus/models`, unless HF_HOME, HF_HUB_CACHE or XDG_CACHE_HOME is set. Variable:
   * `OP_DBUS_MODEL_DIR`.
   */
  readonly modelDir?: string | undefined
  /** Which CUDA device, counted from 0. Default: 0. Variable: `OP_DBUS_GPU_DEVICE`. */
  readonly gpuDevice?: number | undefined
}

/** What can be set for plugins and the state that they answer, besides the caches. All optional; an option wins over its variable. */
export interface StateSettings {
  /**
   * Folder of what is worth keeping: the blockchain and its snapshots, checkpoints, the state after the last apply.
   * Default: `/var/lib/op-dbus` for root, else `$XDG_DATA_HOME/op-dbus`, else `~/.local/share/op-dbus`. Variable:
   * `OPDBUS_DATA_DIR`.
   */
  readonly dataDir?: string | undefined
  /**
   * Plugins of your own: paths of modules, or names of packages, with commas between them. Default: none. Variable:
   * `OPDBUS_PLUGINS`.
   */
  readonly pluginModules?: readonly string[] | undefined
  /**
   * Listen to what changes: a plugin's answer is dropped as soon as its system changes, whoever changed it. Default:
   * false. Variable: `OPDBUS_QUERY_PUSH`.
   */
  readonly queryPush?: boolean | undefined
  /**
   * How long a plugin's answer is good while its system tells every change, seconds. Default: 300. Variable:
   * `OPDBUS_QUERY_PUSH_TTL`.
   */
  readonly queryPushTtl?: number | undefined
  /**
   * How long a plugin may take to answer, seconds; to apply, six times as long; 0 = as long as it takes. Default: 10.
   * Variable: `OPDBUS_PLUGIN_TIMEOUT`.
   */
  readonly pluginTimeout?: number | undefined
  /**
   * The socket of Open vSwitch's database. One that is named has to be there; where none is there by default, the
   * network is what `ip` alone says. Links in its path are followed once, when the state is opened. Default:
   * `$OVS_RUNDIR/db.sock`, else `/var/run/openvswitch/db.sock`. Variable: `OPDBUS_OVSDB`.
   */
  readonly ovsdb?: string | undefined
  /**
   * Whose units: `system`, `user`, or the D-Bus address of a manager. Default: system for root, user for others.
   * Variable: `OPDBUS_SYSTEMD_BUS`.
   */
  readonly systemdBus?: string | undefined
  /** Folder of LXC's containers. Default: the one that `lxc-config lxc.lxcpath` names. Variable: `OPDBUS_LXC_PATH`. */
  readonly lxcPath?: string | undefined
  /**
   * How each apply is remembered in the blockchain on this machine. `on`: every old and new value; `names`: the names
   * of what changed, and hashes, for who has secrets among the values; `off`: not at all. `on`, `names` or `off`.
   * Default: on. Variable: `OPDBUS_BLOCKCHAIN`.
   */
  readonly blockchain?: boolean | 'on' | 'names' | 'off' | undefined
}

/** What can be set for the chain, besides the caches. All optional; an option wins over its variable. */
export interface ChainSettings {
  /**
   * Folder of what is worth keeping: the blockchain and its snapshots, checkpoints, the state after the last apply.
   * Default: `/var/lib/op-dbus` for root, else `$XDG_DATA_HOME/op-dbus`, else `~/.local/share/op-dbus`. Variable:
   * `OPDBUS_DATA_DIR`.
   */
  readonly dataDir?: string | undefined
  /**
   * What the blockchain is called to others, in what it signs and in its key; counts when the key is made, at the first
   * signature. Default: `op-dbus/` and 16 digits that are made from the key. Variable: `OPDBUS_LOG_NAME`.
   */
  readonly logName?: string | undefined
  /**
   * A prune keeps the newest block (or snapshot) of each of the last so many hours in which there is one. Default: 5.
   * Variable: `OPDBUS_RETAIN_HOURLY`.
   */
  readonly retainHourly?: number | undefined
  /** The same for days, which begin at midnight UTC. Default: 5. Variable: `OPDBUS_RETAIN_DAILY`. */
  readonly retainDaily?: number | undefined
  /** The same for weeks, which begin on Mondays. Default: 5. Variable: `OPDBUS_RETAIN_WEEKLY`. */
  readonly retainWeekly?: number | undefined
  /** The same for quarters of a year. Default: 5. Variable: `OPDBUS_RETAIN_QUARTERLY`. */
  readonly retainQuarterly?: number | undefined
}
