// What each thread of this process and of its children spent on a CPU, as Linux tells it under /proc; nothing elsewhere.
import { readdirSync, readFileSync } from 'node:fs'

export interface ThreadTime {
  /** `main`, `child` (a worker in a process of its own) or the thread's own name, with its number where it is none of the first. */
  readonly name: string
  /** CPU time over wall time. */
  readonly share: number
}

/** Of Linux, whatever the kernel's own clock. */
const TICKS_PER_SECOND = 100

/** CPU time in ms by thread. */
export type Times = ReadonlyMap<string, { readonly name: string; readonly ms: number }>

export function threadTimes(): Times
/** The busiest first. */
export function threadTimes(before: Times, wallMs: number): ThreadTime[]
export function threadTimes(before?: Times, wallMs = 1): Times | ThreadTime[] {
  const now = times()
  if (before === undefined) return now
  return [...now]
    .map(([id, { name, ms }]) => ({ name, share: (ms - (before.get(id)?.ms ?? 0)) / wallMs }))
    .sort((a, b) => b.share - a.share)
}

function times(): Times {
  const found = new Map<string, { name: string; ms: number }>()
  for (const pid of family()) {
    for (const tid of list(`/proc/${pid}/task`)) {
      const stat = textOf(`/proc/${pid}/task/${tid}/stat`)
      const end = stat.lastIndexOf(')')
      if (end < 0) continue
      const fields = stat.slice(end + 2).split(' ')
      const ms = ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_SECOND
      const first = tid === pid
      const own = Number(pid) === process.pid
      const name = first
        ? own
          ? 'main'
          : 'child'
        : `${own ? '' : 'child/'}${stat.slice(stat.indexOf('(') + 1, end)}-${tid}`
      found.set(tid, { name, ms })
    }
  }
  return found
}

/** This process and all below it. */
function family(): string[] {
  const parents = list('/proc').flatMap(pid => {
    const stat = /^\d+$/.test(pid) ? textOf(`/proc/${pid}/stat`) : ''
    return stat === '' ? [] : [[pid, stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]!] as const]
  })
  const all = [String(process.pid)]
  for (const one of all) for (const [pid, parent] of parents) if (parent === one) all.push(pid)
  return all
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
