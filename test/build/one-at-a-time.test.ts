// Real processes build one after the other, and one that was killed holds nobody up.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { root } from '../processes.js'
import { temporaryFolder } from '../support.js'

/** Takes the lock, notes that it is in, does something asynchronous, notes that it is out. With `hold` it never leaves. */
const SCRIPT = `
import { appendFileSync } from 'node:fs'
import { oneAtATime } from ${JSON.stringify(pathToFileURL(join(root, 'build/one-at-a-time.mjs')).href)}
const [lock, log, hold] = process.argv.slice(1)
await oneAtATime(lock, async () => {
  appendFileSync(log, 'in ' + process.pid + '\\n')
  if (hold) {
    process.stdout.write('in')
    await new Promise(() => setInterval(() => {}, 1000))
  }
  for (let turn = 0; turn < 50; turn++) await new Promise(resolve => setImmediate(resolve))
  appendFileSync(log, 'out ' + process.pid + '\\n')
})
`

function start(dir: string, ...more: string[]): ChildProcess {
  const args = ['--input-type=module', '-e', SCRIPT, join(dir, 'build', 'lock'), join(dir, 'log'), ...more]
  return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
}

const ended = async (child: ChildProcess) => {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  return child.exitCode
}

/** `in 1, out 1, in 2, out 2, …`: nobody was in while another was. */
function expectTurns(lines: readonly string[], count: number): void {
  expect(lines).toHaveLength(2 * count)
  for (let i = 0; i < lines.length; i += 2) {
    expect(lines[i]).toMatch(/^in /)
    expect(lines[i + 1]).toBe(lines[i]!.replace('in', 'out'))
  }
}

const linesOf = (dir: string) => readFileSync(join(dir, 'log'), 'utf8').trim().split('\n')

test('one is in at a time, and all get in', async () => {
  const dir = temporaryFolder()
  const codes = await Promise.all(Array.from({ length: 5 }, () => ended(start(dir))))
  expect(codes).toEqual([0, 0, 0, 0, 0])
  expectTurns(linesOf(dir), 5)
  expect(readdirSync(join(dir, 'build'))).toEqual([])
})

test('a holder that was killed is noticed; those who wait take turns all the same', async () => {
  const dir = temporaryFolder()
  const holder = start(dir, 'hold')
  await once(holder.stdout!, 'data')
  const waiting = Array.from({ length: 4 }, () => start(dir))
  holder.kill('SIGKILL')
  await ended(holder)
  expect(await Promise.all(waiting.map(ended))).toEqual([0, 0, 0, 0])
  expectTurns(linesOf(dir).slice(1), 4)
  expect(readdirSync(join(dir, 'build'))).toEqual([])
})
