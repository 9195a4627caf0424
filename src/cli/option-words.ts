// What the CLI says of the options that it takes, and of variables of tuning, state and chain. Made by the build from src/options.ts: edit that.
export const OPTION_WORDS: Readonly<Record<string, { readonly help: string; readonly default: string }>> = {
  dir: {
    help: 'Folder of the disk tiers.',
    default: '$XDG_CACHE_HOME/op-dbus, else /var/lib/op-dbus/cache for root and ~/.cache/op-dbus for others',
  },
  queryCacheTtl: {
    help: "How long a plugin's answer is good, seconds; 0 = off.",
    default: '5',
  },
  embeddingPolicy: {
    help: 'Which embedding memory gives up when it is full; see docs/tuning.md. gdsf and cost-s3-fifo weigh what computing took only where embeddings are not kept on disk too: there a read of the disk costs the same for all.',
    default: 'lru',
  },
  queryPolicy: {
    help: "The same for plugins' answers; costs are weighed only where there is no folder for them.",
    default: 'lru',
  },
  diffPolicy: {
    help: 'The same for diffs. Nothing lies behind memory here, so costs are always weighed.',
    default: 'lru',
  },
  blockPolicy: {
    help: 'The same for blocks, whose cost is that of reading them from the chain.',
    default: 'lru',
  },
  autotune: {
    help: 'Let a running process move memory between the four caches, and choose their policies, by what it measures; their sizes together stay the bound.',
    default: 'false',
  },
  predict: {
    help: 'Fetch what will be asked for: conservative asks plugins anew before an answer that is asked for often runs out, and reads blocks ahead; eager also what follows what, for queries and texts.',
    default: 'conservative for the blocks alone',
  },
  warmStart: {
    help: 'Remember which embeddings are in use, and load them at the next start, in the background.',
    default: 'on for op-dbus serve, else off',
  },
  model: {
    help: 'builtin, a level (low, medium, high), a model folder, or a hub id (org/name); a level or id that is not on this machine is fetched with the first text. none switches embedding off.',
    default: 'builtin',
  },
  dtype: {
    help: 'Which weights of the model; each has vectors of its own.',
    default: 'fp32; int8 for the built-in model',
  },
  dimensions: {
    help: 'Keep only this many leading dims of every vector, scaled to length 1 again: for models trained so (Matryoshka). Such vectors are kept apart from whole ones.',
    default: 'all',
  },
  pooling: {
    help: 'How token vectors become one, for a model whose files do not say it (no modules.json); its vectors are scaled to length 1.',
    default: 'such a model is refused',
  },
  fallback: {
    help: 'A level that cannot load gives way to the next lower one (high, medium, low, builtin), and a warning says so.',
    default: 'false',
  },
  offline: {
    help: 'Nothing is fetched: a model that is not on this machine is an error.',
    default: 'false',
  },
  patterns: {
    help: 'Whether texts that differ only in variable parts (numbers, addresses, ids, times) share the vector of their template. In a program it may also be true, false or an object.',
    default: 'off',
  },
  device: {
    help: 'What computes; auto takes the first that works. A device by name fails with its reason where it cannot serve.',
    default: 'auto',
  },
  dataDir: {
    help: 'Folder of what is worth keeping: the blockchain and its snapshots, checkpoints, the state after the last apply.',
    default: '/var/lib/op-dbus for root, else $XDG_DATA_HOME/op-dbus, else ~/.local/share/op-dbus',
  },
  pluginModules: {
    help: 'Plugins of your own: paths of modules, or names of packages, with commas between them.',
    default: 'none',
  },
  queryPush: {
    help: "Listen to what changes: a plugin's answer is dropped as soon as its system changes, whoever changed it.",
    default: 'false',
  },
  queryPushTtl: {
    help: "How long a plugin's answer is good while its system tells every change, seconds.",
    default: '300',
  },
  pluginTimeout: {
    help: 'How long a plugin may take to answer, seconds; to apply, six times as long; 0 = as long as it takes.',
    default: '10',
  },
  ovsdb: {
    help: "The socket of Open vSwitch's database. One that is named has to be there; where none is there by default, the network is what ip alone says. Links in its path are followed once, when the state is opened.",
    default: '$OVS_RUNDIR/db.sock, else /var/run/openvswitch/db.sock',
  },
  systemdBus: {
    help: 'Whose units: system, user, or the D-Bus address of a manager.',
    default: 'system for root, user for others',
  },
  lxcPath: {
    help: "Folder of LXC's containers.",
    default: 'the one that lxc-config lxc.lxcpath names',
  },
  blockchain: {
    help: 'How each apply is remembered in the blockchain on this machine. on: every old and new value; names: the names of what changed, and hashes, for who has secrets among the values; off: not at all.',
    default: 'on',
  },
  logName: {
    help: 'What the blockchain is called to others, in what it signs and in its key; counts when the key is made, at the first signature.',
    default: 'op-dbus/ and 16 digits that are made from the key',
  },
  retainHourly: {
    help: 'A prune keeps the newest block (or snapshot) of each of the last so many hours in which there is one.',
    default: '5',
  },
  retainDaily: {
    help: 'The same for days, which begin at midnight UTC.',
    default: '5',
  },
  retainWeekly: {
    help: 'The same for weeks, which begin on Mondays.',
    default: '5',
  },
  retainQuarterly: {
    help: 'The same for quarters of a year.',
    default: '5',
  },
}
