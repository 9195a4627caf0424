// Runs the built CLI and small scripts over the built library, each in a process and on a folder of its own.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))
export const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url))
export const library = new URL('../dist/node.js', import.meta.url).href

if (!existsSync(cli)) throw new Error('these tests run on the built library: npm run build')

export interface Outcome {
  readonly code: number | null
  /** What it died of. */
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string | Uint8Array
  readonly cwd?: string
  /** Another program in place of this Node. */
  readonly program?: string
}

/** Runs Node to its end. The environment holds nothing of this machine's but PATH, unless told. */
export function runNode(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const env = { PATH: process.env.PATH ?? '', NO_COLOR: '1', ...options.env }
    const child = spawn(options.program ?? process.execPath, args, { env, cwd: options.cwd ?? root, stdio: 'pipe' })
    const out: Buffer[] = []
    const err: Buffer[] = []
    child.stdout.on('data', chunk => out.push(chunk))
    child.stderr.on('data', chunk => err.push(chunk))
    // A child may end before it has read all of its input.
    child.stdin.on('error', () => {})
    child.stdin.end(options.input ?? '')
    child.once('error', reject)
    child.once('close', (code, signal) => {
      resolve({ code, signal, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() })
    })
  })
}

/** `op-dbus ARGS` on the cache folder `dir`. */
export function runCli(dir: string, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return runNode([cli, ...args], { ...options, env: { OPDBUS_CACHE_DIR: dir, HOME: dir, ...options.env } })
}

/** A module script; `lib` is the built library, `dir` its cache folder. What it logs as JSON comes back. */
export function runScript(dir: string, body: string, options: RunOptions = {}): Promise<Outcome> {
  const script = `import * as lib from ${JSON.stringify(library)}; const dir = process.env.OPDBUS_CACHE_DIR; ${body}`
  const env = { OPDBUS_CACHE_DIR: dir, HOME: dir, ...options.env }
  return runNode(['--input-type=module', '-e', script], { ...options, env })
}

/** The JSON objects in `text`, one a line. */
// biome-ignore lint/suspicious/noExplicitAny: what a child printed is whatever it printed
export function jsonLines(text: string): any[] {
  return text
    .split('\n')
    .filter(line => line.trim() !== '')
    .map(line => JSON.parse(line))
}
