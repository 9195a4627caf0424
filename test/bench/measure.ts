// How a figure is taken: rounds in which the contenders take turns, and the median of each. Knows no row.
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
  const figures = contenders.map((): number[] => [])
  for (let round = 0; round < rounds; round++) {
    onRound(round + 1)
    for (let turn = 0; turn < contenders.length; turn++) {
      const index = (round + turn) % contenders.length
      figures[index]!.push(await contenders[index]!.round())
    }
  }
  return figures.map(median) as { -readonly [K in keyof T]: number }
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

/** Seconds that `work` takes, once. */
export async function secondsOf(work: () => unknown): Promise<number> {
  const start = performance.now()
  await work()
  return (performance.now() - start) / 1000
}

/** Lets go of everything unreachable, so that what is left can be weighed. */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  // Twice: what the first run lets go of may hold more.
  collect()
  collect()
}
