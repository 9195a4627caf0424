// The schemas of what `/api` says of blocks.
import type { Block } from '../api.js'
import { type Builder, CLOSED, type Parts } from './parts.js'

/** Blocks that one answer holds at most. */
export const MOST_BLOCKS = 1000

export function chainSchemas(T: Builder, parts: Parts) {
  const { text, flag, number, count, hash, object } = parts
  const O = T.Optional
  const header = T.Object({
    bytes: count,
    content: hash,
    data: hash,
    metadata: hash,
    number: count,
    operation: text,
    plugin: text,
    previous: hash,
    text: hash,
    timestamp: number,
    version: T.Literal(1),
  })
  const block = T.Object({
    number: count,
    hash,
    header,
    body: O(object<NonNullable<Block['body']>>('Absent where it was pruned.')),
  })
  const head = { size: count, hash, root: hash }
  const fault = T.Object({
    block: O(count),
    kind: T.Enum(['line', 'sequence', 'link', 'hash', 'body', 'tail', 'tree', 'index', 'vector', 'head']),
    message: text,
  })
  const filter = { plugin: O(text), operation: O(text), since: O(number), until: O(number) }
  return {
    Block: block,
    BlocksReport: T.Object({ size: count, blocks: T.Array(block) }),
    ChainHead: T.Object(head),
    VerifyCallBody: T.Object({ full: O(flag), head: O(text) }, CLOSED),
    VerifyReport: T.Object({
      ...head,
      ok: flag,
      faults: T.Array(fault),
      faultCount: count,
      pruned: count,
      unannounced: O(count),
      unverified: count,
      full: flag,
      head: O(T.Object({ size: count })),
      vectors: O(T.Object({ compared: count, passed: count, missing: count })),
      staleIndex: O(count),
    }),
    SearchCallBody: T.Object(
      {
        ...filter,
        text,
        k: O(T.Integer({ minimum: 1, maximum: MOST_BLOCKS })),
        by: O(T.Enum(['meaning', 'text', 'hybrid'])),
      },
      CLOSED,
    ),
    SearchReport: T.Object({
      found: T.Array(T.Object({ block, score: number })),
      searched: count,
      pruned: O(count),
      pending: count,
      refused: O(count),
      space: O(text),
      textOnly: O(text),
      older: O(T.Object({ space: text, searched: count, problem: O(text) })),
    }),
  }
}
