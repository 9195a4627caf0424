// A real systemd on a private bus for tests (real-systemd.sh), and `systemctl --user` as the judge of what was done to it.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, rmSync, watch, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { newFolder } from '../support.js'

const SCRIPT = fileURLToPath(new URL('real-systemd.sh', import.meta.url))
const IN_OWN_MOUNTS = ['-m', '--propagation', 'private', 'sh', SCRIPT]
const PATIENCE_MS = 30_000

export class RealSystemd {
  readonly dir: string
  readonly #child: ChildProcess

  private constructor(dir: string, child: ChildProcess) {
    this.dir = dir
    this.#child = child
  }

  /** With these unit files, by name. Whoever starts one stops it, whatever happens. */
  static async start(units: Readonly<Record<string, string>>): Promise<RealSystemd> {
    const dir = newFolder()
    mkdirSync(join(dir, 'units'))
    mkdirSync(join(dir, 'run'))
    // A session of its own, so that a terminal's Ctrl+C is for the tests alone, which stop it then.
    const child = spawn('unshare', [...IN_OWN_MOUNTS, 'run', dir], {
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let told = ''
    child.stderr?.on('data', chunk => {
      told = (told + chunk).slice(-4096)
    })
    const systemd = new RealSystemd(dir, child)
    for (const [name, text] of Object.entries(units)) systemd.writeUnit(name, text)
    try {
      await systemd.#busIsThere(() => told)
      // The socket is seen before anybody listens at it: systemd answers when it does.
      systemd.systemctl('start', 'dbus.socket')
      return systemd
    } catch (error) {
      await systemd.stop()
      throw error
    }
  }

  get address(): string {
    return `unix:path=${this.dir}/run/bus`
  }

  writeUnit(name: string, text: string): void {
    writeFileSync(join(this.dir, 'units', name), text)
  }

  /** `systemctl --user ARGS` within its mounts; what it printed, without the last line end, whatever its exit code. */
  systemctl(...args: string[]): string {
    const env = [`XDG_RUNTIME_DIR=${this.dir}/run`, 'SYSTEMD_IGNORE_CHROOT=1', 'LC_ALL=C.UTF-8']
    const command = ['-t', String(this.#child.pid), '-m', 'env', ...env, 'systemctl', '--user', '--no-pager', ...args]
    const { stdout, error } = spawnSync('nsenter', command, { encoding: 'utf8' })
    if (error !== undefined) throw error
    return stdout.replace(/\n$/, '')
  }

  /** A line for each. */
  isActive(...units: string[]): string {
    return this.systemctl('is-active', ...units)
  }

  /** A line for each. */
  isEnabled(...units: string[]): string {
    return this.systemctl('is-enabled', ...units)
  }

  /** Kills the bus daemon alone. */
  killBus(): void {
    const pid = Number(this.systemctl('show', '-P', 'MainPID', 'dbus.service'))
    // 0 would be all of us.
    if (!(pid > 1)) throw new Error('the bus daemon does not run')
    process.kill(pid, 'SIGKILL')
  }

  /** Ends all its processes, by their control group, and removes what it left. */
  async stop(): Promise<void> {
    const { pid, exitCode, signalCode } = this.#child
    if (pid !== undefined) {
      const ended = exitCode === null && signalCode === null ? once(this.#child, 'exit') : undefined
      spawnSync('unshare', [...IN_OWN_MOUNTS, 'end', String(pid)])
      // Where it had not come so far as to have a group.
      this.#child.kill('SIGKILL')
      await ended
    }
    rmSync(this.dir, { recursive: true, force: true })
  }

  async #busIsThere(told: () => string): Promise<void> {
    const signal = AbortSignal.timeout(PATIENCE_MS)
    const dir = join(this.dir, 'run')
    await new Promise<void>((resolve, reject) => {
      const look = () => existsSync(join(dir, 'bus')) && done()
      const watcher = watch(dir, look)
      const done = (error?: Error) => {
        watcher.close()
        this.#child.off('exit', gone)
        signal.removeEventListener('abort', late)
        if (error === undefined) resolve()
        else reject(error)
      }
      const gone = (code: number | null) => done(new Error(`systemd ended with ${code}: ${told()}`))
      const late = () => done(new Error(`systemd did not come up: ${told()}`))
      this.#child.once('exit', gone)
      signal.addEventListener('abort', late, { once: true })
      look()
    })
  }
}
