// A chain of some blocks on the disk, made once and copied for every test that damages it.
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { Chain } from '../../src/blockchain/chain.js'
import { draftOf } from '../../src/blockchain/footprint.js'
import { lineOf, lineText, readLine } from '../../src/blockchain/line.js'
import { type ChainOptions, openChain } from '../../src/blockchain.js'
import { canonicalJson } from '../../src/cache/canonical-json.js'
import { memoryFolder } from '../support.js'
import { testStore } from './store-parts.js'

/** More than a thousand, so that the tree keeps something. */
export const BLOCKS = 1100

export interface ChainFolder {
  readonly dir: string
  open(options?: ChainOptions): Promise<Chain>
}

export function chainFolder(dir: string): ChainFolder {
  return {
    dir,
    open: options => openChain({ dataDir: join(dir, 'data'), dir: join(dir, 'cache'), model: 'none', ...options }),
  }
}

/** The lines of each segment, without line ends, in order. */
export type Segments = string[][]

const timingOf = (dir: string) => join(dir, 'data/blockchain/timing')

export function readSegments({ dir }: ChainFolder): Segments {
  const timing = timingOf(dir)
  return readdirSync(timing)
    .sort()
    .map(name => readFileSync(join(timing, name), 'utf8').split('\n').slice(0, -1))
}

/** Named as those of the sound chain were: after what each began with there. */
export function writeSegments({ dir }: ChainFolder, segments: Segments, names = namesOf(dir)): void {
  const timing = timingOf(dir)
  rmSync(timing, { recursive: true })
  mkdirSync(timing)
  for (const [at, lines] of segments.entries()) {
    writeFileSync(join(timing, names[at]!), lines.map(line => `${line}\n`).join(''))
  }
}

export function namesOf(dir: string): string[] {
  return readdirSync(timingOf(dir)).sort()
}

/**
 * A sound chain with a head, an index, a tree and a signed head. Appends are of one to three blocks. @returns its folder, which the caller
 * removes, and a head that was saved
 */
export async function buildChain(blocks = BLOCKS): Promise<ChainFolder & { readonly head: string }> {
  const folder = chainFolder(mkdtempSync(join(tmpdir(), 'op-dbus-chain-')))
  const { store } = testStore(join(folder.dir, 'data'), { segmentBytes: 200_000 })
  for (let n = 0; n < blocks; ) {
    const drafts = Array.from({ length: Math.min(1 + (n % 3), blocks - n) }, (_, at) => draft(n + at))
    await store.append(drafts)
    n += drafts.length
  }
  await store.close()
  const chain = await folder.open()
  // Each thousand is learned when one of it is asked for.
  for (let n = 0; n < blocks; n += 500) await chain.getBlock(n)
  await chain.head()
  const { text } = await chain.checkpoint()
  await chain.close()
  return { ...folder, head: text }
}

export function draft(n: number) {
  const [plugin_id, operation] = [n % 2 === 0 ? 'net' : 'lxc', n % 3 === 0 ? 'create' : 'update']
  const data = { interface: `eth${n}`, up: n % 5 > 0 }
  return draftOf({ plugin_id, operation, timestamp: 1_700_000_000 + n, data, metadata: { host: `h${n % 10}` } }, 0)
}

/** A copy to damage. `derived`: with all that was made of the sound chain, or the segments alone. */
export function copyOf({ dir }: ChainFolder, derived: boolean): ChainFolder {
  const copy = chainFolder(memoryFolder())
  if (derived) cpSync(dir, copy.dir, { recursive: true })
  else cpSync(timingOf(dir), timingOf(copy.dir), { recursive: true })
  return copy
}

/** The line of a block whose header or body was changed, written as blocks are. */
export function edited(line: string, edit: (block: { header: object; body: { footprint: object } }) => void): string {
  const value = JSON.parse(line)
  edit(value)
  const more = value.more === undefined ? '' : `,"more":${value.more}`
  return `{"header":${canonicalJson(value.header)},"body":${canonicalJson(value.body)}${more}}`
}

/** All lines from `from` on as somebody writes them who can hash: in place of `draft(from)` there is another block. */
export function rewritten(lines: readonly string[], from: number): string[] {
  let previous = readLine(lines[from - 1]!).block.hash
  return lines.map((line, number) => {
    if (number < from) return line
    const { block, more } = readLine(line)
    const { timestamp } = block.header
    const { block: other } = lineOf(draft(number === from ? number + 7 : number), { number, previous, timestamp })
    previous = other.hash
    return lineText(other, more).slice(0, -1)
  })
}
