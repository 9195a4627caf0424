// A Node process of our own in the shape of the WorkerHandle port: where the embedding worker lives. The life cycle
// belongs to whoever holds the handle; that nothing outlives the process or thread that started it is seen to here.
//
// Why a process. onnxruntime-node 1.30 computes in one synchronous native call, cannot be told to stop, and throws when it
// comes back to an environment that is being torn down. Nobody catches that: the application aborts. In a thread of the
// application it happens whenever `process.exit()`, an uncaught error or `worker.terminate()` meets a running batch.
// Waiting for the batch at exit would save the first two, at the price of an exit as long as a batch; in a thread that is
// terminated nothing of ours runs at all. A process is killed, in mid-batch too, and what crashes in it takes only it along.
//
// What it costs against a thread, measured: 40 ms of CPU at the start and 10 MB for each worker. Texts and vectors cross a
// pipe, which cannot be told from crossing between threads; and what model and runtime took goes back to the system when
// the worker is let go.

import type { ChildProcess } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { WorkerEndpoint, WorkerHandle } from '../ports.js'
import { atExit } from './at-exit.js'

/** Bytes of a process's standard error that are kept, to say why it died. */
const STDERR_BYTES = 4096
/** What the process says once it listens: a message that came before might be heard by a preloaded script alone. */
const READY = 'op-dbus: ready'
/** A process that has not said so by then is stuck and is ended, ms. */
const START_MS = 60_000
/** Starts a command in the background, tells its process id and ends. */
const IN_BACKGROUND = '"$@" >/dev/null & echo $!'

/**
 * Whether a process may be started: not where a permission model forbids it, not where Node's own file is gone, and not
 * where `process.execPath` is the application instead of Node, which would only start a second time. Electron's may be
 * told by a fuse to refuse to be Node, and nothing tells whether it was.
 */
export function canStartProcess(): boolean {
  const { permission, versions } = process as NodeJS.Process & { permission?: { has(scope: string): boolean } }
  if (permission?.has('child') === false || versions.electron !== undefined || 'pkg' in process) return false
  const sea = process.getBuiltinModule?.('node:sea') as { isSea(): boolean } | undefined
  return sea?.isSea() !== true && existsSync(process.execPath)
}

/** Starts a process that runs `url`, in this one's folder and environment. Throws when the system refuses at once. */
export function spawnNodeProcess(url: URL): WorkerHandle {
  // Loaded here: a process whose texts are all cached starts none, and the two take longer to load than its answer.
  const { spawn } = process.getBuiltinModule('node:child_process')
  const { isMainThread } = process.getBuiltinModule('node:worker_threads')
  const node = [process.execPath, fileURLToPath(url)] as const
  const adopted = !isMainThread && canBeAdopted()
  const [command, ...args] = adopted ? ['/bin/sh', '-c', IN_BACKGROUND, 'sh', ...node] : node
  const child = spawn(command!, args, {
    stdio: ['ignore', adopted ? 'pipe' : 'ignore', 'pipe', 'ipc'],
    serialization: 'advanced',
    windowsHide: true,
    env: childEnvironment(),
  })
  // Where file descriptors have run out there are no streams, only the error.
  const { stdout, stderr } = child
  let pid = adopted ? undefined : child.pid
  stdout?.on('data', (told: Buffer) => {
    pid = Number(told)
  })
  let said = ''
  stderr?.on('data', (bytes: Buffer) => {
    said = (said + bytes.toString('utf8')).slice(-STDERR_BYTES)
  })
  let cause: string | undefined
  const gone = new Promise<string>(resolve => {
    child.on('error', error => resolve(error.message))
    // Once the shell has ended only the process itself holds the other end of its standard error.
    if (adopted) stderr?.once('close', () => resolve(reason(said, 'it ended')))
    else child.once('close', (code, signal) => resolve(reason(said, `it ended with ${signal ?? `code ${code}`}`)))
  })

  const kill = () => {
    // Without a channel it is gone, or about to go by itself: its id may be another's already.
    if (!child.connected) return
    if (pid === undefined) child.disconnect()
    else quietly(() => process.kill(pid!, 'SIGKILL'))
  }
  void gone.then(atExit(kill))

  // What cannot be sent is not told: that the process is gone is, by `onExit`.
  const send = (message: unknown) => void (child.connected && child.send(message as object, () => {}))
  let waiting: unknown[] | undefined = []
  const late = setTimeout(() => {
    cause = `it was not ready within ${START_MS / 1000} s`
    kill()
  }, START_MS)
  late.unref()
  void gone.then(() => clearTimeout(late))
  child.on('message', message => {
    if (message !== READY) return
    clearTimeout(late)
    for (const one of waiting ?? []) send(one)
    waiting = undefined
  })

  // The streams are sockets, which Node's types do not say.
  const holding = () => [child, child.channel, stdout, stderr] as (ChildProcess | null | undefined)[]
  const ref = () => {
    for (const one of holding()) one?.ref()
  }
  return {
    endpoint: {
      postMessage: message => (waiting ? void waiting.push(message) : send(message)),
      onMessage: listener => void child.on('message', listener),
    },
    ref,
    unref() {
      for (const one of holding()) one?.unref()
    },
    async terminate() {
      ref()
      kill()
      await gone
    },
    onExit: listener => void gone.then(why => listener(cause ?? why)),
  }
}

/**
 * A thread that is terminated never learns of its children's end: each would stay in the process table, as a zombie, until
 * the application ends. So they are given to the system's first process, unless that is none that looks after orphans: in
 * a container it may be the application itself, or what started it.
 */
function canBeAdopted(): boolean {
  if (process.platform === 'win32' || process.pid === 1 || !existsSync('/bin/sh')) return false
  try {
    return !/^(node|npm|yarn|pnpm|MainThread)/.test(readFileSync('/proc/1/comm', 'utf8'))
  } catch {
    return true
  }
}

/** This process's own, without a debugger: on `--inspect-brk` the other one would wait for one. */
export function childEnvironment(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: options, ...env } = process.env
  return options === undefined
    ? env
    : { ...env, NODE_OPTIONS: options.replace(/--inspect[\w-]*(?:[= ][^\s-]\S*)?/g, '') }
}

/** The error that the process printed, else how it ended and the last that it said. */
function reason(stderr: string, otherwise: string): string {
  const error = /^(?:Uncaught )?\w*Error(?: \[\w+\])?: (.+)$/m.exec(stderr)?.[1]
  if (error !== undefined) return error
  const last = stderr.trim().split('\n').at(-1)
  return last ? `${otherwise}: ${last}` : otherwise
}

function quietly(run: () => void): void {
  try {
    run()
  } catch {
    // Gone already.
  }
}

/** In the process itself, once it listens. */
export function tellReady(): void {
  process.send?.(READY, undefined, undefined, () => {})
}

/** In the process itself: the way to who started it. */
export function starterEndpoint(): WorkerEndpoint {
  if (!process.send) throw new Error('runs as a worker thread or a process of op-dbus only')
  endWithStarter()
  return {
    postMessage: message => void process.send!(message, undefined, undefined, () => {}),
    onMessage: listener => void process.on('message', listener),
  }
}

/**
 * In the process itself: it ends when who started it is gone, between two native calls at the latest, and by nothing else.
 * Signals that a terminal or a service manager sends to all processes are for the application to answer.
 */
export function endWithStarter(): void {
  // An orderly end would tear the runtime down, for nothing.
  const end = () => process.kill(process.pid, 'SIGKILL')
  process.once('disconnect', end)
  if (!process.connected) end()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGBREAK']) process.on(signal, () => {})
}
