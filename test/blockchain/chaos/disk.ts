// Reads the files of a chain without the library: lines, hashes, links, and the root after RFC 6962. What it says is what a stranger
// would find.
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Told } from './child.js'

export interface OnDisk {
  readonly blocks: readonly Told[]
  /** Bytes behind the last complete append. */
  readonly torn: number
  readonly faults: readonly string[]
  readonly root: string
}

export function readDisk(data: string): OnDisk {
  const timing = join(data, 'blockchain/timing')
  const faults: string[] = []
  const blocks: Told[] = []
  const open: Told[] = []
  let torn = 0
  let previous = '0'.repeat(64)
  for (const name of existsSync(timing) ? readdirSync(timing).sort() : []) {
    if (torn > 0) faults.push(`${name} follows a segment that is torn`)
    if (Number(name.slice(0, 12)) !== blocks.length) faults.push(`${name} begins with block ${blocks.length}`)
    const bytes = readFileSync(join(timing, name))
    let whole = 0
    for (let at = 0, end = bytes.indexOf(10); end >= 0; at = end + 1, end = bytes.indexOf(10, at)) {
      const line = lineIn(bytes.subarray(at, end))
      const number = blocks.length + open.length
      if (line === undefined) {
        faults.push(`block ${number} is no JSON`)
        break
      }
      const { header, more = 0 } = line
      const hash = leaf(header)
      if (header.number !== number) faults.push(`block ${header.number} in the place of ${number}`)
      if (header.previous !== previous) faults.push(`block ${number} does not follow the one before it`)
      previous = hash
      open.push([number, hash, `${header.plugin} ${header.operation}`])
      if (more > 0) continue
      blocks.push(...open.splice(0))
      whole = end + 1
    }
    open.length = 0
    torn = bytes.length - whole
  }
  return { blocks, torn, faults, root: rootOf(blocks.map(([, hash]) => Buffer.from(hash, 'hex'))) }
}

interface Line {
  readonly header: Readonly<Record<string, string | number>>
  readonly more?: number
}

function lineIn(bytes: Uint8Array): Line | undefined {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as Line
  } catch {
    return undefined
  }
}

/** A header is flat, and its names are ASCII: its canonical JSON is that of its sorted names. */
function leaf(header: Line['header']): string {
  const sorted = Object.fromEntries(
    Object.keys(header)
      .sort()
      .map(name => [name, header[name]]),
  )
  return createHash('sha256').update(Buffer.of(0)).update(JSON.stringify(sorted)).digest('hex')
}

/** RFC 6962, section 2.1, level by level: a node without a sibling goes up as it is. */
function rootOf(leaves: readonly Buffer[]): string {
  if (leaves.length === 0) return createHash('sha256').digest('hex')
  let level = leaves
  while (level.length > 1) {
    const above: Buffer[] = []
    for (let i = 0; i < level.length; i += 2) {
      const [left, right] = [level[i]!, level[i + 1]]
      above.push(
        right === undefined ? left : createHash('sha256').update(Buffer.of(1)).update(left).update(right).digest(),
      )
    }
    level = above
  }
  return level[0]!.toString('hex')
}
