// Real containers of LXC for tests, in a folder of their own: a busybox each, without a network, in control groups that are mounted for
// its start alone. Within `describeWith('lxc', …)` only.
import { spawnSync } from 'node:child_process'
import { appendFileSync, chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { programOf } from './parts.js'

export interface RealLxc {
  /** The folder of containers. */
  readonly path: string
  /** With an `lxc-start` before LXC's own that gives it a place for control groups: machines have them mounted in many ways. */
  readonly env: Readonly<Record<string, string>>
  create(name: string, config?: string): void
  /** What LXC itself says of it: `RUNNING`, `STOPPED`. */
  state(name: string): string
  /** Runs a program of LXC on these containers. */
  lxc(program: string, ...args: string[]): string
  /** Ends all that run. */
  end(): void
}

const START = `#!/bin/sh
exec unshare -m --propagation private sh -c '
umount -R /sys/fs/cgroup 2>/dev/null; mount -t cgroup2 none /sys/fs/cgroup; exec "$@"' sh LXC_START "$@"
`

/** The init of each: it ends at once when it is asked to, where busybox' own takes two seconds. */
const INIT = "trap 'exit 0' USR1\nwhile :; do sleep 1000 & wait; done\n"

/** Whoever asks removes `folder`, after `end`. */
export function realLxc(folder: string): RealLxc {
  const path = join(folder, 'containers')
  const bin = join(folder, 'bin')
  for (const each of [path, bin]) mkdirSync(each)
  writeFileSync(join(bin, 'lxc-start'), START.replace('LXC_START', programOf('lxc', 'lxc-start')))
  chmodSync(join(bin, 'lxc-start'), 0o755)
  const env = { PATH: `${bin}:${process.env.PATH}` }
  const names: string[] = []

  const lxc = (program: string, ...args: string[]) => {
    const { status, stdout, stderr } = spawnSync(program, [...args, '-P', path], { encoding: 'utf8', env })
    if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`)
    return stdout.trim()
  }
  const state = (name: string) => lxc('lxc-info', '-n', name, '-sH')
  return {
    path,
    env,
    lxc,
    state,
    create(name, config = '') {
      lxc('lxc-create', '-n', name, '-t', 'busybox')
      names.push(name)
      const file = join(path, name, 'config')
      const kept = readFileSync(file, 'utf8')
        .split('\n')
        .filter(line => !/apparmor|^lxc\.net\.|cgroup/.test(line))
      writeFileSync(file, kept.join('\n'))
      appendFileSync(
        file,
        `\nlxc.mount.auto = proc:mixed sys:ro\nlxc.net.0.type = empty\nlxc.init.cmd = /bin/sh /init-of-tests\n${config}\n`,
      )
      writeFileSync(join(path, name, 'rootfs', 'init-of-tests'), INIT)
    },
    end() {
      for (const name of names) if (state(name) !== 'STOPPED') lxc('lxc-stop', '-n', name, '-k')
    },
  }
}
