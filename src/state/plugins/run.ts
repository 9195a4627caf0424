// Programs that plugins run: one that answers and ends (`runIn`), one that goes on telling lines (`followLines`). No shell ever reads
// what a plugin says, and nothing that is started here is left behind. Knows no plugin.
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { messageOf, OpDbusError } from '../../errors.js'
import type { PluginTools, RunResult } from '../plugin.js'
import { pluginFailed } from './errors.js'
import { pathOf } from './on-path.js'

type Env = PluginTools['env']

const MAX_BYTES = 16 << 20
const STDERR_BYTES = 4096
/** A program that is to end has so long before it is killed. */
const GRACE_MS = 1000
/** A program that has ended may have left its output to one that goes on (a daemon): so long we read on. */
const DRAIN_MS = 200
const LINE_CHARACTERS = 1 << 16

/** The `run` of {@link PluginTools}, for programs that are found and run in `env`, in the C locale. */
export function runIn(env: Env): PluginTools['run'] {
  return (command, args, { signal, input, maxBytes = MAX_BYTES }) =>
    new Promise<RunResult>((resolve, reject) => {
      const fail = (what: string, cause?: unknown) => reject(failure(command, what, cause))
      if (signal.aborted) return fail('was not started: the call had ended', signal.reason)
      const child = start(command, args, env, input === undefined ? 'ignore' : 'pipe')
      if (child instanceof OpDbusError) return reject(child)

      // A program that ends before it has read all says itself why.
      child.stdin?.on('error', () => {})
      child.stdin?.end(input)

      const out = collect(
        child.stdout as Readable,
        () => out.bytes > maxBytes && end(`wrote more than ${maxBytes} bytes`),
      )
      const errors = collect(child.stderr as Readable, () => errors.keepEnd(STDERR_BYTES))
      let ended: { why: string; cause?: unknown } | undefined
      let timer: NodeJS.Timeout | undefined

      const finish = () => {
        // What it started may still be there: then the kill comes all the same, but nobody waits for it.
        if (ended) timer?.unref()
        else clearTimeout(timer)
        signal.removeEventListener('abort', onAbort)
        // Where something else still holds them: nobody reads them any more.
        child.stdout?.destroy()
        child.stderr?.destroy()
        const { exitCode: code, signalCode } = child
        if (ended) fail(ended.why, ended.cause)
        else if (code === null) fail(`was ended by ${signalCode ?? 'somebody'}`)
        else resolve({ code, stdout: out.text(), stderr: errors.text() })
      }
      const end = (why: string, cause?: unknown) => {
        if (ended) return
        ended = { why, cause }
        clearTimeout(timer)
        if (child.exitCode !== null || child.signalCode !== null) return finish()
        killGroup(child, 'SIGTERM')
        child.stdout?.destroy()
        timer = setTimeout(() => {
          killGroup(child, 'SIGKILL')
          finish()
        }, GRACE_MS)
      }
      const onAbort = () => end('was ended, since the call had ended', signal.reason)
      signal.addEventListener('abort', onAbort, { once: true })

      child.once('error', (error: NodeJS.ErrnoException) => {
        // 'error' also follows a failed kill; a started child reports its own exit.
        if (child.pid !== undefined) return
        ended = { why: reasonOf(error), cause: error }
        finish()
      })
      child.once('exit', () => {
        if (ended) finish()
        else timer = setTimeout(finish, DRAIN_MS)
      })
      child.once('close', () => child.pid !== undefined && finish())
    })
}

export interface FollowOptions {
  readonly env: Env
  /** Each line that it writes, without its end. Longer ones than 65,536 characters come in pieces. */
  onLine(line: string): void
  /** It tells nothing any more; `why` in one sentence. Once, and not after `close`. */
  onEnd(why: string): void
}

/**
 * Starts a program that goes on telling lines (`ip monitor`). It keeps no process alive, and ends with ours however that ends: a shell
 * beside it reads from a pipe that only we hold open, and ends both when that closes.
 */
