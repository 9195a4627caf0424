// Runs small shell scripts around the built CLI: redirections, FIFOs, limits and mounts, as a user's shell makes them.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { constants } from 'node:os'
import { afterAll, beforeAll, onTestFinished } from 'vitest'
import { cli, type Outcome, runCli } from '../processes.js'
import { newFolder } from '../support.js'

interface ShellOptions {
  /** The cache folder; `dir` unless told. */
  readonly cache?: string
  /** Root runs the script as nobody, so that permissions mean something. */
  readonly unprivileged?: boolean
  /** A mount namespace of its own: what is mounted there is seen by nobody else, and is gone afterwards. */
  readonly mounts?: boolean
}

const NOBODY = 65_534
const IS_ROOT = process.getuid?.() === 0
const UNSHARE = IS_ROOT ? ['unshare', '--mount'] : ['unshare', '--map-root-user', '--mount']

/** Why root cannot run the CLI as nobody here; undefined where it can, and for who is not root. */
export const noNobody: string | undefined =
  !IS_ROOT ||
  spawnSync(process.execPath, [cli, '--version'], { uid: NOBODY, gid: NOBODY, stdio: 'ignore', cwd: '/' }).status === 0
    ? undefined
    : 'nobody may not read this folder'

/** Why nothing can be mounted here; undefined where it can. */
export const noMounts: string | undefined =
  process.platform === 'linux' &&
  spawnSync(UNSHARE[0]!, [...UNSHARE.slice(1), 'sh', '-c', 'mount -t tmpfs none /mnt'], { stdio: 'ignore' }).status ===
    0
    ? undefined
    : 'no mount namespaces here'

/** Runs `script` in `dir`; in it `op-dbus` is the built CLI. */
export function shell(dir: string, script: string, options: ShellOptions = {}): Promise<Outcome> {
  const lines = `op_dbus() { ${JSON.stringify(process.execPath)} ${JSON.stringify(cli)} "$@"; }\n${script}`
  const [command, ...args] = [
    ...(options.mounts ? UNSHARE : []),
    'bash',
    '-c',
    lines.replaceAll('op-dbus ', 'op_dbus '),
  ]
  const child = spawn(command!, args, {
    cwd: dir,
    env: environment(dir, options.cache),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    ...(options.unprivileged && IS_ROOT && { uid: NOBODY, gid: NOBODY }),
  })
  // Whatever the script has started and left waiting.
  onTestFinished(() => {
    try {
      process.kill(-child.pid!, 'SIGKILL')
    } catch {
      // All have ended.
    }
  })
  const [out, err]: [Buffer[], Buffer[]] = [[], []]
  child.stdout.on('data', chunk => out.push(chunk))
  child.stderr.on('data', chunk => err.push(chunk))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) =>
      resolve({ code, signal, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() }),
    )
  })
}

export function environment(dir: string, cache = dir): Record<string, string> {
  const env = { PATH: process.env.PATH ?? '', NO_COLOR: '1', OPDBUS_CACHE_DIR: cache, HOME: dir, TMPDIR: dir }
  // A newer Node would put a folder beside what a test looks for.
  return { ...env, NODE_DISABLE_COMPILE_CACHE: '1' }
}

/** What a shell shows for the end of a process: its exit code, or 128 and the number of the signal. */
export function status(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal!]))
  })
}

/** A cache folder for all tests of a file, in which the texts are: no model is loaded for them. */
export function cacheWith(...texts: readonly string[]): { readonly dir: string } {
  const cache = { dir: '' }
  beforeAll(async () => {
    cache.dir = newFolder()
    const { code, stderr } = await runCli(cache.dir, ['embed', ...texts, '-q'])
    if (code !== 0) throw new Error(stderr)
  })
  afterAll(() => rmSync(cache.dir, { recursive: true, force: true }))
  return cache
}
