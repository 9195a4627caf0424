// Blocks by meaning, by text, or both. What a block is comes from the chain: vectors only say where to look.
import { isOpDbusError, messageOf, OpDbusError } from '../errors.js'
import type { Block } from './block.js'
import type { ChainParts } from './chain-parts.js'
import { checkFilter, fits } from './filter.js'
import type { BlockReader } from './ports.js'
import type { BlockFilter, Found, SearchCall, SearchReport } from './reports.js'
import { sound } from './sound.js'
import { searchText, searchWords } from './text-search.js'
import { fuse } from './vectors/ranks.js'
import type { Near } from './vectors/space-search.js'

const DEFAULT_K = 10
const MOST_K = 10_000
/** How far down each ranking is read where two are made one, at least. */
const DEPTH = 50

type Parts = Pick<ChainParts, 'store' | 'vectors'>

interface Query extends Pick<SearchCall, 'signal' | 'wait' | 'onProgress'> {
  readonly text: string
  readonly k: number
  readonly filter: BlockFilter
}

/**
 * The `k` blocks that answer best.
 * @throws OpDbusError INVALID_INPUT, ABORTED; DISABLED and what else the embedder throws, but for `text`; CHAIN_DAMAGED, STORE
 */
export async function searchBlocks(parts: Parts, text: string, call: SearchCall = {}): Promise<SearchReport> {
  const { by, ...query } = checked(text, call)
  if (by === 'text') return byText(parts, query)
  if (by === 'meaning') return byMeaning(parts, query)
  const deep = { ...query, k: Math.max(query.k, DEPTH) }
  const words = await byWords(parts, deep)
  const meaning = await byMeaning(parts, deep).catch(error => {
    // Nobody embeds here, and the words are there all the same.
    if (isOpDbusError(error, 'DISABLED')) return messageOf(error)
    throw error
  })
  if (typeof meaning === 'string') return { ...words, found: fused([words], query.k), textOnly: meaning }
  return { ...meaning, found: fused([meaning, words], query.k) }
}

function fused(reports: readonly Pick<SearchReport, 'found'>[], k: number): Found[] {
  const blocks = new Map(reports.flatMap(({ found }) => found).map(({ block }) => [block.number, block]))
  return fuse(reports.map(({ found }) => found.map(({ block }) => block)))
    .slice(0, k)
    .map(({ number, score }) => ({ block: blocks.get(number)!, score }))
}

async function byWords({ store }: Parts, { text, k, filter, signal }: Query): Promise<SearchReport> {
  const { blocks, ...counts } = await searchWords(store, text, k, filter, signal)
  return { found: blocks.map(block => ({ block, score: 1 })), ...counts, pending: 0 }
}

async function byText({ store }: Parts, { text, k, filter, signal }: Query): Promise<SearchReport> {
  const { blocks, ...counts } = await searchText(store, text, k, filter, signal)
  return { found: blocks.map(block => ({ block, score: 1 })), ...counts, pending: 0 }
}

async function byMeaning(
  { store, vectors }: Parts,
  { text, k, filter, signal, wait, onProgress }: Query,
): Promise<SearchReport> {
  // Some that are near may have been pruned since, and some names look alike to a scan: then more are asked for.
  for (let asked = k; ; asked *= 4) {
    const { near, all, ...report } = await vectors.nearest(text, asked, filter, { signal, wait, onProgress })
    const found: Found[] = []
    for (const one of near) {
      const block = found.length < k ? blockOf(store, one, filter) : undefined
      if (block !== undefined) found.push({ block, score: one.score })
    }
    if (found.length === k || all) return { found, ...report }
  }
}

/** The block that a vector was made of; undefined where it is another now, was pruned, or does not fit. */
function blockOf(store: BlockReader, { number, hash }: Near, filter: BlockFilter): Block | undefined {
  if (number >= store.size()) return undefined
  const block = store.read(number)
  if (block?.hash !== hash || block.body === undefined || !fits(block.header, filter)) return undefined
  return sound(block)
}

/** @throws OpDbusError INVALID_INPUT */
function checked(text: string, call: SearchCall): Query & { readonly by: 'meaning' | 'text' | 'hybrid' } {
  const { k = DEFAULT_K, by = 'meaning', plugin, operation, since, until, signal, wait, onProgress } = call
  const wrong = (what: string) => new OpDbusError('INVALID_INPUT', what)
  if (typeof text !== 'string' || text === '') throw wrong('a search needs a text that is not empty')
  if (!Number.isSafeInteger(k) || k < 1 || k > MOST_K) throw wrong(`k is a whole number from 1 to ${MOST_K}`)
  if (by !== 'meaning' && by !== 'text' && by !== 'hybrid') throw wrong('by is meaning, text or hybrid')
  const filter = { plugin, operation, since, until }
  checkFilter(filter)
  return { text, k, by, filter, signal, wait, onProgress }
}
