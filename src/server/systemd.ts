// What systemd and a service tell each other: the sockets that it hands over (sd_listen_fds(3)), and readiness (sd_notify(3)).
// Nothing here is done where systemd did not start us.
import { spawn } from 'node:child_process'
import { fstatSync, readFileSync } from 'node:fs'

const FIRST_FD = 3
const NOTIFY_MS = 5_000

/**
 * Descriptors of sockets that were handed over to this process; none where there are none. They are taken out of `env`, so that no child takes
 * them for its own.
 */
export function inheritedSockets(env: NodeJS.ProcessEnv, pid: number): number[] {
  const { LISTEN_PID, LISTEN_FDS } = env
  if (LISTEN_PID === undefined || Number(LISTEN_PID) !== pid) return []
  for (const name of ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES']) delete env[name]
  const count = Number(LISTEN_FDS)
  if (!Number.isInteger(count) || count < 0 || count > 100) return []
  return Array.from({ length: count }, (_, i) => FIRST_FD + i)
}

/** The path of a unix socket that was handed over, which Node does not tell; undefined where the kernel does not either. */
export function pathOfSocket(fd: number): string | undefined {
  try {
    const inode = String(fstatSync(fd).ino)
    // Num RefCount Protocol Flags Type St Inode Path, see unix(7) and proc(5).
    const rows = readFileSync('/proc/net/unix', 'utf8').split('\n')
    return rows.map(row => /^\S+ \S+ \S+ \S+ \S+ \S+ +(\d+) (\/.*)$/.exec(row)).find(found => found?.[1] === inode)?.[2]
  } catch {
    return undefined
  }
}

/** Tells it how we are. Node has no unix datagrams, so a child does (`NotifyAccess=all`). False where that did not work. */
export function notify(env: NodeJS.ProcessEnv, ...states: readonly string[]): Promise<boolean> {
  if (!env.NOTIFY_SOCKET) return Promise.resolve(true)
  return new Promise(resolve => {
    const child = spawn('systemd-notify', states, { env, stdio: 'ignore' })
    const timer = setTimeout(() => child.kill('SIGKILL'), NOTIFY_MS)
    const end = (well: boolean) => {
      clearTimeout(timer)
      resolve(well)
    }
    child.once('error', () => end(false))
    child.once('exit', code => end(code === 0))
  })
}