export function followLines(command: string, args: readonly string[], options: FollowOptions): { close(): void } {
  const { env, onLine, onEnd } = options
  let open = true
  const lost = (why: string) => {
    if (!open) return
    close()
    onEnd(why)
  }
  // `"$@"` is the program and its arguments as they are. The shell gives up its own output, so that the end of the program's is seen.
  const guard = '"$@" & exec >/dev/null 2>&1; read -r line; kill 0'
  const child = start('/bin/sh', ['-c', guard, 'sh', command, ...args], env, 'pipe')
  const close = () => {
    if (!open) return
    open = false
    if (child instanceof OpDbusError) return
    child.stdin?.destroy()
    child.stdout?.destroy()
    child.stderr?.destroy()
    killGroup(child, 'SIGTERM')
    // Where the process ends before that, the closed pipe has the shell end them.
    setTimeout(() => killGroup(child, 'SIGKILL'), GRACE_MS).unref()
  }
  if (child instanceof OpDbusError) {
    queueMicrotask(() => lost(child.message))
    return { close }
  }

  const errors = collect(child.stderr as Readable, () => errors.keepEnd(STDERR_BYTES))
  eachLine(child.stdout as Readable, line => open && onLine(line))
  // Both ends are waited for: what it complained of is the reason.
  let streams = 2
  const ended = () => {
    if (--streams === 0) lost(`${command} ended${lastLine(errors.text())}`)
  }
  child.stdout?.once('close', ended)
  child.stderr?.once('close', ended)
  child.once('error', (error: NodeJS.ErrnoException) => lost(failure(command, reasonOf(error)).message))
  child.once('exit', () => lost(`${command} was ended`))
  child.stdin?.on('error', () => {})
  child.unref()
  for (const stream of [child.stdin, child.stdout, child.stderr]) (stream as { unref?(): void } | null)?.unref?.()
  return { close }
}

/** In a process group of its own, so that what it starts can be ended with it. */
function start(
  command: string,
  args: readonly string[],
  env: Env,
  stdin: 'ignore' | 'pipe',
): ChildProcess | OpDbusError {
  const options: SpawnOptions = {
    stdio: [stdin, 'pipe', 'pipe'],
    detached: true,
    env: { ...env, PATH: pathOf(env), LC_ALL: 'C', LANGUAGE: '' },
  }
  try {
    return spawn(command, args, options)
  } catch (error) {
    // What no program can be handed: a list of arguments that is too long, a zero byte.
    return failure(command, reasonOf(error as NodeJS.ErrnoException), error)
  }
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, signal)
  } catch {
    // Gone already.
  }
}

function collect(stream: Readable, onMore: () => void) {
  let chunks: Buffer[] = []
  let bytes = 0
  const all = () => Buffer.concat(chunks)
  stream.on('error', () => {})
  stream.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    bytes += chunk.length
    onMore()
  })
  return {
    get bytes() {
      return bytes
    },
    keepEnd(most: number) {
      if (bytes <= most) return
      chunks = [Buffer.from(all().subarray(-most))]
      bytes = most
    },
    text: () => all().toString('utf8'),
  }
}

function eachLine(stream: Readable, onLine: (line: string) => void): void {
  let rest = ''
  stream.setEncoding('utf8')
  stream.on('error', () => {})
  stream.on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() as string
    for (const line of lines) onLine(line)
    if (rest.length >= LINE_CHARACTERS) {
      onLine(rest)
      rest = ''
    }
  })
}

const failure = (command: string, what: string, cause?: unknown) =>
  pluginFailed(`${command} ${what}`, { program: command }, cause)

function reasonOf(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return 'could not be started: there is no such program on the PATH'
  if (error.code === 'EACCES') return 'could not be started: it may not be run'
  return `could not be started: ${messageOf(error)}`
}

function lastLine(text: string): string {
  const line = text.trim().split('\n').at(-1)
  return line ? `: ${line}` : ''
}
