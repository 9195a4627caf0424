// Asks the cache for some lines and says of each where it came from and how long it took. Touches no page.
import type { Device, EmbeddingCache, Source } from '../src/public.js'

export interface Answer {
  readonly source: Source
  /** What one line took: its share, where lines were answered together. */
  readonly ms: number
  /** Lines that were answered together with this one. */
  readonly together: number
  /** Read-only: it may be the shared one in memory. */
  readonly vector: Float32Array
  readonly truncated: boolean
  readonly device?: Device
  readonly template?: string
}

export type Outcome = { readonly answer: Answer } | { readonly error: unknown }

export interface LookUpOptions {
  readonly signal: AbortSignal
  /** Milliseconds, monotonic. */
  readonly now: () => number
  /** Ask memory synchronously first. Not with templates: there a hit may be a pattern's, which only the cache can tell. */
  readonly views: boolean
}

/**
 * One outcome per line, in order. Lines that memory has are timed one by one; the others are asked together, as a program
 * would, and share the time until the last of their source was there.
 */
export async function lookUp(
  cache: Pick<EmbeddingCache, 'view' | 'getOrEmbed'>,
  lines: readonly string[],
  options: LookUpOptions,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = new Array(lines.length)
  const asked = new Set<string>()
  const together: number[] = []
  const again: number[] = []
  for (const [i, line] of lines.entries()) {
    // An equal line waits: by then memory has it, and it costs what a hit costs.
    if (asked.has(line)) again.push(i)
    else {
      const hit = options.views ? timedView(cache, line, options.now) : undefined
      if (hit) outcomes[i] = { answer: hit }
      else {
        asked.add(line)
        together.push(i)
      }
    }
  }
  if (together.length > 0) await askTogether(cache, lines, together, outcomes, options)
  if (again.length > 0) {
    const rest = again.map(i => lines[i]!)
    for (const [k, outcome] of (await lookUp(cache, rest, options)).entries()) outcomes[again[k]!] = outcome
  }
  return outcomes
}

function timedView(cache: Pick<EmbeddingCache, 'view'>, line: string, now: () => number): Answer | undefined {
  const start = now()
  const vector = cache.view(line)
  const ms = now() - start
  return vector && { source: 'memory', ms, together: 1, vector, truncated: false }
}

async function askTogether(
  cache: Pick<EmbeddingCache, 'getOrEmbed'>,
  lines: readonly string[],
  indexes: readonly number[],
  outcomes: Outcome[],
  { signal, now }: LookUpOptions,
): Promise<void> {
  const start = now()
  const groups = new Map<Source, { count: number; end: number }>()
  const found = await Promise.all(
    indexes.map(i =>
      cache.getOrEmbed(lines[i]!, { signal }).then(
        result => {
          const group = groups.get(result.source) ?? { count: 0, end: start }
          group.count++
          group.end = now()
          groups.set(result.source, group)
          return { result }
        },
        (error: unknown) => ({ error }),
      ),
    ),
  )
  const shares = sharesOf(groups, start)
  for (const [k, one] of found.entries()) {
    outcomes[indexes[k]!] =
      'error' in one
        ? { error: one.error }
        : {
            answer: {
              source: one.result.source,
              ms: shares.get(one.result.source)!,
              together: groups.get(one.result.source)!.count,
              vector: one.result.vector,
              truncated: one.result.truncated,
              device: one.result.device,
              template: one.result.template,
            },
          }
  }
}

/** Each source's time for one line: from where the source before it was done to where it was done itself. */
function sharesOf(groups: ReadonlyMap<Source, { count: number; end: number }>, start: number): Map<Source, number> {
  const shares = new Map<Source, number>()
  let from = start
  for (const [source, { count, end }] of [...groups].sort(([, a], [, b]) => a.end - b.end)) {
    shares.set(source, (end - from) / count)
    from = end
  }
  return shares
}

/** How many lines to ask next, so that a chunk takes about a tenth of a second: lines fill in as they finish. */
export function nextChunk(size: number, ms: number): number {
  if (ms < 50) return Math.min(256, size * 2)
  if (ms > 200) return Math.max(4, size >> 1)
  return size
}
