// The processes of these tests, started and ended by the test: what they told is an event each, and none outlives its test.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { build } from 'esbuild'
import { afterAll, afterEach } from 'vitest'
import type { Event, Task } from './child.js'

/** Where nothing happens for so long, a process hangs. */
const PATIENCE_MS = 30_000

const folder = mkdtempSync(join(tmpdir(), 'op-dbus-chaos-'))
// For processes of other users as well.
chmodSync(folder, 0o755)
const program = join(folder, 'child.mjs')
const running = new Set<Child>()
const built = build({
  entryPoints: [join(import.meta.dirname, 'child.ts')],
  outfile: program,
  bundle: true,
  platform: 'node',
  format: 'esm',
  logLevel: 'error',
})

afterEach(async () => {
  await Promise.all([...running].map(child => child.kill()))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

export interface Start {
  /** What runs Node in place of the test: `strace`, `unshare`, a shell with a limit. */
  readonly through?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly onEvent?: (event: Event) => void
  /** For how long nothing may happen. */
  readonly patienceMs?: number
}

export class Child {
  readonly events: Event[] = []
  /** Resolves with how it ended. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>
  readonly #process: ChildProcess
  readonly #listeners = new Set<() => void>()
  readonly #patienceMs: number
  #stderr = ''
  #over = false

  private constructor(process: ChildProcess, { onEvent, patienceMs = PATIENCE_MS }: Start) {
    this.#process = process
    this.#patienceMs = patienceMs
    running.add(this)
    process.stderr!.on('data', chunk => {
      this.#stderr = (this.#stderr + chunk).slice(-4000)
    })
    const lines = createInterface({ input: process.stdout! })
    lines.on('line', line => {
      // The last line of one that was killed may be cut off; whoever wrote it had not told it.
      const event = eventIn(line)
      if (event === undefined) return
      this.events.push(event)
      onEvent?.(event)
      for (const listener of this.#listeners) listener()
    })
    this.ended = Promise.all([once(process, 'close'), once(lines, 'close')]).then(([[code, signal]]) => {
      this.#over = true
      running.delete(this)
      for (const listener of this.#listeners) listener()
      return { code, signal }
    })
  }

  static async start(task: Task, start: Start = {}): Promise<Child> {
    await built
    const { through = [], env = {} } = start
    const [command, ...args] = [...through, process.execPath, program, JSON.stringify(task)]
    const own = {
      PATH: process.env.PATH ?? '',
      UV_THREADPOOL_SIZE: '2',
      OP_DBUS_VECTOR_LEVEL: 'none',
      CHAIN_LIBRARY: library,
      ...env,
    }
    return new Child(spawn(command!, args, { env: own, stdio: ['pipe', 'pipe', 'pipe'] }), start)
  }

  /** By its own id; what is started through another program is that program's child. */
  get pid(): number {
    return this.#process.pid!
  }

  get stderr(): string {
    return this.#stderr
  }

  /** Resolves when it told so, or ended before. */
  async until(holds: (events: readonly Event[]) => boolean): Promise<boolean> {
    while (!holds(this.events)) {
      if (this.#over) return false
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => {
          const last = JSON.stringify(this.events.at(-1))
          void this.kill().then(() => reject(new Error(`it hangs; it told last: ${last}`)))
        }, this.#patienceMs)
        const listener = () => {
          clearTimeout(timer)
          this.#listeners.delete(listener)
          resolve()
        }
        this.#listeners.add(listener)
      })
    }
    return true
  }

  /** Runs to its end, which is a failure if it takes too long. */
  async end(): Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }> {
    await this.until(() => this.#over)
    return this.ended
  }

  signal(name: NodeJS.Signals): void {
    this.#process.kill(name)
  }

  finish(): void {
    this.#process.stdin!.end()
  }

  async kill(): Promise<void> {
    this.#process.kill('SIGKILL')
    await this.ended
  }
}

const library = new URL('../../../dist/blockchain.js', import.meta.url).href

function eventIn(line: string): Event | undefined {
  try {
    return JSON.parse(line) as Event
  } catch {
    return undefined
  }
}
