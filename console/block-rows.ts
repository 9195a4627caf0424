// Blocks as the page lists them: a line of each, what a filter asks for, which blocks are shown while more come, what a proof is called. Pure.

import { gistOf } from '../src/blockchain/block-words.js'
import type { Block } from '../src/blockchain.js'
import { oneLine } from '../src/format.js'

/** Blocks in the list at once; the live tail lets the oldest go. */
export const MOST_BLOCKS = 500
/** Asked for at a time. */
export const PAGE = 50

/** Characters of what a block says. */
const GIST = 300

/** What the list needs of a block: its body may be megabytes, and is not kept. */
export interface BlockLine extends Pick<Block, 'number' | 'hash' | 'header'> {
  readonly gist: string
}

export function lineOf(block: Block): BlockLine {
  const { number, hash, header } = block
  return { number, hash, header, gist: oneLine(gistOf(block), GIST).toWellFormed() }
}

/** As the fields of the form hold it: texts, and times as `datetime-local` writes them. */
export interface FilterFields {
  readonly plugin: string
  readonly operation: string
  readonly since: string
  readonly until: string
}

export const NO_FILTER: FilterFields = { plugin: '', operation: '', since: '', until: '' }

/** As a question to `/api/blocks` and `/api/search`: times in Unix ms. What is no time is left out. */
export function filterOf({ plugin, operation, since, until }: FilterFields) {
  const [from, to] = [since, until].map(text => (text === '' ? Number.NaN : Date.parse(text)))
  return {
    ...(plugin.trim() !== '' && { plugin: plugin.trim() }),
    ...(operation.trim() !== '' && { operation: operation.trim() }),
    ...(!Number.isNaN(from) && { since: from! }),
    ...(!Number.isNaN(to) && { until: to! }),
  }
}

/** Newest first, each once, at most `most`: `fresh` wins, since a prune may have taken a body. */
export function merged(shown: readonly BlockLine[], fresh: readonly BlockLine[], most = MOST_BLOCKS): BlockLine[] {
  const byNumber = new Map([...shown, ...fresh].map(block => [block.number, block]))
  return [...byNumber.values()].sort((a, b) => b.number - a.number).slice(0, most)
}

/** `block-12.tlog-proof`: no part of it comes from a block's texts. */
export function proofName(number: number): string {
  return `block-${number}.tlog-proof`
}

/** What somebody typed who looks for one block: its number, its hash or the beginning of one, `latest`; undefined for none of these. */
export function blockAsked(text: string): string | undefined {
  const asked = text.trim().toLowerCase()
  return /^(latest|\d{1,16}|[0-9a-f]{4,64})$/.test(asked) ? asked : undefined
}
