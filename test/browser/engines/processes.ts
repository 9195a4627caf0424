// Processes of a browser under test: started in a group of their own, so that helpers which a browser starts end with it.
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onPath } from '../../programs.js'

export interface Started {
  readonly child: ChildProcess
  /** The last that it has said, on both streams. */
  readonly said: () => string
  /** What the first group of `pattern` matches in what it says. Rejects when it ends before, or takes `ms`. */
  find(pattern: RegExp, ms: number): Promise<string>
  /** Waits `graceMs` for it to end by itself, then ends it and its whole group. */
  end(graceMs?: number): Promise<void>
}

export function start(command: string, args: readonly string[], options: Pick<SpawnOptions, 'env' | 'cwd'>): Started {
  // The kernel ends it when this process is gone, however that ended; a group of its own hears no Ctrl+C.
  const leash = onPath('setpriv')
  const line = leash === undefined ? [command, ...args] : [leash, '--pdeathsig', 'TERM', '--', command, ...args]
  const child = spawn(line[0]!, line.slice(1), { ...options, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  const listeners = new Set<() => void>()
  const hear = (chunk: Buffer) => {
    output = (output + chunk).slice(-8000)
    for (const listener of listeners) listener()
  }
  child.stdout!.on('data', hear)
  child.stderr!.on('data', hear)
  const ended = new Promise<void>(resolve => {
    child.once('error', error => {
      hear(Buffer.from(String(error)))
      resolve()
    })
    child.once('exit', () => resolve())
  })
  return {
    child,
    said: () => output,
    async find(pattern, ms) {
      const look = () => output.match(pattern)?.[1]
      const found = new Promise<string>(resolve => {
        const listener = () => {
          const match = look()
          if (match !== undefined) resolve(match)
        }
        listeners.add(listener)
        listener()
      })
      const why = async () => {
        const late = await Promise.race([ended, after(ms)])
        throw new Error(
          `${command} ${late ? `took more than ${ms / 1000} s` : 'ended'} before it said ${pattern}:\n${output}`,
        )
      }
      return Promise.race([found, why()])
    },
    async end(graceMs = 0) {
      if (graceMs > 0) await Promise.race([ended, after(graceMs)])
      killGroup(child, 'SIGTERM')
      if (await Promise.race([ended, after(3_000)])) killGroup(child, 'SIGKILL')
      await ended
      // What it has started may outlive it.
      killGroup(child, 'SIGKILL')
    },
  }
}

/** A folder for a profile, and the way to be rid of it: a browser may write a last file while it ends. */
export function profileFolder(name: string): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), `op-dbus-${name}-`))
  return { path, remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }) }
}

/** True after so many ms; keeps no process alive. */
function after(ms: number): Promise<true> {
  return new Promise(resolve => setTimeout(() => resolve(true), ms).unref())
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, signal)
  } catch {
    // Nobody is left in it.
  }
}
