// A system that is a file, with a data folder and a cache folder of its own, and the built CLI over it.
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { cli, type Outcome, type RunOptions, root, runCli } from '../processes.js'
import { temporaryFolder } from '../support.js'

const plugin = fileURLToPath(new URL('file-plugin.mjs', import.meta.url))

/** Why there is no terminal for a test here; undefined where there is. */
export const noTerminal: string | undefined = /util-linux/.test(
  spawnSync('script', ['--version']).stdout?.toString() ?? '',
)
  ? undefined
  : 'no script(1) of util-linux'

export interface System {
  readonly dir: string
  readonly data: string
  readonly file: string
  readonly env: Record<string, string>
  /** What the system is. */
  state(): unknown
  set(state: unknown): void
  /** A file in `dir`, as JSON unless it is text; its path. */
  write(name: string, content: unknown): string
  /** What the plugin was asked: `query`, `apply`. */
  asked(): string[]
  run(args: readonly string[], options?: RunOptions): Promise<Outcome>
  /** On a terminal: what it shows, and the exit code. `input` is typed. */
  onTerminal(args: readonly string[], input?: string, env?: Readonly<Record<string, string>>): Promise<Outcome>
  /** A process that goes on; it is ended with the test. On a terminal, what is written to its input is typed. */
  startOnTerminal(args: readonly string[], env?: Readonly<Record<string, string>>): Running
  start(args: readonly string[], env?: Readonly<Record<string, string>>): Running
  /** Each file of the data folder with its time: what has touched it shows. */
  dataFiles(): string[]
}

export interface Running {
  readonly child: ChildProcessWithoutNullStreams
  /** Resolves with all that was printed so far, once `text` is in it. */
  printed(text: string | RegExp, from?: 'stdout' | 'stderr'): Promise<string>
  readonly end: Promise<Outcome>
}

export function newSystem(state: unknown): System {
  const dir = temporaryFolder()
  const file = join(dir, 'system.json')
  const data = join(dir, 'data')
  // Nothing of this machine: its network and its units are no part of these tests.
  const env = {
    OPDBUS_PLUGINS: plugin,
    OPDBUS_DATA_DIR: data,
    OPDBUS_OVSDB: join(dir, 'no.sock'),
    OPDBUS_SYSTEMD_BUS: `unix:path=${join(dir, 'no.bus')}`,
    TEST_SYSTEM: file,
    // However slow the machine is.
    OPDBUS_QUERY_CACHE_TTL: '3600',
    NODE_DISABLE_COMPILE_CACHE: '1',
  }
  const cache = join(dir, 'cache')
  writeFileSync(file, JSON.stringify(state))
  const terminal: System['start'] = (args, more = {}) => {
    const command = [process.execPath, cli, ...args].map(word => `'${word}'`).join(' ')
    return started('script', ['-qec', command, '/dev/null'], { ...base(dir, cache), ...env, TERM: 'xterm', ...more })
  }
  return {
    dir,
    data,
    file,
    env,
    state: () => JSON.parse(readFileSync(file, 'utf8')),
    set(next) {
      // As a whole: whoever reads it meanwhile sees the old one or this one.
      writeFileSync(`${file}.next`, JSON.stringify(next))
      renameSync(`${file}.next`, file)
    },
    write(name, content) {
      const path = join(dir, name)
      writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
      return path
    },
    asked: () => (existsSync(`${file}.log`) ? readFileSync(`${file}.log`, 'utf8').trim().split('\n') : []),
    run: (args, options = {}) => runCli(cache, args, { cwd: dir, ...options, env: { ...env, ...options.env } }),
    async onTerminal(args, input = '', more = {}) {
      const running = terminal(args, more)
      if (input !== '') {
        await running.printed('[y/N]')
        running.child.stdin.write(input)
      }
      return running.end
    },
    startOnTerminal: terminal,
    start: (args, more = {}) => started(process.execPath, [cli, ...args], { ...base(dir, cache), ...env, ...more }),
    dataFiles: () =>
      existsSync(data)
        ? readdirSync(data, { recursive: true, encoding: 'utf8' })
            .map(name => `${name} ${statSync(join(data, name)).mtimeMs}`)
            .sort()
        : [],
  }
}

function base(dir: string, cache: string): Record<string, string> {
  return { PATH: process.env.PATH ?? '', HOME: dir, OPDBUS_CACHE_DIR: cache }
}

function started(program: string, args: readonly string[], env: Record<string, string>): Running {
  const child = spawn(program, args, { env, cwd: root, stdio: 'pipe' })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  child.stdin.on('error', () => {})
  const told = { stdout: '', stderr: '' }
  const waiting = new Set<() => void>()
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', text => {
      told[name] += text
      for (const look of waiting) look()
    })
  }
  const end = new Promise<Outcome>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code, signal, ...told }))
  })
  return {
    child,
    end,
    printed(text, from = 'stdout') {
      const found = () => (typeof text === 'string' ? told[from].includes(text) : text.test(told[from]))
      return new Promise((resolve, reject) => {
        const look = () => {
          if (!found()) return
          waiting.delete(look)
          resolve(told[from])
        }
        waiting.add(look)
        end.then(outcome => reject(new Error(`ended without ${text}: ${JSON.stringify(outcome)}`)), reject)
        look()
      })
    },
  }
}
