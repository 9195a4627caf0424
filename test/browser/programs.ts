// Programs that browser tests need of this machine: found on the path, or installed from Debian's packages where that is
// allowed.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

/** Where the first of these programs is that is here. */
export function onPath(...names: readonly string[]): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/bin', '/usr/local/bin']
  return names.flatMap(name => folders.map(folder => join(folder, name))).find(path => existsSync(path))
}

/** Whether nobody has to be asked for it. */
export function mayInstall(): boolean {
  return process.getuid?.() === 0 && onPath('apt-get') !== undefined
}

export interface Installation {
  /** Separated by blanks. */
  readonly packages: string
  /** Programs of theirs: where all are here by the time that it is our turn, nothing is left to do. */
  readonly unless: readonly string[]
  readonly seconds: number
}

/**
 * Under a lock that the kernel lets go of when its holder ends: test files, and runs, start at the same time, apt runs once.
 * Rejects with how it ended.
 */
export async function aptInstall({ packages, unless, seconds }: Installation): Promise<void> {
  const script = [
    'set -e',
    `${unless.map(name => `command -v ${name} >/dev/null`).join(' && ')} && exit 0`,
    'export DEBIAN_FRONTEND=noninteractive',
    'apt-get -qq -o Acquire::http::Timeout=20 -o Acquire::Retries=1 update',
    `apt-get -qq -y --no-install-recommends -o DPkg::Lock::Timeout=120 install ${packages}`,
  ].join('\n')
  console.error(`installing ${packages} with apt-get for the browser tests ...`)
  const lock = join(tmpdir(), 'op-dbus-apt.lock')
  const { code, output } = await run('flock', ['-w', `${seconds}`, lock, 'timeout', `${seconds}`, 'sh', '-c', script])
  if (code !== 0) throw new Error(`apt-get could not install ${packages} (exit ${code}):\n${output}`)
}

/** `output`: the last of it. */
function run(command: string, args: readonly string[]): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const keep = (chunk: Buffer) => {
      output = (output + chunk).slice(-2000)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    child.on('error', reject)
    child.on('close', code => resolve({ code, output }))
  })
}
