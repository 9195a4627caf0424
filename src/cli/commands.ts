// The list of commands, in the order of the help. A new command is a file in commands/ and a line here.
import type { Command } from './command.js'
import { apply, rollback } from './commands/apply.js'
import { assets } from './commands/assets.js'
import { bench } from './commands/bench.js'
import { chainAdd, chainFollow, chainList, chainSearch, chainShow, chainStats } from './commands/blockchain.js'
import { chainPrune, chainRepair, chainRestore, chainSnapshot, chainSnapshots } from './commands/blockchain-keep.js'
import { chainExport, chainHead, chainImport, chainKey, chainProof, chainVerify } from './commands/blockchain-proofs.js'
import { cacheClear, cacheExport, cacheImport, cacheStats, cacheVerify } from './commands/cache.js'
import { cacheTrace } from './commands/cache-trace.js'
import { cacheTune } from './commands/cache-tune.js'
import { cacheWarm } from './commands/cache-warm.js'
import { completion } from './commands/completion.js'
import { demo } from './commands/demo.js'
import { diff, verify } from './commands/diff.js'
import { doctor } from './commands/doctor.js'
import { embed } from './commands/embed.js'
import { modelsList, modelsPath, modelsPull, modelsRm } from './commands/models.js'
import { init, plugins, query } from './commands/query.js'
import { health, serve } from './commands/serve.js'

export const COMMANDS: readonly Command[] = [
  embed,
  serve,
  health,
  cacheStats,
  cacheClear,
  cacheWarm,
  cacheTrace,
  cacheTune,
  cacheVerify,
  cacheExport,
  cacheImport,
  modelsList,
  modelsPull,
  modelsPath,
  modelsRm,
  init,
  query,
  diff,
  apply,
  verify,
  rollback,
  plugins,
  chainAdd,
  chainList,
  chainShow,
  chainFollow,
  chainSearch,
  chainStats,
  chainVerify,
  chainProof,
  chainHead,
  chainKey,
  chainExport,
  chainImport,
  chainPrune,
  chainSnapshot,
  chainSnapshots,
  chainRestore,
  chainRepair,
  assets,
  doctor,
  demo,
  bench,
  completion,
]
