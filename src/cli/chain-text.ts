// Blocks and what is said of them, as text for people. Pure: writes nowhere. Nothing of a block is printed raw: who writes footprints must
// not steer the terminal of who reads them.

import { gistOf, verifyWords } from '../blockchain/block-words.js'
import type { Block, ChainFault, ChainHead, Found, VerifyReport } from '../blockchain.js'
import { oneLine, plural, table, visible } from '../format.js'
import type { Look } from './state-text.js'
import { timeText } from './when.js'

/** Of the name of a plugin or of an operation in a list. */
const NAME = 24
/** Digits of a hash in a list. */
const SHORT_HASH = 12
/** Of what a text says in a list, also where nobody says how wide a line may be. */
const LONGEST_GIST = 1000
/** Of a text within a block. */
const LONGEST_LINE = 4000

/** A table: number, hash, when it was appended, plugin, operation, and what its text says. */
export function blocksText(blocks: readonly Block[], look: Look): string {
  return rowsText(
    blocks.map(block => ['', block] as const),
    look,
  )
}

/** The same with how near each is. */
export function foundText(found: readonly Found[], look: Look): string {
  return rowsText(
    found.map(({ block, score }) => [score.toFixed(3), block] as const),
    look,
    'score',
  )
}

function rowsText(blocks: readonly (readonly [first: string, block: Block])[], look: Look, first?: string): string {
  const head = ['block', 'hash', 'appended', 'plugin', 'operation']
  const rows = blocks.map(([lead, { number, hash, header }]) => {
    const cells = [
      String(number),
      hash.slice(0, SHORT_HASH),
      timeText(header.timestamp),
      oneLine(header.plugin, NAME),
      oneLine(header.operation, NAME),
    ]
    return first === undefined ? cells : [lead, ...cells]
  })
  if (rows.length === 0) return ''
  const right = first === undefined ? [0] : [0, 1]
  // The last column takes what the others leave of a line.
  const narrow = table([first === undefined ? head : [first, ...head], ...rows], right).split('\n')
  const width = Math.max(...narrow.map(line => line.length))
  const room = roomFor(width, look)
  const texts = ['what', ...blocks.map(([, block]) => oneLine(gistOf(block), room))]
  return texts
    .map((text, i) => `${narrow[i]!.padEnd(width)}  ${text}`.trimEnd())
    .join('\n')
    .concat('\n')
}

function roomFor(width: number, { columns }: Look): number {
  return Math.min(LONGEST_GIST, Math.max(16, columns - width - 2))
}

/** A line for one block, for a list that grows: what is known of widths is that names are mostly short. */
export function blockLine({ number, hash, header, ...block }: Block, look: Look): string {
  const names = `${oneLine(header.plugin, NAME).padEnd(8)}  ${oneLine(header.operation, NAME).padEnd(10)}`
  const start = `${String(number).padStart(7)}  ${hash.slice(0, SHORT_HASH)}  ${timeText(header.timestamp)}  ${names}`
  return `${start}  ${oneLine(gistOf({ number, hash, header, ...block }), roomFor(start.length, look))}`.trimEnd()
}

/** Everything of one block. */
export function blockText({ number, hash, header, body }: Block, look: Look): string {
  const rows: string[][] = [
    ['hash', hash],
    ['previous', header.previous],
    ['appended', timeText(header.timestamp, true)],
    ['plugin', oneLine(header.plugin, 300)],
    ['operation', oneLine(header.operation, 300)],
  ]
  if (body !== undefined) rows.push(['happened', timeText(1000 * body.footprint.timestamp)])
  rows.push(
    ['content hash', header.content],
    ['data hash', header.data],
    ['metadata hash', header.metadata],
    ['text hash', header.text],
  )
  const parts = [`block ${number}\n`, indented(table(rows))]
  if (body === undefined) return `${parts.join('')}\nIts body was pruned.\n`
  if (body.data !== undefined) parts.push('\ndata\n', indented(lines(JSON.stringify(body.data, undefined, 2), look)))
  if (Object.keys(body.metadata).length > 0)
    parts.push('\nmetadata\n', indented(lines(JSON.stringify(body.metadata, undefined, 2), look)))
  if (body.text !== '') parts.push('\ntext\n', indented(lines(body.text, look)))
  return parts.join('')
}

function lines(text: string, look: Look): string {
  return text
    .split('\n')
    .map(line => `${oneLine(line, Math.min(LONGEST_LINE, look.columns - 2))}\n`)
    .join('')
}

function indented(text: string): string {
  return text.replace(/^(?=.)/gm, '  ')
}

/** `block 12  link  it names another block before it`. */
export function faultText({ block, kind, message }: ChainFault): string {
  return `${block === undefined ? 'chain' : `block ${block}`}  ${kind}  ${message.split('\n').map(visible).join('; ')}`
}

/** What was found, in a line or some; the faults themselves stand before it. */
export function verifyText(report: VerifyReport): string {
  const { faults, faultCount } = report
  const more = faultCount - faults.length
  const told = more > 0 ? [`and ${plural(more, 'fault', 'faults')} more`] : []
  const { verdict, notes, vectors } = verifyWords(report, '--full', '-m')
  const lines = [[verdict, ...notes].join('; '), ...(vectors === undefined ? [] : [vectors])]
  return `${[...told, ...lines, ...(report.ok ? [headText(report)] : [])].join('\n')}\n`
}

export function headText({ hash, root }: Pick<ChainHead, 'hash' | 'root'>): string {
  return `last hash  ${hash}\nroot hash  ${root}`
}
