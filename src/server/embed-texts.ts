// What the three embedding APIs do with texts once they have read them: ask the caches, count, and say how it went. Knows no form of an answer.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Source } from '../ports.js'
import type { EmbeddingMatrix, EmbeddingResult } from '../public.js'
import type { ServerContext } from './context.js'
import { type RowCounts, rowsBySource } from './meters.js'
import { reasonOf, type ServedModel } from './models.js'
import { traceRows } from './tracing.js'

export interface EmbeddedTexts extends Pick<EmbeddingMatrix, 'matrix' | 'dims' | 'count' | 'truncated' | 'devices'> {
  readonly sources: readonly Source[]
  /** Of each text, as embedded; 0 where unknown. */
  readonly tokens: readonly number[]
  readonly allTokens: number
  /** How many texts were longer than the model's limit. */
  readonly cut: number
  readonly rows: Readonly<RowCounts>
}

/** Who asked. */
interface Asked {
  readonly raw: IncomingMessage
}

/**
 * The vectors of `texts`, in their order. Requests that are there at the same time share batches, and the computation of a text that
 * they have in common; who leaves drops what nobody else waits for.
 * @throws what the caches do; of a batch what its first text failed with
 */
export async function embedTexts(
  context: ServerContext,
  request: Asked,
  model: ServedModel,
  texts: readonly string[],
): Promise<EmbeddedTexts> {
  const { clock, meters } = context
  const began = clock.monotonic()
  const call = { signal: context.signalOf(request) }
  try {
    const { embeddings } = model.caches
    const result =
      texts.length === 1
        ? asBatch(await embeddings.getOrEmbed(texts[0]!, call))
        : await embeddings.embedManyBounded(texts, call)
    const embedded = counted(result)
    traceRows(request.raw, model.name, embedded.rows)
    meters.embedded(model.name, embedded.rows, 1000 * (clock.monotonic() - began), embedded.allTokens)
    return embedded
  } catch (error) {
    model.doubt(error)
    throw reasonOf(error)
  }
}

/**
 * The vector of a text that memory has, without a promise; else undefined. Most requests of a warm cache are this. It lies in the model's
 * one `row`, and is good until the next call.
 */
export function embedAtOnce(
  { clock, meters }: ServerContext,
  request: Asked,
  model: ServedModel,
  text: string,
): EmbeddedTexts | undefined {
  const { row } = model
  if (row === undefined) return undefined
  const began = clock.monotonic()
  const result = model.caches.embeddings.atOnce(text, row)
  if (result === undefined) return undefined
  const { tokens, truncated, device } = result
  traceRows(request.raw, model.name, ONE_FROM_MEMORY)
  meters.embedded(model.name, ONE_FROM_MEMORY, 1000 * (clock.monotonic() - began), tokens)
  // No spreads: on this way they were a tenth of a request.
  return {
    matrix: row,
    dims: row.length,
    count: 1,
    sources: FROM_MEMORY,
    truncated: [truncated],
    devices: [device],
    tokens: [tokens],
    rows: ONE_FROM_MEMORY,
    allTokens: tokens,
    cut: truncated ? 1 : 0,
  }
}

const FROM_MEMORY: readonly Source[] = ['memory']
const ONE_FROM_MEMORY: Readonly<RowCounts> = rowsBySource(FROM_MEMORY)

type Uncounted = Omit<EmbeddedTexts, 'allTokens' | 'cut' | 'rows'>

/** One text is a batch of one. */
function asBatch({ vector, source, truncated, device, tokens }: EmbeddingResult): Uncounted {
  return {
    matrix: vector,
    dims: vector.length,
    count: 1,
    sources: [source],
    truncated: [truncated],
    devices: [device],
    tokens: [tokens],
  }
}

function counted(result: Uncounted): EmbeddedTexts {
  let allTokens = 0
  let cut = 0
  for (let row = 0; row < result.count; row++) {
    allTokens += result.tokens[row]!
    if (result.truncated[row]) cut++
  }
  return { ...result, rows: rowsBySource(result.sources), allTokens, cut }
}

/**
 * Headers that every embedding API of ours has: `x-opdbus-truncated` says how many texts were cut at the model's limit, where any were;
 * `x-opdbus-sources: memory=3, computed=1` where the request has a header of that name.
 */
export function tellHow(
  { raw }: { readonly raw: ServerResponse },
  { cut, rows }: EmbeddedTexts,
  sources: boolean,
): void {
  if (cut > 0) raw.setHeader('x-opdbus-truncated', String(cut))
  if (!sources) return
  const some = (Object.entries(rows) as [Source, number][]).filter(([, count]) => count > 0)
  raw.setHeader('x-opdbus-sources', some.map(([source, count]) => `${source}=${count}`).join(', '))
}

/** Whether the caller asked to be told where answers come from. */
export function wantsSources({ raw }: Asked): boolean {
  const asked = raw.headers['x-opdbus-sources']
  return asked !== undefined && asked !== '0' && asked !== 'false'
}
