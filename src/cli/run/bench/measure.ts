// How time is taken for `op-dbus bench`: medians, and many calls together where one is shorter than the clock can tell.

/** A measurement that takes long ends early, with what it has. */
const LONG_MS = 10_000
const FEWEST = 3
/** So long is what the clock sees at once: far more than what it cannot tell. */
const BATCH_MS = 2
const MOST_IN_BATCH = 1 << 16

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** The median of `rounds` times, ms. `once` says how long it took by {@link timed}. */
export async function medianOf(rounds: number, once: (round: number) => Promise<number>): Promise<number> {
  const start = performance.now()
  const times: number[] = []
  for (let round = 0; round < rounds; round++) {
    if (round >= FEWEST && performance.now() - start > LONG_MS) break
    times.push(await once(round))
  }
  return median(times)
}

export async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

/**
 * The median time of one call, of `rounds` batches of calls. `call` says whether it was answered from memory: a batch in which one was not is
 * taken again. Undefined where that does not help: what is asked is not kept.
 */
export async function perCall(rounds: number, call: () => Promise<boolean>): Promise<number | undefined> {
  const batch = async (size: number): Promise<number | undefined> => {
    // The first one may have to compute: what was kept may have been too old.
    await call()
    let kept = true
    const start = performance.now()
    for (let i = 0; i < size; i++) kept = (await call()) && kept
    return kept ? performance.now() - start : undefined
  }
  let size = 1
  for (let misses = 0; size < MOST_IN_BATCH; ) {
    const ms = await batch(size)
    if (ms === undefined && ++misses === FEWEST) return undefined
    if (ms !== undefined && ms >= BATCH_MS) break
    if (ms !== undefined) size *= 2
  }
  const times: number[] = []
  for (let tries = 2 * rounds + 10; times.length < rounds && tries > 0; tries--) {
    const ms = await batch(size)
    if (ms !== undefined) times.push(ms / size)
  }
  return times.length > 0 ? median(times) : undefined
}
