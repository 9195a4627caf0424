#!/usr/bin/env node
// The CLI: finds the command, parses its options, turns what it throws into three short lines and an exit code.
import { parseArgs } from 'node:util'
import { messageOf, OpDbusError } from '../errors.js'
import { GONE_MODE, PATTERN_MODES } from '../patterns/setting.js'
import { VERSION } from '../version.js'
import { complain } from './complain.js'
import { ENDED_BY, type EndingSignal, EXIT_CODES, exitCodeOf } from './exit-codes.js'
import { OPTIONS, type OptionName, type Values } from './settings.js'
import { openTerminal, type Terminal } from './terminal.js'

type Run = (values: Values, args: readonly string[], terminal: Terminal) => Promise<number>

interface Command {
  readonly usage: string
  readonly about: string
  readonly options: readonly OptionName[]
  /** Takes texts or names; other commands take none. */
  readonly takesArguments?: boolean
  /** Loads the command's own code only when it runs. */
  readonly load: () => Promise<Run>
}

const COMMON: readonly OptionName[] = ['dir', 'quiet', 'debug', 'help', 'version']

/** Which vectors: what decides a command's space. */
const MODEL: readonly OptionName[] = ['model', 'dtype', 'dimensions', 'pooling', 'fallback', 'offline']

const COMMANDS: Readonly<Record<string, Command>> = {
  embed: {
    usage: 'op-dbus embed [TEXT...] | --file FILE | -',
    about: 'vectors of texts, one text a line; from memory, disk or the model',
    options: [...MODEL, 'device', 'patterns', 'file', 'output', 'format', 'json', 'no-vector'],
    takesArguments: true,
    load: async () => (await import('./commands/embed.js')).embed,
  },
  'cache stats': {
    usage: 'op-dbus cache stats [--json]',
    about: 'what is cached, and how often it was of use',
    options: ['json'],
    load: async () => (await import('./commands/cache.js')).stats,
  },
  'cache clear': {
    usage: 'op-dbus cache clear [--embeddings] [--blocks] [--queries] [--diffs]',
    about: 'empty the caches named, or all; only files of op-dbus are touched',
    options: ['embedding', 'embeddings', 'blocks', 'queries', 'diffs', 'force'],
    load: async () => (await import('./commands/cache.js')).clear,
  },
  'cache verify': {
    usage: 'op-dbus cache verify [--json]',
    about: 'read everything on disk and say what is damaged',
    options: ['json'],
    load: async () => (await import('./commands/cache.js')).verify,
  },
  'models list': {
    usage: 'op-dbus models list [--json]',
    about: 'models on this machine: dims, size, commit, folder; and the levels that are not here',
    options: ['json'],
    load: async () => (await import('./commands/models.js')).list,
  },
  'models pull': {
    usage: 'op-dbus models pull NAME... [--dtype NAME] [--update]',
    about: 'fetch models from the hub, verify every byte, record the commit; later pulls bring the same one',
    options: ['dtype', 'update', 'offline', 'json'],
    takesArguments: true,
    load: async () => (await import('./commands/models.js')).pull,
  },
  'models path': {
    usage: 'op-dbus models path NAME',
    about: 'print the folder of a model; exit code 3 if it is not here',
    options: [],
    takesArguments: true,
    load: async () => (await import('./commands/models.js')).path,
  },
  'models rm': {
    usage: 'op-dbus models rm NAME... [--force]',
    about: 'remove models from the cache; --force: also what other tools keep of them',
    options: ['force'],
    takesArguments: true,
    load: async () => (await import('./commands/models.js')).rm,
  },
  assets: {
    usage: 'op-dbus assets DIR [--force] [--json]',
    about: 'put what a page needs (worker, runtime, built-in model) into a public folder',
    options: ['force', 'json'],
    takesArguments: true,
    load: async () => (await import('./commands/assets.js')).assets,
  },
  doctor: {
    usage: 'op-dbus doctor [--device all|NAME] [--json]',
    about: 'versions, devices and why each works or not, model, folders',
    options: [...MODEL, 'device', 'json'],
    load: async () => (await import('./commands/doctor.js')).doctor,
  },
  demo: {
    usage: 'op-dbus demo',
    about: 'the caches at work on real vectors, with measured times',
    options: MODEL,
    load: async () => (await import('./commands/demo.js')).demo,
  },
}

/** Usage of the commands whose names begin with `words`. */
function usageOf(words: string): string {
  return Object.entries(COMMANDS)
    .filter(([name]) => name.startsWith(words))
    .map(([, { usage, about }]) => `  ${usage}\n      ${about}`)
    .join('\n')
}

