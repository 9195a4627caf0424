// Locks whose holders stopped, died, or live where nobody can look them up: no two blocks get one number, and nobody waits for the dead.
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { onPath } from '../../programs.js'
import { temporaryFolder } from '../../support.js'
import { checkChain } from './checking.js'
import type { Event } from './child.js'
import { Child } from './children.js'
import { Oracle } from './oracle.js'
import { FULL, rounds } from './scale.js'
import { stopWriters } from './stop.js'

const WRITER = { role: 'write', seed: 1, calls: 1e9, width: 2, largest: 3 } as const
const acknowledged = (events: readonly Event[]) => events.filter(({ kind }) => kind === 'acknowledged').length

it('writers that are stopped while they hold the lock are waited for, and lose nothing', async () => {
  const { faults, stops, waited } = await stopWriters({ dir: temporaryFolder(), rounds: rounds(2, 40), seed: 5 })
  console.log(`${stops} stops, ${waited} times the other waited`)
  expect(faults).toEqual([])
}, 600_000)

it('a writer in another namespace shares the chain', async ctx => {
  const through = ['unshare', '-p', '--fork', '--mount-proc', '--kill-child']
  if (process.getuid?.() !== 0 || onPath('unshare') === undefined) ctx.skip('namespaces are not ours to make here')
  const dir = temporaryFolder()
  const oracle = new Oracle()
  const inside = await Child.start({ ...WRITER, name: 'inside', dir }, { through, onEvent: oracle.hear })
  const outside = await Child.start({ ...WRITER, name: 'outside', dir, calls: 40 }, { onEvent: oracle.hear })
  await inside.until(events => acknowledged(events) >= 20)
  await outside.end()
  await inside.kill()
  // Nobody here can look up who held the lock: it is gone when it was silent for a minute.
  if (FULL) await checkChain(oracle, dir, { patienceMs: 120_000 })
  expect(oracle.faults).toEqual([])
  expect(acknowledged(outside.events)).toBe(40)
}, 200_000)

type Left = [name: string, text: (owner: { place: string }) => string]

const more: Left[] = [
  ['one whose id another process has now', owner => JSON.stringify({ ...owner, pid: process.pid, started: '1' })],
  ['a loss of power, and is full of zeros', () => '\0'.repeat(120)],
  ['an earlier boot', owner => JSON.stringify({ ...owner, place: `0${owner.place.slice(1)}` })],
]

describe('a lock that was left by', () => {
  const left = async () => {
    const dir = temporaryFolder()
    const oracle = new Oracle()
    for (let i = 0; !existsSync(join(dir, 'blockchain/lock')); i++) {
      const writer = await Child.start({ ...WRITER, name: `w${i}`, dir }, { onEvent: oracle.hear })
      await writer.until(events => acknowledged(events) >= 3)
      await writer.kill()
    }
    const lock = join(dir, 'blockchain/lock')
    return { dir, oracle, lock, owner: JSON.parse(readFileSync(lock, 'utf8')) as { place: string } }
  }

  it.each<Left>([
    ['the dead', owner => JSON.stringify(owner)],
    ['a loss of power, and is empty', () => ''],
    ...(FULL ? more : []),
  ])(
    '%s is broken',
    async (_, text) => {
      const { dir, oracle, lock, owner } = await left()
      writeFileSync(lock, text(owner))
      await checkChain(oracle, dir)
      expect(oracle.faults).toEqual([])
    },
    100_000,
  )
})

it('a clock that goes back changes no order, and is told of', async () => {
  const dir = temporaryFolder()
  const oracle = new Oracle()
  const task = { ...WRITER, name: 'w', dir, calls: 20, width: 1, clockStep: 60_000 } as const
  const writer = await Child.start(task, { onEvent: oracle.hear })
  expect((await writer.end()).code).toBe(0)
  const told = writer.events.filter(event => event.kind === 'warned' && event.message.includes('the clock went back'))
  expect(told).toHaveLength(1)
  const copy = join(temporaryFolder(), 'copy')
  cpSync(dir, copy, { recursive: true })
  await checkChain(oracle, dir, { strangers: true })
  expect(oracle.faults).toEqual([])
  const lines = readFileSync(join(copy, 'blockchain/timing/000000000000.jsonl'), 'utf8').trim().split('\n')
  const times = lines.map(line => (JSON.parse(line) as { header: { timestamp: number } }).header.timestamp)
  expect(times.at(-1)).toBeLessThan(times[0]!)
})
