// Scenario: writers are killed at random moments, one or two at a time, while a reader follows.

import { checkChain } from './checking.js'
import type { Event } from './child.js'
import { Child } from './children.js'
import { Oracle } from './oracle.js'
import { random } from './random.js'
import type { Break } from './target.js'

export interface KillOptions {
  readonly dir: string
  readonly rounds: number
  readonly seed: number
  readonly plain?: Break
}

export interface KillReport {
  readonly faults: readonly string[]
  readonly kills: number
  readonly acknowledged: number
  readonly seen: number
}

/** By turns: one writer; two that are killed; two of which one lives on for a while. */
export async function killWriters({ dir, rounds, seed, plain }: KillOptions): Promise<KillReport> {
  const oracle = new Oracle()
  const next = random(seed)
  let kills = 0
  const reader = await Child.start({ role: 'follow', name: 'reader', dir, plain }, { onEvent: oracle.hear })
  for (let round = 0; round < rounds && oracle.faults.length === 0; round++) {
    const writers: Child[] = []
    for (let i = 0; i < (round % 3 === 0 ? 1 : 2); i++) {
      const name = `w${round}-${i}`
      const shape = {
        width: 1 + Math.floor(next() * 4),
        largest: next() < 0.3 ? 1 : 40,
        bytes: next() < 0.2 ? 20_000 : 100,
      }
      const task = { role: 'write', name, dir, plain, seed: seed + round, calls: 1e9, ...shape } as const
      writers.push(await Child.start(task, { onEvent: oracle.hear }))
    }
    await Promise.all(writers.map(writer => writer.until(isReady)))
    for (const [index, writer] of writers.entries()) {
      const survives = index === 1 && round % 3 === 2
      const delay = next() * 120
      if (survives) {
        const had = acknowledgements(writer.events)
        await writer.until(events => acknowledgements(events) >= had + 5)
      } else await new Promise(resolve => setTimeout(resolve, delay))
      await writer.kill()
      kills++
    }
    const last = round === rounds - 1
    await checkChain(oracle, dir, { plain, strangers: last })
  }
  const size = oracle.size
  await reader.until(events => oracle.faults.length > 0 || seenBy(events) >= size)
  reader.finish()
  await reader.end()
  if (reader.stderr !== '') oracle.faults.push(`the reader: ${reader.stderr}`)
  return { faults: oracle.faults, kills, acknowledged: oracle.acknowledged, seen: seenBy(reader.events) }
}

function isReady(events: readonly Event[]): boolean {
  return events.length > 0
}

function acknowledgements(events: readonly Event[]): number {
  return events.filter(({ kind }) => kind === 'acknowledged').length
}

function seenBy(events: readonly Event[]): number {
  return events.filter(({ kind }) => kind === 'seen').length
}
