// Scenario: every call to the system that an append makes on files of the chain fails once, or is the last of its process. `strace` does
// it: a first run is recorded, then one run for each call and each way to fail.
import { cpSync, existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { onPath } from '../../programs.js'
import { checkChain } from './checking.js'
import type { Task, WriteTask } from './child.js'
import { Child } from './children.js'
import { Oracle } from './oracle.js'
import { random } from './random.js'
import type { Break } from './target.js'

/** Why nothing is injected here; undefined where it can be. */
export const withoutStrace = onPath('strace') === undefined ? 'strace is not here' : undefined

export const WAYS = ['error=EIO', 'error=ENOSPC', 'signal=KILL'] as const
export type Way = (typeof WAYS)[number]

export interface InjectOptions {
  /** A folder of the test's own: the chain is made in it again and again. */
  readonly work: string
  /** The data folder that each run begins with; absent: an empty one. */
  readonly base?: string
  readonly plain?: Break
  readonly task?: Partial<WriteTask>
  /** So many of all runs, which `seed` says, and most of them of calls that change something; all by default. */
  readonly samples?: number
  readonly seed?: number
  /** The call fails from then on, each time. */
  readonly forever?: boolean
  readonly ways?: readonly Way[]
  /** These calls alone. */
  readonly only?: readonly string[]
  readonly onRun?: (done: number, of: number, faults: readonly string[]) => void
}

export interface InjectReport {
  readonly faults: readonly string[]
  /** Calls that were recorded: by name, how many there are in the thread with the most of them. */
  readonly recorded: Readonly<Record<string, number>>
  readonly runs: number
  /** In how many runs the call was reached. */
  readonly injected: number
  /** In how many an append failed. */
  readonly failed: number
}

const CHANGES = new Set(
  'write pwrite64 fdatasync fsync ftruncate link linkat unlink unlinkat rename renameat2 mkdir'.split(' '),
)

/** One thread for what Node does in the background: the same calls in the same order each time. */
const ENV = { UV_THREADPOOL_SIZE: '1' }

export async function injectEverywhere(options: InjectOptions): Promise<InjectReport> {
  const { work, plain, samples, seed = 1, forever = false, ways = WAYS, only } = options
  const { recorded, paths } = await record(options)
  const all = Object.entries(recorded)
    .filter(([name]) => only?.includes(name) ?? true)
    .flatMap(([name, count]) => Array.from({ length: count }, (_, index) => ({ name, index: index + 1 })))
    .flatMap(call => ways.map(way => ({ ...call, way })))
  const runs = samples === undefined ? all : sampled(all, samples, seed)
  const faults: string[] = []
  let [injected, failed, done] = [0, 0, 0]
  for (const { name, index, way } of runs) {
    const what = `${name}:${way}:when=${index}${forever ? '+' : ''}`
    const dir = fresh(options)
    const log = join(work, 'log')
    const oracle = new Oracle()
    // Faster, but strace 6.1 sends no signal then.
    const quick = way === 'signal=KILL' ? [] : ['--seccomp-bpf']
    const through = [
      'strace',
      '-f',
      ...quick,
      '-qq',
      '-o',
      log,
      ...paths.flatMap(path => ['-P', path]),
      '-e',
      `trace=${name}`,
      '-e',
      `inject=${what}`,
    ]
    try {
      const child = await Child.start(taskFor(options, dir), { through, env: ENV, onEvent: oracle.hear })
      const { code, signal } = await child.end()
      const said = existsSync(log) ? readFileSync(log, 'utf8') : ''
      const hit = said.includes('INJECTED') || signal === 'SIGKILL'
      if (hit) injected++
      // A chain that cannot be opened says so, and has promised nothing.
      const refused = child.events.length === 0 && /OpDbusError: .*code: 'STORE'/s.test(child.stderr)
      if (!(hit && way === 'signal=KILL') && !refused && (code !== 0 || child.stderr !== ''))
        oracle.faults.push(`it ended with ${code ?? signal}: ${child.stderr}`)
      failed += oracle.failed > 0 ? 1 : 0
      await checkChain(oracle, dir, { plain, later: options.base === undefined ? 'none' : 'possible' })
    } catch (error) {
      oracle.faults.push((error as Error).message)
    }
    faults.push(...oracle.faults.map(fault => `${what}: ${fault}`))
    options.onRun?.(
      ++done,
      runs.length,
      oracle.faults.map(fault => `${what}: ${fault}`),
    )
  }
  return { faults, recorded, runs: runs.length, injected, failed }
}

/** Four of five change something. */
function sampled<T extends { readonly name: string }>(all: readonly T[], samples: number, seed: number): T[] {
  const next = random(seed)
  const mixed = all.map(run => ({ run, at: next() })).sort((one, other) => one.at - other.at)
  const [changing, looking] = [true, false].map(changes => mixed.filter(({ run }) => CHANGES.has(run.name) === changes))
  const looks = Math.min(looking!.length, Math.floor(samples / 5))
  return [...changing!.slice(0, samples - looks), ...looking!.slice(0, looks)].map(({ run }) => run)
}

function taskFor({ plain, task }: InjectOptions, dir: string): Task {
  const shape = { seed: 3, calls: 3, width: 1, largest: 3, again: true, noChance: true }
  return { role: 'write', name: 'w', dir, plain, ...shape, ...task }
}

function fresh({ work, base }: InjectOptions): string {
  const dir = join(work, 'data')
  rmSync(dir, { recursive: true, force: true })
  rmSync(join(work, 'log'), { force: true })
  if (base !== undefined) cpSync(base, dir, { recursive: true, preserveTimestamps: true })
  return dir
}

/** Which calls on which files. */
async function record(options: InjectOptions): Promise<{ recorded: Record<string, number>; paths: string[] }> {
  const dir = fresh(options)
  const log = join(options.work, 'log')
  const through = ['strace', '-f', '-qq', '-y', '-s', '0', '-o', log, '-e', 'trace=%file,%desc']
  const child = await Child.start(taskFor(options, dir), { through, env: ENV })
  const { code } = await child.end()
  if (code !== 0) throw new Error(`the recorded run ended with ${code}: ${child.stderr}`)
  const counts = new Map<string, number>()
  const paths = new Set<string>()
  for (const line of readFileSync(log, 'utf8').split('\n')) {
    const entry = /^(\d+) +(\w+)\((.*)/.exec(line)
    if (entry === null) continue
    const [, thread, name, rest] = entry
    const found = [...rest!.matchAll(/["<](\/[^">]*)[">]/g)]
      .map(match => match[1]!)
      .filter(path => path === dir || path.startsWith(`${dir}/`))
    if (found.length === 0) continue
    for (const path of found) paths.add(path)
    counts.set(`${name} ${thread}`, (counts.get(`${name} ${thread}`) ?? 0) + 1)
  }
  const recorded: Record<string, number> = {}
  for (const [key, count] of counts) {
    const name = key.split(' ')[0]!
    recorded[name] = Math.max(recorded[name] ?? 0, count)
  }
  return { recorded, paths: [...paths] }
}
