// `npm run bench`: runs the rows, prints the table, writes the JSON. The build bundles it; the library is imported as built.
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { type BenchArgs, parseBenchArgs, UsageError, usage } from './args.js'
import type { ChildTask } from './child.js'
import { isLibrary, openLibrary } from './library.js'
import { machine, machineText } from './machine.js'
import type { Row, RowGroup } from './row.js'
import { batchDisk, batchLoop, batchMemory, batchMiss, batchTask } from './rows/batch.js'
import { chainAppend } from './rows/chain-append.js'
import { getBlock, openChainTask } from './rows/chain-million.js'
import { cliDisk } from './rows/cli.js'
import { diskBytes, diskHit, diskWrite } from './rows/disk.js'
import { eventLoop, fastembed, oneText, throughput } from './rows/embedding.js'
import { growth, growthTask } from './rows/growth.js'
import { kernelRows } from './rows/kernels.js'
import { langchain } from './rows/langchain.js'
import { awaitedHit, memoryHit } from './rows/memory.js'
import { memoryOf10k, weigh } from './rows/memory-10k.js'
import { openMillion } from './rows/open.js'
import { policyHit, policyHitTask, policySet, policySetTask } from './rows/policies.js'
import { queryNet } from './rows/query-net.js'
import { search1m, search100k, searchTask } from './rows/search.js'
import { serve64, serveMemory, serveOne, serveOpenLoop, serveTask } from './rows/serve.js'
import { shared } from './rows/shared.js'
import { importTime } from './rows/start.js'
import { diffMegabyte, diffTask, queryHit } from './rows/state.js'
import { tiles } from './rows/tiles.js'
import { tokenizeRows } from './rows/tokenize.js'
import { tracedHit } from './rows/trace.js'
import { warmStart, warmTask } from './rows/warm-start.js'
import { exitCodeOf, inOwnFolder, type Outcome, runGroups } from './runner.js'
import { markdown, table, verdict } from './table.js'

const GROUPS: readonly RowGroup[] = [
  memoryHit,
  awaitedHit,
  policyHit,
  policySet,
  tracedHit,
  diskHit,
  diskWrite,
  diskBytes,
  openMillion,
  warmStart,
  batchMiss,
  batchLoop,
  batchDisk,
  batchMemory,
  chainAppend,
  getBlock,
  tiles,
  queryHit,
  queryNet,
  diffMegabyte,
  langchain,
  shared,
  growth,
  tokenizeRows,
  throughput,
  fastembed,
  oneText,
  eventLoop,
  kernelRows,
  search100k,
  search1m,
  serveOne,
  serve64,
  serveOpenLoop,
  serveMemory,
  importTime,
  cliDisk,
  memoryOf10k,
]
const IDS = GROUPS.map(group => group.id)
/** What rows have done in processes of their own. */
const CHILD_TASKS: Readonly<Record<string, ChildTask>> = {
  weigh,
  batch: batchTask,
  growth: growthTask,
  diff: diffTask,
  search: searchTask,
  serve: serveTask,
  warm: warmTask,
  'open-chain': openChainTask,
  'policy-hit': policyHitTask,
  'policy-set': policySetTask,
}
const ROUNDS = { full: 9, quick: 3 }

try {
  process.exitCode = await main(parseBenchArgs(process.argv.slice(2), IDS))
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  process.stderr.write(`bench: ${error.message}\nnpm run bench -- --help lists the options.\n`)
  process.exitCode = 2
}

async function main(args: BenchArgs): Promise<number> {
  const { only, json, model, quick, help, child } = args
  if (help) return print(usage(IDS))
  if (args.markdown.length > 0) return print(`${markdown(await rowsIn(args.markdown))}\n`)
  if (model !== undefined && !existsSync(model)) throw new UsageError(`there is no model folder ${model}`)
  if (args.library !== undefined && !isLibrary(args.library))
    throw new UsageError(`${args.library} holds no built op-dbus`)
  const library = await openLibrary(args.library)
  const [task, ...words] = child
  if (task !== undefined) return print(`${JSON.stringify(await CHILD_TASKS[task]!(library, ...words))}\n`)

  // Before any ONNX Runtime loads: otherwise it keeps a device id and calls home.
  process.env.ORT_DISABLE_TELEMETRY ??= '1'
  const groups = only.length === 0 ? GROUPS : GROUPS.filter(group => only.includes(group.id))
  const rounds = quick ? ROUNDS.quick : ROUNDS.full
  const outcome = await inOwnFolder(folder => runGroups(groups, folder, { library, rounds, quick, model, say }))
  report(outcome, quick, args.library)
  if (json !== undefined) await writeFile(json, `${JSON.stringify({ machine: machine(), ...outcome }, null, 2)}\n`)
  return exitCodeOf(outcome)
}

async function rowsIn(files: readonly string[]): Promise<Row[]> {
  const parts = await Promise.all(files.map(async file => (JSON.parse(await readFile(file, 'utf8')) as Outcome).rows))
  return parts.flat()
}

function report({ rows, skipped, broken }: Outcome, quick: boolean, library: string | undefined): void {
  const colour = process.stdout.isTTY === true && process.env.NO_COLOR === undefined
  const of = library === undefined ? '' : ` of ${library}`
  print(`op-dbus bench${of}${quick ? ' (quick: not for figures to quote)' : ''}\n${machineText(machine())}\n`)
  if (rows.length > 0) print(`\n${table(rows, { colour })}\n\n${verdict(rows)}\n`)
  for (const { id, why } of skipped) print(`skipped ${id}: ${why}\n`)
  for (const { id, why } of broken) process.stderr.write(`broken ${id}: ${why}\n`)
}

/** One line on stderr that replaces itself, and only for a person. */
function say(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`)
}

function print(text: string): 0 {
  process.stdout.write(text)
  return 0
}