const HELP = `op-dbus ${VERSION}: a cache in front of text embeddings, plugin queries, diffs and blocks

Commands
${usageOf('')}

Options
  -m, --model NAME    builtin, low, medium, high, a model folder, or a hub id (org/name); what is missing is fetched
      --dtype NAME    fp32, fp16, int8: which weights; each has vectors of its own (default fp32, built-in int8)
      --dimensions N  keep the leading N dims, scaled to length 1 (for models trained so)
      --pooling NAME  mean, cls: only for a model whose files do not say it (no modules.json)
      --fallback      a level that cannot load gives way: high, medium, low, builtin; said on stderr
      --offline       fetch nothing; a model that is not on this machine is an error
      --update        models pull: take what the hub has now, instead of the recorded commit
      --device NAME   auto, cuda, webgpu, cpu, wasm; a device by name fails with its reason where it cannot serve
      --patterns[=MODE]  template (the default): texts that differ only in numbers, addresses, ids and times share the
                      vector of their template; off: each text its own
      --dir DIR       cache folder, instead of OPDBUS_CACHE_DIR or the default
  -f, --file FILE     read texts from FILE, one a line; - is standard input
  -o, --output FILE   write to FILE instead of standard output, as a whole or not at all; devices, FIFOs and - in place
      --format NAME   text, json (same as --json), npy (NumPy; needs -o)
      --json          one JSON object a line: text, source, device, dims, ms, truncated, vector
      --no-vector     leave the vector out of the JSON
      --force         models rm: also files of other tools; clearing a cache needs no confirmation
  -q, --quiet         no progress, no confirmations
      --debug         show stack traces
  -h, --help          this text        -V, --version   the version

Examples
  op-dbus embed "Created container 100" --json
  journalctl -o cat | op-dbus embed - --json --no-vector
  op-dbus embed --file events.log --format npy -o vectors.npy
  op-dbus embed --patterns "Created container 100" "Created container 101"
  op-dbus cache stats
  OPDBUS_EMBEDDING_CACHE_SIZE=50000 op-dbus embed --file big.log --json > out.jsonl

Exit codes
${Object.entries(EXIT_CODES)
  .map(([code, meaning]) => `  ${code.padStart(3)}  ${meaning}`)
  .join('\n')}
`

const terminal = openTerminal()
process.exitCode = await main(process.argv.slice(2))
if (terminal.endedBy) endBy(terminal.endedBy)

async function main(argv: readonly string[]): Promise<number> {
  try {
    const code = await answer(argv)
    // A command may have taken it for the failure of one of its parts.
    if (terminal.failure) throw terminal.failure
    return code
  } catch (error) {
    if (terminal.endedBy) return ENDED_BY[terminal.endedBy]
    // The reader went away (`| head -1`), which is no error; what failed because of it is none either.
    if (terminal.closed) return 0
    const first = terminal.failure ?? error
    complain(first, argv.includes('--debug'), terminal)
    return exitCodeOf(first)
  }
}

async function answer(argv: readonly string[]): Promise<number> {
  const { values, positionals } = parse(argv)
  if (values.version) {
    await terminal.out(`${VERSION}\n`)
    return 0
  }
  if (values.help || positionals.length === 0) {
    await terminal.out(HELP)
    return values.help ? 0 : 2
  }
  const group = positionals.length === 1 ? usageOf(`${positionals[0]} `) : ''
  if (group !== '') {
    await terminal.out(`Commands of op-dbus ${positionals[0]}\n${group}\n`)
    return 2
  }
  const { command, rest } = find(positionals, values)
  return await (await command.load())(values, rest, terminal)
}

/**
 * Ends as the signal would have ended us: a shell then ends its loop as well, and a pipe that nobody reads holds up nothing.
 * The first process of a container is spared by its own signals.
 */
function endBy(signal: EndingSignal): never {
  process.removeAllListeners(signal)
  // A signal runs none of what is to be done at an exit, such as ending processes of ours.
  process.emit('exit', ENDED_BY[signal])
  if (process.platform !== 'win32') process.kill(process.pid, signal)
  process.exit(ENDED_BY[signal])
}

function parse(argv: readonly string[]): { values: Values; positionals: string[] } {
  try {
    return parseArgs({ args: withMode(argv), options: OPTIONS, allowPositionals: true, strict: true })
  } catch (error) {
    throw new OpDbusError('INVALID_INPUT', `${messageOf(error)}\nsee op-dbus --help`, { cause: error })
  }
}

/** `--patterns` may stand alone, which parseArgs does not know: it means `template`. */
function withMode(argv: readonly string[]): string[] {
  const args = [...argv]
  const end = args.indexOf('--')
  const at = args.indexOf('--patterns')
  if (at < 0 || (end >= 0 && end < at)) return args
  // The mode that is gone is no text either: the library says what to use instead.
  const mode = [...PATTERN_MODES, GONE_MODE].find(known => known === args[at + 1])
  args.splice(at, mode === undefined ? 1 : 2, `--patterns=${mode ?? 'template'}`)
  return args
}

/** The command that the first words name, once its options and arguments are known to be its own. */
function find(positionals: readonly string[], values: Values): { command: Command; rest: readonly string[] } {
  const name = [positionals.slice(0, 2).join(' '), positionals[0]!].find(words => Object.hasOwn(COMMANDS, words))
  if (name === undefined) {
    const known = Object.keys(COMMANDS).join(', ')
    throw new OpDbusError(
      'INVALID_INPUT',
      `unknown command "${positionals.slice(0, 2).join(' ')}"\nthere are: ${known}`,
    )
  }
  const command = COMMANDS[name]!
  const rest = positionals.slice(name.split(' ').length)
  const strange = (Object.keys(values) as OptionName[]).find(
    option => !command.options.includes(option) && !COMMON.includes(option),
  )
  if (strange !== undefined) {
    throw new OpDbusError('INVALID_INPUT', `"${name}" has no option --${strange}\nusage: ${command.usage}`)
  }
  if (rest.length > 0 && !command.takesArguments) {
    throw new OpDbusError('INVALID_INPUT', `"${name}" takes no argument "${rest[0]}"\nusage: ${command.usage}`)
  }
  return { command, rest }
}
