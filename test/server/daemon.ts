// Daemons for tests. `startDaemon`: one in this process, on a free port, with folders of its own and a fast embedder that is no model.
// `startCli`: the real one, a process. Both are ended after the test, or where `stop` is called.
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, rmSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import type { Routes } from '../../src/server/context.js'
import { ROUTES } from '../../src/server/routes.js'
import { type OpenDaemon, start } from '../../src/server/start.js'
import type { ServeOptions } from '../../src/server.js'
import { newFolder } from '../support.js'

const CLI = new URL('../../dist/cli.js', import.meta.url).pathname

/** The vector that {@link fakeEmbedder} gives a text: the same in every process, of length 1. */
export function fakeVector(text: string, dims = 8): Float32Array {
  const digest = createHash('sha512').update(text).digest()
  const vector = Float32Array.from({ length: dims }, (_, i) => digest.readInt16LE((2 * i) % 64) || 1)
  const length = Math.hypot(...vector)
  return vector.map(value => value / length)
}

/** An embedder that counts what it computes: `computed` has every text, in order. */
export function fakeEmbedder(dims = 8) {
  const computed: string[] = []
  return {
    computed,
    space: 'fake',
    dims,
    embed: async (texts: readonly string[]) => {
      computed.push(...texts)
      const matrix = new Float32Array(texts.length * dims)
      for (const [row, text] of texts.entries()) matrix.set(fakeVector(text, dims), row * dims)
      return matrix
    },
  }
}

export interface TestDaemon extends OpenDaemon {
  readonly dir: string
  readonly dataDir: string
  /** Every line of its log. */
  readonly lines: readonly string[]
  /** Of the write token, to be spread into the headers of a request. */
  readonly write: { readonly authorization: string }
  readonly embedder: ReturnType<typeof fakeEmbedder>
  stop(): Promise<void>
}

/** A daemon in this process. `routes`: instead of those that there are. */
export async function startDaemon(options: ServeOptions = {}, routes: readonly Routes[] = ROUTES): Promise<TestDaemon> {
  const folder = newFolder()
  const embedder = fakeEmbedder()
  const dir = join(folder, 'cache')
  const dataDir = join(folder, 'data')
  const lines: string[] = []
  const stopAll = async (daemon?: OpenDaemon) => {
    await daemon?.close()
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    const daemon = await start(
      {
        port: 0,
        dir,
        dataDir,
        embedder,
        systemdBus: 'unix:path=/nonexistent',
        logLevel: 'debug',
        onLog: line => lines.push(line),
        ...options,
      },
      routes,
    )
    let stopped: Promise<void> | undefined
    const stop = () => (stopped ??= stopAll(daemon))
    running.push(stop)
    const { writeTokenFile } = daemon
    const token = writeTokenFile === undefined ? '' : readFileSync(writeTokenFile, 'utf8').trim()
    return { ...daemon, dir, dataDir, lines, embedder, write: { authorization: `Bearer ${token}` }, stop }
  } catch (error) {
    await stopAll()
    throw error
  }
}

const running: (() => Promise<void>)[] = []
afterAll(async () => {
  for (const stop of running.splice(0)) await stop()
})

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
  /** Of a JSON body. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came.
  readonly json: any
}

export interface Ask {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON, unless it is a text. */
  readonly body?: unknown
  /** Over the unix socket. */
  readonly overSocket?: boolean
}

/** One request on a connection of its own: also what `fetch` would not send, such as another Host. */
export function ask(
  daemon: { readonly url: string; readonly socket?: string | undefined },
  path: string,
  { method, headers = {}, body, overSocket = false }: Ask = {},
) {
  return new Promise<Answer>((resolve, reject) => {
    const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
    const request = httpRequest(
      overSocket ? 'http://localhost' : daemon.url,
      {
        path,
        method: method ?? (text === undefined ? 'GET' : 'POST'),
        headers: { ...(text !== undefined && { 'content-type': 'application/json' }), ...headers },
        agent: false,
        ...(overSocket && { socketPath: daemon.socket }),
      },
      response => {
        const chunks: Buffer[] = []
        response.on('data', chunk => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          const answer = Buffer.concat(chunks).toString()
          const isJson = /json/.test(response.headers['content-type'] ?? '')
          const { statusCode: status = 0 } = response
          resolve({
            status,
            headers: response.headers,
            text: answer,
            json: isJson && answer ? JSON.parse(answer) : undefined,
          })
        })
      },
    )
    request.on('error', reject)
    request.end(text)
  })
}

export interface CliDaemon {
  readonly child: ChildProcess
  readonly url: string
  readonly socket: string
  readonly dir: string
  readonly dataDir: string
  readonly folder: string
  /** What it wrote so far. */
  stdout(): string
  stderr(): string
  /** Ends it by a signal and waits for that; its exit code, or the signal that ended it. */
  stop(signal?: NodeJS.Signals): Promise<number | string>
}

/** `op-dbus serve` as a process, once it listens. `folder`: of an earlier one, to start again on what that left. */
export async function startCli(
  args: readonly string[] = [],
  { folder = newFolder(), env = {} }: { folder?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<CliDaemon> {
  const dir = join(folder, 'cache')
  const dataDir = join(folder, 'data')
  const child = spawn(process.execPath, [CLI, 'serve', '--port', '0', ...args], {
    env: {
      PATH: process.env.PATH,
      HOME: folder,
      OPDBUS_CACHE_DIR: dir,
      OPDBUS_DATA_DIR: dataDir,
      HF_HUB_OFFLINE: '1',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stderr = ''
  let stdout = ''
  child.stderr.on('data', chunk => (stderr += chunk))
  const gone = once(child, 'exit').then(([code, signal]) => (signal ?? code) as number | string)
  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal)
    return gone
  }
  running.push(async () => {
    await stop('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  })
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.on('data', chunk => {
      stdout += chunk
      const found = /http:\/\/[\w.[\]:]+:\d+/.exec(stdout)
      // The lines come together, in one write.
      if (found) resolve(found[0])
    })
    void gone.then(how => reject(new Error(`op-dbus serve ended with ${how}: ${stderr}`)))
  })
  return {
    child,
    url,
    socket: join(dir, 'daemon.sock'),
    dir,
    dataDir,
    folder,
    stdout: () => stdout,
    stderr: () => stderr,
    stop,
  }
}
