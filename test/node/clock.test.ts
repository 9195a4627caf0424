// The clock that processes share: what one reads and what another reads a moment later are in that order, also on a busy machine.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { transform } from 'esbuild'
import { expect, it } from 'vitest'
import { nodeClock } from '../../src/node/runtime.js'
import { runNode } from '../processes.js'
import { temporaryFolder } from '../support.js'

const shared = () => Number(process.hrtime.bigint()) / 1e6

it('is never more than a millisecond away from the clock of the machine', () => {
  for (let i = 0; i < 20; i++) {
    const clock = nodeClock()
    const before = shared()
    const read = clock.monotonic()
    expect(read).toBeGreaterThan(before - 1)
    expect(read).toBeLessThan(shared() + 1)
  }
})

it('nor where it is the first to ask for `performance`, which Node loads then', async () => {
  const { code } = await transform(readFileSync(new URL('../../src/node/runtime.ts', import.meta.url), 'utf8'), {
    loader: 'ts',
  })
  const script = `${code}
    const clock = nodeClock()
    clock.monotonic()
    const shared = () => Number(process.hrtime.bigint()) / 1e6
    const [before, read, after] = [shared(), clock.monotonic(), shared()]
    console.log(read > before - 0.3 && read < after + 0.3)`
  const file = join(temporaryFolder(), 'clock.mjs')
  writeFileSync(file, script)
  const outcomes = await Promise.all(Array.from({ length: 4 }, () => runNode([file])))
  expect(outcomes.map(({ stdout }) => stdout)).toEqual(outcomes.map(() => 'true\n'))
})
