// Programs that tests need of this machine: found on the path, or installed from Debian's packages where that is allowed.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { messageOf } from '../src/errors.js'

/** What tests run, or why those that need it are skipped, in one line. */
export type Found<T> = { readonly programs: T } | { readonly missing: string }

/** Where the first of these programs is that is here. */
export function onPath(...names: readonly string[]): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/bin', '/usr/local/bin', '/usr/sbin']
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
 * What `find` finds, after an installation where it finds nothing at first. `refused` says why nothing may be installed here; absent where it may.
 * Never rejects.
 */
export async function ensure<T>(
  installation: Installation,
  find: () => T | undefined,
  refused: string | undefined = mayInstall() ? undefined : 'not on this machine',
): Promise<Found<T>> {
  const there = find()
  if (there !== undefined) return { programs: there }
  if (refused !== undefined) return { missing: `${refused}; apt install ${installation.packages}` }
  const failed = await aptInstall(installation).catch(messageOf)
  const programs = find()
  if (programs !== undefined) return { programs }
  // On the terminal the whole, in the name of what is skipped one line.
  if (failed !== undefined) console.error(failed)
  return { missing: failed?.split('\n')[0] ?? `not where apt-get should have put ${installation.packages}` }
}

/**
 * Under a lock that the kernel lets go of when its holder ends: test files, and runs, start at the same time, apt runs once. Services
 * that the packages bring are not started. Rejects with how it ended.
 */
export async function aptInstall({ packages, unless, seconds }: Installation): Promise<void> {
  const script = [
    'set -e',
    `${unless.map(name => `command -v ${name} >/dev/null`).join(' && ')} && exit 0`,
    'export DEBIAN_FRONTEND=noninteractive',
    'policy=/usr/sbin/policy-rc.d',
    // Debian's way to say that an installation starts nothing; what is there already is somebody's own.
    `[ -e $policy ] || { trap 'rm -f $policy' EXIT; printf '#!/bin/sh\\nexit 101\\n' > $policy; chmod 755 $policy; }`,
    'apt-get -qq -o Acquire::http::Timeout=20 -o Acquire::Retries=1 update',
    `apt-get -qq -y --no-install-recommends -o DPkg::Lock::Timeout=120 install ${packages}`,
  ].join('\n')
  console.error(`installing ${packages} with apt-get for the tests ...`)
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
