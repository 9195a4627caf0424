// What the figures were measured on.
import { arch, availableParallelism, cpus, platform, totalmem } from 'node:os'

export interface Machine {
  readonly node: string
  readonly platform: string
  readonly arch: string
  readonly cpu: string
  /** Threads that run at once. */
  readonly threads: number
  /** Bytes. */
  readonly memory: number
}

export function machine(): Machine {
  return {
    node: process.versions.node,
    platform: platform(),
    arch: arch(),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    threads: availableParallelism(),
    memory: totalmem(),
  }
}

/** One line for people. */
export function machineText({ node, platform, arch, cpu, threads, memory }: Machine): string {
  const gigabytes = Math.round(memory / 2 ** 30)
  return `Node ${node}, ${platform} ${arch}, ${cpu}, ${threads} threads, ${gigabytes} GB`
}
