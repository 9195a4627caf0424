// Which process wrote something, so that others can tell whether it still runs. It says dead or alive only where it is certain: a process
// id means nothing in another boot, host or container.
import { createHash } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { errnoOf } from './errno.js'

/** A process as the header of a segment names it. */
export interface ProcessIdentity {
  /** A hash of boot and pid namespace, 32 bits. 0 where unknown. */
  readonly boot: number
  readonly pid: number
}

/** A process as text files name it: counters and locks. */
export interface NamedProcess {
  /** As {@link pidPlace} says it. */
  readonly place: string
  readonly pid: number
  /** As {@link startOf} says it; absent where nobody knows. */
  readonly started?: string | undefined
}

/** `unknown` where its id counts in another place than ours, or nobody can say where it counts. */
export type Liveness = 'alive' | 'dead' | 'unknown'

export function thisProcess(): ProcessIdentity {
  return { boot: placeHash(), pid: process.pid }
}

/**
 * Where process ids mean the same as here, in words: boot, pid namespace and host. Linux alone names the first two;
 * elsewhere the host has to do. Empty where Linux does not tell them, as under Node's permission model.
 */
export function pidPlace(): string {
  const [boot, namespace] = [bootId(), pidNamespace()]
  if (process.platform === 'linux' && (boot === '' || namespace === '')) return ''
  return [boot, namespace, hostname()].join(' ')
}

/** Whether the process that wrote something still runs. Its id may have gone to another since: then it is `alive`. */
export function livenessOf(writer: ProcessIdentity | NamedProcess): Liveness {
  const comparable =
    'boot' in writer
      ? writer.boot !== 0 && writer.boot === placeHash()
      : writer.place !== '' && writer.place === pidPlace()
  if (!comparable || writer.pid < 1) return 'unknown'
  try {
    process.kill(writer.pid, 0)
    return 'started' in writer && isAnother(writer) ? 'dead' : 'alive'
  } catch (error) {
    return errnoOf(error) === 'ESRCH' ? 'dead' : 'alive'
  }
}

/**
 * Whether a process ended with an earlier boot of this host. The host is told by its name, so this may be said of the living where two
 * hosts have one name and share a folder: for what does little harm then.
 */
export function isOfEarlierBoot({ place }: NamedProcess): boolean {
  const [here, there] = [pidPlace(), place].map(words => words.split(' '))
  if (here?.length !== 3 || there?.length !== 3) return false
  return here[2] === there[2] && here[0] !== there[0]
}

/** Whether the id has gone to another process since. */
function isAnother({ pid, started }: NamedProcess): boolean {
  const now = started === undefined ? undefined : startOf(pid)
  return now !== undefined && now !== started
}

/** True only where it is certain. */
export function isDead(writer: ProcessIdentity | NamedProcess): boolean {
  return livenessOf(writer) === 'dead'
}

/** Whether that very process is here and lives, stopped or not: true only where it is certain. Its id alone may have gone to another. */
export function isCertainlyAlive(process: NamedProcess): boolean {
  return livenessOf(process) === 'alive' && process.started !== undefined && process.started === startOf(process.pid)
}

/** When a process began, in ticks since the boot: with its id, no other process's. Linux alone tells it. */
export function startOf(pid: number): string | undefined {
  try {
    // Field 22 of proc_pid_stat(5); the second is a name in parentheses, which may hold anything.
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined
  }
}

/** What tells two boots of this machine apart; empty where the system has no word for it. */
export function bootId(): string {
  return word(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8'))
}

/** Containers have their own, and in each of them ids begin at 1. */
function pidNamespace(): string {
  return word(() => readlinkSync('/proc/self/ns/pid'))
}

function placeHash(): number {
  const [boot, namespace] = [bootId(), pidNamespace()]
  if (boot === '' || namespace === '') return 0
  // The line end belongs to it: segments that are on disk were hashed with it.
  return createHash('sha256').update(`${boot}\n ${namespace}`).digest().readUInt32LE(0)
}

function word(read: () => string): string {
  try {
    return read().trim()
  } catch {
    return ''
  }
}
