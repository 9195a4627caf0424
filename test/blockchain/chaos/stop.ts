// Scenario: a writer is stopped while it holds the lock, for as long as another needs to take over or to say that it waits.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkChain } from './checking.js'
import type { Event } from './child.js'
import { Child } from './children.js'
import type { KillOptions } from './kill.js'
import { Oracle } from './oracle.js'
import { random } from './random.js'

export interface StopReport {
  readonly faults: readonly string[]
  readonly stops: number
  /** Stops in which the other writer said that it waits. */
  readonly waited: number
}

export async function stopWriters({ dir, rounds, seed, plain }: KillOptions): Promise<StopReport> {
  const oracle = new Oracle()
  const next = random(seed)
  const task = { role: 'write', dir, plain, calls: 1e9, width: 2, largest: 10 } as const
  const first = await Child.start({ ...task, name: 'first', seed }, { onEvent: oracle.hear })
  await first.until(events => acknowledged(events) > 0)
  let waited = 0
  for (let round = 0; round < rounds && oracle.faults.length === 0; round++) {
    // Not while it gives the lock away.
    for (;;) {
      await new Promise(resolve => setTimeout(resolve, next() * 20))
      first.signal('SIGSTOP')
      if (await holds(dir, first.pid)) break
      first.signal('SIGCONT')
    }
    const second = await Child.start({ ...task, name: `other${round}`, seed: seed + round }, { onEvent: oracle.hear })
    await second.until(events => events.some(({ kind }) => kind === 'waits') || acknowledged(events) >= 3)
    if (second.events.some(({ kind }) => kind === 'waits')) waited++
    const had = acknowledged(first.events)
    first.signal('SIGCONT')
    await Promise.all([
      first.until(events => acknowledged(events) >= had + 3),
      second.until(events => acknowledged(events) >= 3),
    ])
    await second.kill()
  }
  await first.kill()
  await checkChain(oracle, dir, { plain })
  return { faults: oracle.faults, stops: rounds, waited }
}

function acknowledged(events: readonly Event[]): number {
  return events.filter(({ kind }) => kind === 'acknowledged').length
}

/** Once it is really stopped: a signal takes a moment. */
async function holds(dir: string, pid: number): Promise<boolean> {
  while (!/^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')))
    await new Promise(resolve => setImmediate(resolve))
  const lock = join(dir, 'blockchain/lock')
  return existsSync(lock) && new RegExp(`\\b${pid}\\b`).test(readFileSync(lock, 'utf8'))
}
