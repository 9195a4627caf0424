// A chain is looked at in a new process, and what that says is held against all that was told before.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Event } from './child.js'
import { Child, type Start } from './children.js'
import type { Later, Oracle } from './oracle.js'
import type { Break } from './target.js'
import { tlogVerdict } from './tlog.js'

export interface CheckOptions extends Pick<Start, 'through' | 'env' | 'patienceMs'> {
  readonly plain?: Break | undefined
  /** Appends one block, by which the chain is mended. Default: true. */
  readonly append?: boolean
  /** Whether the verifier in Go looks as well, where it is here. */
  readonly strangers?: boolean
  readonly later?: Later
  /** Nothing can be appended here, and this is said. */
  readonly refusal?: RegExp
}

let checks = 0

export type Checked = Extract<Event, { kind: 'checked' }>

export async function checkChain(
  oracle: Oracle,
  dir: string,
  options: CheckOptions = {},
): Promise<Checked | undefined> {
  const { plain, append = true, strangers = false, later, refusal, through, env, patienceMs } = options
  const tiles = join(dir, 'tiles')
  const name = `check${++checks}`
  const task = { role: 'check', dir, plain, name, append, ...(strangers && { tiles }) } as const
  const known = oracle.known()
  const child = await Child.start(task, {
    ...(through && { through }),
    ...(env && { env }),
    ...(patienceMs && { patienceMs }),
  })
  const { code, signal } = await child.end()
  const checked = child.events.find(event => event.kind === 'checked')
  if (checked === undefined || code !== 0) {
    oracle.faults.push(`the check ended with ${code ?? signal}: ${child.stderr}`)
    return undefined
  }
  const { before, after, refused, key } = checked
  oracle.check(dir, known, [before, ...(after === undefined ? [] : [after])], later)
  if (refusal !== undefined && !refusal.test(refused ?? ''))
    oracle.faults.push(`an append was answered with: ${refused ?? 'a block'}`)
  if (refusal === undefined && refused !== undefined) oracle.faults.push(`nothing can be appended any more: ${refused}`)
  if (after !== undefined && !after.verdict.ok)
    oracle.faults.push(`after the next append: ${JSON.stringify(after.verdict.faults)}`)
  if (key !== undefined) {
    const verdict = tlogVerdict(tiles)
    if (verdict !== undefined && !verdict.startsWith(`OK ${(after ?? before).size} `))
      oracle.faults.push(`the verifier in Go says: ${verdict}`)
    rmSync(tiles, { recursive: true, force: true })
  }
  return checked
}
