// What these tests mount, under names that say which process did: what a run that was killed has left is unmounted by the next one.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { onPath } from '../../programs.js'

const NAME = /\/op-dbus-mounted-(\d+)-[^/]*$/

/** A new folder in `work` to mount something on. */
export function mountPoint(work: string, name: string): string {
  const place = join(work, `op-dbus-mounted-${process.pid}-${name}`)
  mkdirSync(place)
  return place
}

export function mount(...args: readonly string[]): void {
  run('mount', args)
}

/** As soon as nobody uses it any more, where somebody still does. */
export function unmount(place: string): void {
  if (spawnSync(onPath('umount')!, [place]).status !== 0) run('umount', ['-l', place])
}

export function unmountLeft(): void {
  for (const line of readFileSync('/proc/self/mounts', 'utf8').split('\n')) {
    const place = line.split(' ')[1] ?? ''
    const owner = NAME.exec(place)?.[1]
    if (owner !== undefined && !isAlive(Number(owner))) unmount(place)
  }
}

/** What a program of the system says. */
export function run(program: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(onPath(program)!, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`)
  return stdout
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
