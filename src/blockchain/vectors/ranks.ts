// Several rankings made one. Pure.

/** What a high rank counts against a low one: the constant of Cormack, Clarke and Büttcher, "Reciprocal rank fusion", SIGIR 2009. */
const K = 60

/** What was found, by the number of its block. */
export interface Ranked {
  readonly number: number
  readonly score: number
}

/** The sum of 1 / (60 + rank) over the rankings, which are best first; of equal sums the newer block comes first. */
export function fuse(rankings: readonly (readonly { readonly number: number }[])[]): Ranked[] {
  const scores = new Map<number, number>()
  for (const ranking of rankings) {
    for (const [i, { number }] of ranking.entries()) scores.set(number, (scores.get(number) ?? 0) + 1 / (K + i + 1))
  }
  return Array.from(scores, ([number, score]) => ({ number, score })).sort(
    (a, b) => b.score - a.score || b.number - a.number,
  )
}
