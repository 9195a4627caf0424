// `op-dbus cache tune` from outside: what it says, where, and what bad input gets.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { OUTCOMES } from '../../src/tuning/requests.js'
import { workload } from '../../src/tuning/workloads.js'
import { runCli } from '../processes.js'
import { temporaryFolder } from '../support.js'
import { writeTrace } from '../tuning/write-trace.js'

function traced(): string {
  const dir = temporaryFolder()
  const requests = workload('zipf', { requests: 1200, keys: 200, alpha: 0.9, seed: 1, costs: 'lognormal' })
  for (let i = 0; i < requests.length; i += 5) {
    requests.cache[i] = 1
    requests.outcome[i] = OUTCOMES.indexOf('memory')
  }
  mkdirSync(join(dir, 'trace'))
  for (const process of ['a', 'b']) {
    writeTrace(join(dir, 'trace', `${process.repeat(16)}-001.trace`), requests, {
      process: process.repeat(32),
      caches: { embeddings: { disk: false, policy: 'lru', capacity: 40 } },
    })
  }
  return dir
}

describe('op-dbus cache tune', () => {
  it('says how to begin where nothing was recorded', async () => {
    const { code, stdout, stderr } = await runCli(temporaryFolder(), ['cache', 'tune'])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain('op-dbus cache trace on')
    expect(stderr.trim().split('\n').length).toBeLessThanOrEqual(3)
  })

  it('advises in words and bars, and draws the same', async () => {
    const dir = traced()
    const svg = join(dir, 'curves.svg')
    const { code, stdout, stderr } = await runCli(dir, ['cache', 'tune', '--svg', svg])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain('2\u2009400 requests of 2 processes')
    expect(stdout).toMatch(/embeddings: .*\n {2}now: LRU, 40 entries/)
    expect(stdout).toMatch(/queries: .*\n {2}now: the trace does not say/)
    expect(stdout).toContain('█')
    expect(stdout).toContain('A shared tier would have saved')
    expect(stdout).not.toContain('\x1b')
    expect(Math.max(...stdout.split('\n').map(line => line.length))).toBeLessThanOrEqual(100)
    const picture = readFileSync(svg, 'utf8')
    expect(picture).toMatch(
      /^<svg [^>]*role="img"[\s\S]*<title[\s\S]*<desc[\s\S]*prefers-color-scheme:dark[\s\S]*<\/svg>\n$/,
    )
    expect(picture).not.toMatch(/NaN|Infinity|undefined|https?:(?!\/\/www\.w3\.org)/)
    for (const name of ['embeddings', 'queries', 'LRU', 'SIEVE', 'now']) expect(picture).toContain(`>${name}</text>`)
  })

  it('counts a process once that is named twice, and says that recording is on where it is', async () => {
    const dir = traced()
    const folder = join(dir, 'trace')
    const file = join(folder, `${'a'.repeat(16)}-001.trace`)
    const empty = temporaryFolder()
    await runCli(empty, ['cache', 'trace', 'on'])
    const [twice, none] = await Promise.all([
      runCli(dir, ['cache', 'tune', '--json', '--trace', folder, '--trace', file]),
      runCli(empty, ['cache', 'tune']),
    ])
    expect(JSON.parse(twice.stdout)).toMatchObject({ traces: 2, requests: 2400 })
    expect(twice.stderr).toContain('it counts once')
    expect(none.stderr).toContain('recording is on')
  })

  it('tells programs the same as JSON, and a pipe the picture', async () => {
    const dir = traced()
    const [json, picture] = await Promise.all([
      runCli(dir, ['cache', 'tune', '--json', '--full']),
      runCli(dir, ['cache', 'tune', '--svg', '-']),
    ])
    const report = JSON.parse(json.stdout)
    expect(report).toMatchObject({ available: true, traces: 2, requests: 2400, sampled: 1 })
    expect(report.caches.map((one: { cache: string }) => one.cache)).toEqual(['embeddings', 'queries'])
    expect(picture.stdout).toMatch(/^<svg [\s\S]*<\/svg>\n$/)
  })

  it('reads what is named, and refuses what is none', async () => {
    const dir = traced()
    const other = temporaryFolder()
    const path = join(dir, 'trace', `${'a'.repeat(16)}-001.trace`)
    const [file, both] = await Promise.all([
      runCli(other, ['cache', 'tune', '--trace', path], { env: { LC_ALL: 'C' } }),
      runCli(other, ['cache', 'tune', '--trace', path, '--trace', join(dir, 'trace')]),
    ])
    expect(file.code).toBe(0)
    expect(file.stdout).toContain('1\u2009200 requests of 1 process')
    // ASCII alone, where the terminal has nothing else.
    expect(file.stdout).toMatch(/#{3}/)
    expect(file.stdout).not.toMatch(/[█░]/)
    expect(both.code).toBe(0)
    const bad = join(other, 'bad\x1b[31m')
    writeFileSync(bad, Buffer.from([0, 255, 1, 2]))
    const refused = [['--trace', bad], ['--trace', join(other, 'missing')], ['--json', '--svg', '-'], ['surplus']]
    const answers = await Promise.all(refused.map(args => runCli(other, ['cache', 'tune', ...args])))
    for (const [i, { code, stdout, stderr }] of answers.entries()) {
      expect([2, 6], refused[i]!.join(' ')).toContain(code)
      expect(stdout).toBe('')
      expect(stderr).not.toContain('\x1b')
    }
  })

  it('writes no picture where it cannot, and says so', async () => {
    const dir = traced()
    const { code, stderr } = await runCli(dir, ['cache', 'tune', '--svg', join(dir, 'none', 'x.svg')])
    expect(code).toBe(6)
    expect(stderr).toContain('its folder is missing')
  })
})
