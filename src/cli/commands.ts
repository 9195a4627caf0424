// The list of commands, in the order of the help. A new command is a file in commands/ and a line here.
import type { Command } from './command.js'
import { assets } from './commands/assets.js'
import { cacheClear, cacheStats, cacheVerify } from './commands/cache.js'
import { completion } from './commands/completion.js'
import { demo } from './commands/demo.js'
import { doctor } from './commands/doctor.js'
import { embed } from './commands/embed.js'
import { modelsList, modelsPath, modelsPull, modelsRm } from './commands/models.js'

export const COMMANDS: readonly Command[] = [
  embed,
  cacheStats,
  cacheClear,
  cacheVerify,
  modelsList,
  modelsPull,
  modelsPath,
  modelsRm,
  assets,
  doctor,
  demo,
  completion,
]
