// Who writes a segment, so that others can tell whether the writer still lives. Linux tells; elsewhere only time does.
import { createHash } from 'node:crypto'
import * as fs from 'node:fs'

export interface ProcessIdentity {
  /** A hash of boot and pid namespace: pids compare only within one. 0 where unknown. */
  readonly boot: number
  readonly pid: number
}

export function thisProcess(): ProcessIdentity {
  return { boot: bootOf(), pid: process.pid }
}

/** True only where it is certain: same boot, same pid namespace, and no process of that id. */
export function isDead(writer: ProcessIdentity): boolean {
  if (writer.boot === 0 || writer.boot !== bootOf()) return false
  try {
    process.kill(writer.pid, 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}

function bootOf(): number {
  try {
    const boot = fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')
    const namespace = fs.readlinkSync('/proc/self/ns/pid')
    return createHash('sha256').update(`${boot} ${namespace}`).digest().readUInt32LE(0)
  } catch {
    return 0
  }
}
