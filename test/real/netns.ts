// A network namespace of a test's own, with links, addresses and routes that are nobody else's. Nothing of this machine is touched.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { programOf } from './parts.js'

const run = promisify(execFile)

/** Ends with {@link Netns.close}, which every test has to call, also where it fails. */
export class Netns {
  /** Holds a program `ip` that asks in the namespace: for the front of a PATH. */
  readonly bin = mkdtempSync(join(tmpdir(), 'op-dbus-netns-'))

  private constructor(readonly holder: ChildProcess) {
    const ip = `#!/bin/sh\nexec nsenter ${this.#enter.join(' ')} ${programOf('netns', 'ip')} "$@"\n`
    writeFileSync(join(this.bin, 'ip'), ip)
    chmodSync(join(this.bin, 'ip'), 0o755)
  }

  /** A process that does nothing but hold the namespace; it says when it is in it. */
  static async start(): Promise<Netns> {
    const user = process.getuid?.() === 0 ? [] : ['-r']
    const held = ['sh', '-c', 'echo in; read -r line']
    const holder = spawn(programOf('netns', 'unshare'), [...user, '-n', ...held], { stdio: ['pipe', 'pipe', 'ignore'] })
    await once(holder.stdout!, 'data')
    return new Netns(holder)
  }

  get env(): Readonly<Record<string, string>> {
    return { PATH: `${this.bin}:${process.env.PATH ?? ''}` }
  }

  /** Each line is one `ip` command. Answers what the last one printed. */
  async ip(...commands: string[]): Promise<string> {
    let printed = ''
    for (const command of commands) printed = (await run(join(this.bin, 'ip'), command.split(' '))).stdout
    return printed
  }

  async close(): Promise<void> {
    rmSync(this.bin, { recursive: true, force: true })
    const ended = once(this.holder, 'exit')
    this.holder.kill('SIGKILL')
    if (this.holder.exitCode === null && this.holder.signalCode === null) await ended
  }

  get #enter(): string[] {
    const user = process.getuid?.() === 0 ? [] : ['-U', '--preserve-credentials']
    return [`--target=${this.holder.pid}`, ...user, '--net']
  }
}
