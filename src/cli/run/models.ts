// `op-dbus models list|pull|path|rm`: what models are here, fetching them, where they lie, removing them.
import { OpDbusError } from '../../errors.js'
import { bytes, table } from '../../format.js'
import { type LocalModel, listModels, modelPath, pullModel, removeModel, retryText } from '../../node/models.js'
import type { CommandCall } from '../command.js'
import { complain } from '../complain.js'
import { downloadBar } from '../download-bar.js'
import { exitCodeOf } from '../exit-codes.js'
import type { FlagValues } from '../flags.js'
import { settingsOf } from '../settings.js'
import type { Terminal } from '../terminal.js'

type Values = FlagValues & Partial<Record<'json' | 'quiet' | 'debug' | 'update' | 'force', boolean>>

export async function list({ values, terminal }: CommandCall<Values>): Promise<number> {
  const found = await listModels(settingsOf(values, terminal))
  if (values.json) {
    await terminal.out(`${JSON.stringify(found, undefined, 2)}\n`)
    return 0
  }
  const heading = ['model', 'level', 'dims', 'weights', 'size', 'commit', 'folder']
  await terminal.out(table([heading, ...found.models.map(row)], [2, 4]))
  if (found.absent.length > 0) {
    const absent = found.absent.map(({ level, id }) => `  ${level} (${id})`)
    await terminal.out(`\nNot here; to fetch into ${found.folder}: op-dbus models pull NAME\n${absent.join('\n')}\n`)
  }
  if (found.others > 0 && !values.quiet) {
    terminal.say(`op-dbus: ${found.others} more in the cache, of other tools, without an ONNX file`)
  }
  return 0
}

/** All that are named, whatever becomes of the others; the exit code is that of the first that failed. */
export async function pull({ values, args, terminal }: CommandCall<Values>): Promise<number> {
  let first = 0
  for (const name of named(args, 'models pull')) {
    try {
      await pullOne(name, values, terminal)
    } catch (error) {
      if (args.length === 1 || terminal.signal.aborted) throw error
      complain(error, values.debug === true, terminal)
      first ||= exitCodeOf(error)
    }
  }
  return first
}

async function pullOne(name: string, values: Values, terminal: Terminal): Promise<void> {
  try {
    const pulled = await pullModel(name, settingsOf(values, terminal), {
      update: values.update,
      signal: terminal.signal,
      onProgress: values.quiet ? undefined : downloadBar(terminal, false),
      onWait: who => terminal.say(`op-dbus: ${who} is at work on ${name}; waiting for it`),
      onRetry: retry => terminal.say(`op-dbus: ${name}: ${retryText(retry)}`),
    })
    terminal.status('')
    if (values.json) await terminal.out(`${JSON.stringify(pulled)}\n`)
    if (values.quiet) return
    const { id, commit, from, downloaded, path } = pulled
    const did = downloaded > 0 ? `fetched ${bytes(downloaded)} from ${from} into` : `all ${bytes(pulled.bytes)} are in`
    terminal.say(`${id} at commit ${commit.slice(0, 12)}: ${did} ${path}`)
  } finally {
    terminal.status('')
  }
}

export async function path({ values, args, terminal }: CommandCall<Values>): Promise<number> {
  const [name, ...more] = named(args, 'models path')
  if (more.length > 0) throw new OpDbusError('INVALID_INPUT', '"models path" takes one name')
  await terminal.out(`${await modelPath(name, settingsOf(values, terminal))}\n`)
  return 0
}

export async function rm({ values, args, terminal }: CommandCall<Values>): Promise<number> {
  for (const name of named(args, 'models rm')) {
    const { signal } = terminal
    const removed = await removeModel(name, settingsOf(values, terminal), { force: values.force, signal })
    if (!values.quiet) terminal.say(`removed ${removed.id}: ${bytes(removed.bytes)} from ${removed.path}`)
  }
  return 0
}

function named(args: readonly string[], command: string): readonly [string, ...string[]] {
  const [first, ...others] = args
  if (first !== undefined) return [first, ...others]
  throw new OpDbusError('INVALID_INPUT', `"${command}" needs a name: low, medium, high, or a hub id (org/name)`)
}

function row({ name, level, dims, dtypes, bytes: size, commit, path }: LocalModel): string[] {
  return [name, level ?? '', String(dims ?? ''), dtypes.join(' '), bytes(size), commit?.slice(0, 12) ?? '', path]
}
