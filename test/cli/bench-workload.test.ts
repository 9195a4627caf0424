// `op-dbus bench --workload`: what it replays, that the real memory hits as a simulation says, and what it answers to a file that is none.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { logLines } from '../../src/sample-lines.js'
import { POLICIES } from '../../src/tuning/policies.js'
import { simulate } from '../../src/tuning/simulate.js'
import { workload } from '../../src/tuning/workloads.js'
import { runCli } from '../processes.js'
import { temporaryFolder } from '../support.js'
import { answered } from './in-process.js'

const bench = (...args: string[]) => answered(['bench', '--rounds', '1', ...args])

function fileOf(name: string, content: string | Uint8Array): string {
  const path = join(temporaryFolder(), name)
  writeFileSync(path, content)
  return path
}

/** Hits of each policy, by size. */
function hitsIn(stdout: string): Record<string, number>[] {
  const { sizes } = JSON.parse(stdout) as { sizes: { policies: { policy: string; hits: number }[] }[] }
  return sizes.map(({ policies }) => Object.fromEntries(policies.map(({ policy, hits }) => [policy, hits])))
}

describe('op-dbus bench --workload', () => {
  it('hits in the real memory as often as a simulation says, under each policy', async () => {
    const { code, stdout } = await bench('--workload', 'shift', '--capacity', '700', '--json')
    expect(code).toBe(0)
    const requests = workload('shift', { requests: 200_000, keys: 20_000, seed: 1, costs: 'lognormal' })
    const [hits] = hitsIn(stdout)
    for (const policy of ['lru', 'sieve', 's3-fifo', 'gdsf', 'cost-s3-fifo'] as const) {
      // Hashes differ, and so two keys in a million that have one hash: who remembers hashes may be one victim apart.
      expect(Math.abs(hits![policy]! - simulate(requests, { policy, capacity: 700 }).hits), policy).toBeLessThanOrEqual(
        20,
      )
    }
    const tiny = simulate(requests, { policy: 'w-tinylfu', capacity: 700 }).hits
    expect(Math.abs(hits!['w-tinylfu']! / tiny - 1)).toBeLessThan(0.01)
  })

  it('replays the lines of a text, at 1 % and 10 % of the keys, and tells what each policy saves', async () => {
    const path = fileOf('app.log', logLines(3000, 5).join('\n'))
    const { code, stdout } = await bench('--workload', path)
    expect(code).toBe(0)
    expect(stdout).toMatch(/the lines of .*app\.log: 3\u2009000 requests for [\d\u2009]+ embeddings/)
    expect(stdout.match(/in a memory of/g)).toHaveLength(2)
    for (const policy of Object.keys(POLICIES))
      expect(stdout).toMatch(new RegExp(`^  ${policy} +[\\d.]+ % +[\\d.]+ % `, 'm'))
  })

  it('counts what is in a text exactly, and passes over empty lines', async () => {
    const path = fileOf('three', 'a\n\nb\r\na\nb\na\n')
    const { stdout } = await bench('--workload', path, '--capacity', '2', '--json')
    expect(hitsIn(stdout)[0]!.lru).toBe(3)
    expect(JSON.parse(stdout)).toMatchObject({ 'op-dbus': 'bench', sizes: [{ requests: 5, keys: 2, capacity: 2 }] })
  })

  it('reads a trace, each cache by itself', async () => {
    const rows = [1, 2, 1, 3, 1, 2].map((id, i) => `${i},${id},100,${id === 3 ? 'queries' : 'embeddings'}`)
    const path = fileOf('trace.csv', `time,id,size,cache\n${rows.join('\n')}\n`)
    const { code, stdout } = await bench('--workload', path, '--capacity', '5', '--json')
    expect(code).toBe(0)
    expect(JSON.parse(stdout).sizes).toMatchObject([
      { cache: 'embeddings', requests: 5, keys: 2 },
      { cache: 'queries', requests: 1, keys: 1 },
    ])
    expect(hitsIn(stdout)[0]!.lru).toBe(3)
  })

  it('reads standard input, in a process', async () => {
    const dir = temporaryFolder()
    const { code, stdout } = await runCli(dir, ['bench', '--workload', '-', '--json'], { input: 'x\ny\nx\n' })
    expect(code).toBe(0)
    expect(hitsIn(stdout)).toHaveLength(1)
  })

  it.each([
    ['no such file', () => join(temporaryFolder(), 'none'), /none\. Workloads: zipf, scan, loop, shift, real/],
    ['an empty file', () => fileOf('empty', ''), /has no requests/],
    ['empty lines', () => fileOf('blank', '\n\n\n'), /has no requests/],
    ['an empty folder', () => temporaryFolder(), /has no requests/],
    [
      'bytes',
      () =>
        fileOf(
          'bytes',
          new Uint8Array(5000).map((_, i) => i * 7),
        ),
      /no trace/,
    ],
    ['a packed file', () => fileOf('a.gz', new Uint8Array([0x1f, 0x8b, 8, 0, 1, 2])), /compressed/],
    ['a trace that is cut in a row', () => fileOf('cut.csv', 'time,id,size\n1,2,100\n2,\n'), /row 3/],
    ['an empty name', () => '', /missing|empty/],
  ])('says why it is none: %s', async (_what, path, why) => {
    const { code, stdout, stderr } = await bench('--workload', path())
    expect({ code: code !== 0, stdout }).toEqual({ code: true, stdout: '' })
    expect(stderr).toMatch(why)
    expect(stderr).not.toMatch(/ at .*\.ts:/)
  })

  it('passes over what a folder holds besides traces', async () => {
    const folder = temporaryFolder()
    mkdirSync(join(folder, 'in.trace'))
    writeFileSync(join(folder, 'other.trace'), 'not a trace')
    const { code, stderr } = await bench('--workload', folder)
    expect(code).not.toBe(0)
    expect(stderr).toMatch(/has no requests/)
  })

  it.each([
    ['0', /--capacity "0" is not a whole number/],
    ['1e3', /--capacity "1e3"/],
    ['-5', /--capacity/],
  ])('refuses a capacity of %s', async (capacity, why) => {
    const { code, stderr } = await bench('--workload', 'zipf', `--capacity=${capacity}`)
    expect(code).toBe(2)
    expect(stderr).toMatch(why)
  })

  it('refuses a capacity of nothing', async () => {
    const { code, stderr } = await bench('--capacity', '5')
    expect(code).toBe(2)
    expect(stderr).toMatch(/--workload/)
  })
})
