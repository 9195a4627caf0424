// How a figure is taken: rounds in which the contenders take turns, and the median of each. Knows no row.
import { readFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { measure } from 'mitata'

/** One side of a comparison; `round` gives one figure, in the unit of the row. */
export interface Contender {
  readonly name: string
  round(): number | Promise<number>
}

/**
 * The median figure of each contender. They take turns, and who begins moves on by one every round, so that neither a
 * machine that slows down nor a place in the order favours anyone.
 */
export async function takeTurns<const T extends readonly Contender[]>(
  contenders: T,
  rounds: number,
  onRound: (round: number) => void = () => {},
): Promise<{ -readonly [K in keyof T]: number }> {
  const figures = await roundsOf(contenders, rounds, onRound)
  return figures.map(median) as { -readonly [K in keyof T]: number }
}

/** What each contender gave in each round, in the turns of `takeTurns`. */
export async function roundsOf<T>(
  contenders: readonly { round(): T | Promise<T> }[],
  rounds: number,
  onRound: (round: number) => void,
): Promise<T[][]> {
  const figures = contenders.map((): T[] => [])
  for (let round = 0; round < rounds; round++) {
    onRound(round + 1)
    for (let turn = 0; turn < contenders.length; turn++) {
      const index = (round + turn) % contenders.length
      figures[index]!.push(await contenders[index]!.round())
    }
  }
  return figures
}

/** The middle figure, or the mean of the two in the middle. */
export function median(figures: readonly number[]): number {
  if (figures.length === 0) throw new RangeError('no figures, no median')
  const sorted = [...figures].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** Time of mitata's samples in one round. */
const ROUND_NANOSECONDS = 60e6

/** Nanoseconds of one call, by mitata: the mean over many batches of calls, the two slowest and fastest left out. */
export async function nanosecondsPerCall(call: () => unknown): Promise<number> {
  const { avg } = await measure(call, { min_cpu_time: ROUND_NANOSECONDS })
  return avg
}

/** The same, but the median of the batches: what a call takes that makes nothing, whatever else the machine does meanwhile. */
export async function usualNanosecondsPerCall(call: () => unknown): Promise<number> {
  const { p50 } = await measure(call, { min_cpu_time: ROUND_NANOSECONDS })
  return p50
}

/** Seconds that `work` takes, once. */
export async function secondsOf(work: () => unknown): Promise<number> {
  const start = performance.now()
  await work()
  return (performance.now() - start) / 1000
}

/** Seconds that work took: of the CPU on the main thread, of the CPU on all threads, and by the clock. */
export interface Cost {
  readonly main: number
  readonly process: number
  readonly wall: number
}

export async function costOf(work: () => unknown): Promise<Cost> {
  const start = costSoFar()
  await work()
  const end = costSoFar()
  return { main: end.main - start.main, process: end.process - start.process, wall: end.wall - start.wall }
}

function costSoFar(): Cost {
  const { user, system } = process.cpuUsage()
  const all = (user + system) / 1e6
  return { main: mainThreadSeconds() ?? all, process: all, wall: performance.now() / 1000 }
}

/** Of the CPU; undefined where neither Node nor the system counts it by thread. */
function mainThreadSeconds(): number | undefined {
  // Node 22.19 and 23.9 on; the types are those of Node 20.
  const { threadCpuUsage } = process as { threadCpuUsage?: () => NodeJS.CpuUsage }
  if (threadCpuUsage !== undefined) {
    const { user, system } = threadCpuUsage.call(process)
    return (user + system) / 1e6
  }
  try {
    // Its first number: nanoseconds on the CPU.
    return Number.parseInt(readFileSync('/proc/thread-self/schedstat', 'latin1'), 10) / 1e9
  } catch {
    return undefined
  }
}

/**
 * The 99th percentile of the CPU time that the main thread takes from one turn of a timer of a millisecond to the next while `work`
 * goes on, in milliseconds: the event loop's delay without what other programs of the machine add to it.
 */
export async function loopCpu(work: () => Promise<unknown>): Promise<number> {
  const turns: number[] = []
  let last = costSoFar().main
  const turn = () => {
    const now = costSoFar().main
    turns.push(now - last)
    last = now
  }
  const timer = setInterval(turn, 1)
  await work()
  clearInterval(timer)
  turn()
  turns.sort((a, b) => a - b)
  return 1000 * turns[Math.ceil(0.99 * turns.length) - 1]!
}

/** The 99th percentile of the event loop's delay while `work` goes on, in milliseconds; 1 of them is the timer's own. */
export async function loopDelay(work: () => Promise<unknown>): Promise<number> {
  const delays = monitorEventLoopDelay({ resolution: 1 })
  delays.enable()
  await work()
  delays.disable()
  return delays.percentile(99) / 1e6
}

/** Lets go of everything unreachable, so that what is left can be weighed. */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  // Twice: what the first run lets go of may hold more.
  collect()
  collect()
}
