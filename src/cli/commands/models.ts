// `op-dbus models list|pull|path|rm`: what models are here, fetching them, where they lie, removing them.
import { OpDbusError } from '../../errors.js'
import { type LocalModel, listModels, modelPath, type PullProgress, pullModel, removeModel } from '../../node/models.js'
import { bytes, table } from '../render.js'
import { settingsOf, type Values } from '../settings.js'
import type { Terminal } from '../terminal.js'

export async function list(values: Values, _args: readonly string[], terminal: Terminal): Promise<number> {
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

export async function pull(values: Values, args: readonly string[], terminal: Terminal): Promise<number> {
  for (const name of named(args, 'models pull')) {
    const draw = values.quiet ? undefined : progressLine(name, terminal)
    try {
      const pulled = await pullModel(name, settingsOf(values, terminal), {
        update: values.update,
        signal: terminal.signal,
        onProgress: draw,
        onWait: who => terminal.say(`op-dbus: ${who} is at work on ${name}; waiting for it`),
      })
      terminal.status('')
      if (values.json) await terminal.out(`${JSON.stringify(pulled)}\n`)
      if (values.quiet) continue
      const { id, commit, from, downloaded, path } = pulled
      const did =
        downloaded > 0 ? `fetched ${bytes(downloaded)} from ${from} into` : `all ${bytes(pulled.bytes)} are in`
      terminal.say(`${id} at commit ${commit.slice(0, 12)}: ${did} ${path}`)
    } finally {
      terminal.status('')
    }
  }
  return 0
}

export async function path(values: Values, args: readonly string[], terminal: Terminal): Promise<number> {
  const [name, ...more] = named(args, 'models path')
  if (more.length > 0) throw new OpDbusError('INVALID_INPUT', '"models path" takes one name')
  await terminal.out(`${await modelPath(name, settingsOf(values, terminal))}\n`)
  return 0
}

export async function rm(values: Values, args: readonly string[], terminal: Terminal): Promise<number> {
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

/** Draws a bar at each new percent; off a terminal nothing is drawn. */
function progressLine(name: string, terminal: Terminal): (progress: PullProgress) => void {
  let drawn = -1
  return ({ file, done, total }) => {
    const percent = total > 0 ? Math.floor((100 * done) / total) : 100
    if (percent === drawn) return
    drawn = percent
    terminal.status(progressBar(name, file, done, total))
  }
}

/** `medium [=====     ] 50%  40 MB of 80 MB  onnx/model.onnx`, in at most 79 columns. */
export function progressBar(name: string, file: string, done: number, total: number): string {
  const share = total > 0 ? done / total : 1
  const bar = '='.repeat(Math.floor(20 * share)).padEnd(20)
  return `${name} [${bar}] ${Math.floor(100 * share)}%  ${bytes(done)} of ${bytes(total)}  ${file}`.slice(0, 79)
}
