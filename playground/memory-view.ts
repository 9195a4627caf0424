// What the memory tier holds, as the page draws it: who is in, who just left. Pure.

export interface MemoryView {
  /** Most recently used first. */
  readonly held: readonly string[]
  /** Evicted since the view was last emptied, latest first. */
  readonly gone: readonly string[]
  /** How many left with the last change. */
  readonly left: number
}

export const NOTHING_HELD: MemoryView = { held: [], gone: [], left: 0 }

/** The most departures shown. */
const MOST_GONE = 40

/**
 * The view after a change. `evicted` is how many entries were evicted by it, as the cache counts; whoever is missing without
 * an eviction was cleared, and is not shown as gone.
 */
export function changed(
  before: MemoryView,
  held: readonly string[],
  evicted: number,
  asked: readonly string[] = [],
): MemoryView {
  const now = new Set(held)
  if (evicted <= 0) return { held, gone: before.gone.filter(text => !now.has(text)), left: 0 }
  // Texts that came and went within one change were never held in a view: they are found among those that were asked for.
  const candidates = [...new Set([...[...asked].reverse(), ...before.held])].filter(text => !now.has(text))
  const left = candidates.slice(0, evicted)
  const gone = [...new Set([...left, ...before.gone])].filter(text => !now.has(text)).slice(0, MOST_GONE)
  return { held, gone, left: evicted }
}

/** Capacities that the slider stops at. */
export const CAPACITIES = [0, 2, 5, 10, 20, 50, 100, 1_000, 10_000] as const
