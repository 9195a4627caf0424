// Real processes with a segment store in them, for tests that kill, limit or disown them.
import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { afterAll } from 'vitest'

export interface StoreProcessOptions {
  readonly dir: string
  readonly space?: string
  readonly valueBytes?: number
  readonly budgetBytes?: number
  /** Runs as this user, where we may. */
  readonly uid?: number
  /** Largest file it may write, in KiB. */
  readonly fileLimit?: number
}

/** Bundles the program of store-process.ts, which Node cannot run as it is, for one test file; returns its path. */
export async function buildStoreProcess(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'op-dbus-test-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const outfile = join(folder, 'store-process.mjs')
  const entry = join(import.meta.dirname, 'store-process.ts')
  await build({ entryPoints: [entry], bundle: true, platform: 'node', format: 'esm', outfile, logLevel: 'error' })
  chmodSync(folder, 0o755)
  return outfile
}

export class StoreProcess {
  /** Resolves with the exit code or the name of the signal. */
  readonly ended: Promise<number | string>
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, { resolve(value: never): void; reject(error: Error): void }>()
  #calls = 0

  private constructor(program: string, options: StoreProcessOptions) {
    const { uid, fileLimit, dir, space = 'space', valueBytes = 400, budgetBytes = 2 ** 30 } = options
    const args = [program, JSON.stringify({ dir, space, valueBytes, budgetBytes })]
    const limit = `ulimit -f ${fileLimit}; exec "$0" "$@"`
    const [command, all] = fileLimit ? ['bash', ['-c', limit, process.execPath, ...args]] : [process.execPath, args]
    const user = uid === undefined ? {} : { uid, gid: uid }
    this.#child = spawn(command, all, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], ...user })
    this.ended = new Promise(resolve => {
      this.#child.on('exit', (code, signal) => {
        for (const { reject } of this.#waiting.values()) reject(new Error(`the process ended: ${code ?? signal}`))
        resolve(code ?? signal!)
      })
    })
    this.#child.on('message', ({ id, value, error }: { id: number; value: never; error?: object }) => {
      const call = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (error) call?.reject(Object.assign(new Error('from the process'), error))
      else call?.resolve(value)
    })
  }

  static async start(program: string, options: StoreProcessOptions): Promise<StoreProcess> {
    const started = new StoreProcess(program, options)
    await new Promise((resolve, reject) => started.#waiting.set(0, { resolve, reject }))
    return started
  }

  /** Calls one of the functions of store-process.ts. Rejects with its code, or when the process ends. */
  call<T = unknown>(name: string, ...args: unknown[]): Promise<T> {
    const id = ++this.#calls
    const answer = new Promise<T>((resolve, reject) => this.#waiting.set(id, { resolve, reject }))
    this.#child.send({ id, name, args })
    return answer
  }

  kill(): Promise<number | string> {
    this.#child.kill('SIGKILL')
    return this.ended
  }

  /** Lets it end by itself, without closing its store. */
  leave(): Promise<number | string> {
    if (this.#child.connected) this.#child.disconnect()
    return this.ended
  }
}
