// A process of these tests: it writes, reads or checks a chain as its one argument says, and tells each event in a line of JSON at once,
// so that what it told is known whenever it dies.
import crypto from 'node:crypto'
import { existsSync, writeSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Block, FootprintInput } from '../../../src/blockchain/block.js'
import { isOpDbusError, messageOf } from '../../../src/errors.js'
import { random } from './random.js'
import { openTarget, type Target, type TargetOptions, type Verdict } from './target.js'

interface Common extends Omit<TargetOptions, 'warn'> {
  /** Of the process: in the plugin of all that it writes. */
  readonly name: string
  /** Files that are called after chance are called the same each time. */
  readonly noChance?: boolean
}

export interface WriteTask extends Common {
  readonly role: 'write'
  readonly seed: number
  /** Appends, of one block or of several. */
  readonly calls: number
  /** How many of them are under way at once. */
  readonly width: number
  readonly largest: number
  /** Blocks of each call in order, in place of what chance says. */
  readonly sizes?: readonly number[]
  /** Characters of data in each block. */
  readonly bytes?: number
  /** At most, between one call and the next. */
  readonly pauseMs?: number
  /** After a call failed, until this file is there. */
  readonly waitsFor?: string
  /** Each failed call again, once. */
  readonly again?: boolean
}

export interface FollowTask extends Common {
  readonly role: 'follow'
}

export interface CheckTask extends Common {
  readonly role: 'check'
  readonly tiles?: string
  /** Appends a block between one look and the next. */
  readonly append: boolean
}

export type Task = WriteTask | FollowTask | CheckTask

/** A block's number, its hash, and what it was written as. */
export type Told = readonly [number: number, hash: string, name: string]

export type Event =
  | { readonly kind: 'ready' }
  | { readonly kind: 'started'; readonly call: string; readonly names: readonly string[] }
  | { readonly kind: 'acknowledged'; readonly call: string; readonly blocks: readonly Told[] }
  | {
      readonly kind: 'failed'
      readonly call: string
      readonly code: string
      readonly uncertain: boolean
      readonly message: string
    }
  | { readonly kind: 'waits'; readonly who: string }
  | { readonly kind: 'seen'; readonly block: Told; readonly at: number }
  | { readonly kind: 'warned'; readonly message: string }
  | {
      readonly kind: 'checked'
      readonly before: Look
      readonly after: Look | undefined
      readonly refused?: string
      readonly key?: string
    }
  | { readonly kind: 'ended' }

export interface Look {
  readonly blocks: readonly Told[]
  readonly verdict: Verdict
  readonly size: number
}

const task = JSON.parse(process.argv[2]!) as Task
const tell = (event: Event) => {
  const line = Buffer.from(`${JSON.stringify(event)}\n`)
  for (let done = 0; done < line.length; ) {
    try {
      done += writeSync(1, line, done)
    } catch (error) {
      // The pipe is full, and the other end reads.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
    }
  }
}

if (task.noChance) {
  let count = 0
  crypto.randomBytes = ((size: number) => Buffer.alloc(size, ++count)) as typeof crypto.randomBytes
  syncBuiltinESMExports()
}
const target = await openTarget({ ...task, warn: message => tell({ kind: 'warned', message }) })
tell({ kind: 'ready' })
if (task.role === 'write') await write(target, task)
else if (task.role === 'follow') await follow(target)
else await check(target, task)
await target.close().catch(error => tell({ kind: 'warned', message: `close: ${messageOf(error)}` }))
tell({ kind: 'ended' })

async function write(
  target: Target,
  { name, seed, calls, width, largest, sizes, bytes = 100, pauseMs = 0, waitsFor, again }: WriteTask,
) {
  const next = random(seed)
  let made = 0
  const one = async (call: string, names: readonly string[]): Promise<boolean> => {
    const batch = names.map(
      (operation): FootprintInput => ({ plugin_id: name, operation, data: { text: 'x'.repeat(bytes) }, text: '' }),
    )
    tell({ kind: 'started', call, names: names.map(operation => `${name} ${operation}`) })
    try {
      const blocks = await target.append(batch, who => tell({ kind: 'waits', who }))
      tell({ kind: 'acknowledged', call, blocks: blocks.map(toldOf) })
      return true
    } catch (error) {
      const known = isOpDbusError(error)
      const uncertain = known && error.details.uncertain !== undefined
      tell({
        kind: 'failed',
        call,
        code: known ? error.code : 'not ours',
        uncertain,
        message: (error as Error).stack ?? String(error),
      })
      return false
    }
  }
  const line = async () => {
    while (made < calls) {
      const number = made++
      const size = sizes?.[number] ?? 1 + Math.floor(next() * largest)
      const names = Array.from({ length: size }, (_, index) => `${number}.${index}`)
      const done = await one(`${name} ${number}`, names)
      if (!done && waitsFor !== undefined) while (!existsSync(waitsFor)) await sleep(5)
      if (!done && again)
        await one(
          `${name} ${number} again`,
          names.map(each => `${each} again`),
        )
      if (pauseMs > 0) await sleep(next() * pauseMs)
    }
  }
  await Promise.all(Array.from({ length: width }, line))
}

async function follow(target: Target) {
  const ends = new AbortController()
  process.stdin.on('end', () => ends.abort()).resume()
  try {
    for await (const block of target.stream(0, ends.signal))
      tell({ kind: 'seen', block: toldOf(block), at: Date.now() })
  } catch (error) {
    if (!ends.signal.aborted) throw error
  }
}

async function check(target: Target, { name, append, tiles }: CheckTask) {
  const before = await look(target)
  let refused: string | undefined
  if (append) {
    await target.append([{ plugin_id: name, operation: 'probe' }]).catch(error => {
      refused = `${isOpDbusError(error) ? error.code : 'not ours'}: ${messageOf(error)}`
    })
  }
  const after = append && refused === undefined ? await look(target) : undefined
  const key = tiles === undefined ? undefined : await target.exportTiles(tiles)
  tell({ kind: 'checked', before, after, ...(refused !== undefined && { refused }), ...(key !== undefined && { key }) })
}

async function look(target: Target): Promise<Look> {
  const blocks: Told[] = []
  for await (const block of target.stream(0)) blocks.push(toldOf(block))
  return { blocks, verdict: await target.verify(), size: target.size() }
}

function toldOf({ number, hash, header }: Block): Told {
  return [number, hash, `${header.plugin} ${header.operation}`]
}
