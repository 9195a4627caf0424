// Chains to begin with: what an append meets, made by the writer itself and by hand.
import { appendFileSync, cpSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Child } from './children.js'
import type { Break } from './target.js'

/** A few blocks, and nobody who writes. */
export async function smallChain(dir: string, plain?: Break): Promise<string> {
  return written(dir, 100, 3, plain)
}

/** So long that the next append begins another segment. */
export async function fullSegment(dir: string, plain?: Break): Promise<string> {
  return written(dir, 3_000_000, 3, plain)
}

/** An append of three blocks that was cut off in its second, behind a chain that is well. */
export async function tornChain(dir: string, from: string, scratch: string, plain?: Break): Promise<string> {
  cpSync(from, dir, { recursive: true })
  cpSync(from, scratch, { recursive: true })
  const before = readFileSync(lastSegment(dir)).length
  const child = await Child.start({
    role: 'write',
    name: 'torn',
    dir: scratch,
    plain,
    seed: 1,
    calls: 1,
    width: 1,
    largest: 1,
    sizes: [3],
  })
  await child.end()
  if (!child.events.some(({ kind }) => kind === 'acknowledged')) throw new Error(`nothing was torn: ${child.stderr}`)
  const more = readFileSync(lastSegment(scratch)).subarray(before)
  appendFileSync(lastSegment(dir), more.subarray(0, more.indexOf(10) + 40))
  return dir
}

export function lastSegment(dir: string): string {
  const timing = join(dir, 'blockchain/timing')
  return join(timing, readdirSync(timing).sort().at(-1)!)
}

async function written(dir: string, bytes: number, calls: number, plain: Break | undefined): Promise<string> {
  const child = await Child.start({
    role: 'write',
    name: 'base',
    dir,
    plain,
    seed: 1,
    calls,
    width: 1,
    largest: 1,
    bytes,
  })
  const { code } = await child.end()
  const done = child.events.filter(({ kind }) => kind === 'acknowledged').length
  if (code !== 0 || done !== calls) throw new Error(`${done} of ${calls} appends were acknowledged: ${child.stderr}`)
  return dir
}
