// `op-dbus embed --patterns` and the line of patterns in `cache stats`: the built CLI, real processes, the built-in model.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openCaches, type UserEmbedder } from 'op-dbus'
import { describe, expect, it } from 'vitest'
import { jsonLines, runCli } from '../processes.js'
import { temporaryFolder } from '../support.js'

const EVENTS = ['Created container 100', 'Created container 101', 'Created container 102']

/** A report so long that the built-in model (128 tokens) does not see the number at its end: what verified patterns always serve. */
const ADVICE =
  'The queue of the export workers grows faster than it is drained and will reach its limit before the night is over. ' +
  'Add workers if the machines have memory to spare; if they have not, stop the import of statistics, which can be ' +
  'repeated in the morning. Look for a message that fails again and again at the head of the queue and move it aside, ' +
  'never by deleting the queue. New orders are still accepted, but their confirmations are late and the shop will answer ' +
  'with an error once the limit is reached, whatever the customer does. This alert was raised by the standing rule of ' +
  'the platform team, number'

/** 2200 to 2299 in an order in which all digits are soon seen: a pattern serves only what it knows. */
const number = (i: number) => 2200 + ((37 * i) % 100)

describe('op-dbus embed --patterns', () => {
  it('the strategy’s example: 100 is computed, 101 and 102 are pattern hits; a second process has all three from disk', async () => {
    const dir = temporaryFolder()
    const first = await runCli(dir, ['embed', '--patterns', '--json', ...EVENTS])
    expect(first.code).toBe(0)
    const rows = jsonLines(first.stdout)
    expect(rows.map(row => row.source)).toEqual(['computed', 'pattern', 'pattern'])
    for (const row of rows) expect(row).toMatchObject({ template: 'Created container <number>', dims: 512 })
    expect(rows[2].vector).toEqual(rows[0].vector)
    expect(first.stderr).toBe(
      'op-dbus: patterns (template): 2 of 3 texts (67 %) answered by a template; 1 template embedded\n',
    )
    const second = await runCli(dir, ['embed', '--json', ...EVENTS], { env: { OPDBUS_EMBEDDING_PATTERNS: 'true' } })
    expect(jsonLines(second.stdout).map(row => row.source)).toEqual(Array(3).fill('pattern'))
    const exact = await runCli(dir, ['embed', EVENTS[0]!, '--json'])
    expect(jsonLines(exact.stdout)[0]).toMatchObject({ source: 'computed' })
    expect(jsonLines(exact.stdout)[0]).not.toHaveProperty('template')
    expect(jsonLines(exact.stdout)[0].vector).not.toEqual(rows[0].vector)
  })

  it('says how much time was saved, and that this is an estimate, where there is something to estimate it from', async () => {
    const texts = [...EVENTS, 'one more', 'and one', 'and another']
    const { stderr } = await runCli(temporaryFolder(), ['embed', '--patterns', '--json', ...texts])
    expect(stderr).toMatch(/; about \S+ \S+ saved \(an estimate: hits x the mean time of a computed text\)\n$/)
  })

  it('prints P for pattern in the text, and says nothing with --quiet', async () => {
    const { stdout, stderr } = await runCli(temporaryFolder(), ['embed', '--patterns', '-q', ...EVENTS])
    expect(stdout.split('\n').map(line => line.slice(0, 10).trim())).toEqual([
      'C computed',
      'P pattern',
      'P pattern',
      '',
    ])
    expect(stderr).toBe('')
  })

  it('takes its mode after =, after a space, or not at all; and says what is wrong', async () => {
    const dir = temporaryFolder()
    const cases: [string[], string][] = [
      [['--patterns=template', 'up 7'], 'patterns (template)'],
      [['--patterns', 'verified', 'up 7'], 'patterns (verified)'],
      [['up 7', '--patterns'], 'patterns (template)'],
      [['--patterns=true', 'up 7'], 'patterns (template)'],
      [['--patterns=off', 'up 7'], ''],
    ]
    for (const [args, said] of cases) {
      const { code, stdout, stderr } = await runCli(dir, ['embed', ...args, '--json', '--no-vector'])
      expect({ code, texts: jsonLines(stdout).map(row => row.text) }).toEqual({ code: 0, texts: ['up 7'] })
      expect(stderr.startsWith(said === '' ? '' : `op-dbus: ${said}`)).toBe(true)
      expect(stderr === '').toBe(said === '')
    }
    const wrong = await runCli(dir, ['embed', '--patterns=sometimes', 'a'])
    expect([wrong.code, wrong.stderr.split('\n')[0]]).toEqual([
      2,
      expect.stringContaining('patterns: "sometimes" is not one of off, template, verified'),
    ])
    const text = await runCli(dir, ['embed', '--json', '--no-vector', '--', '--patterns'])
    expect(jsonLines(text.stdout)[0].text).toBe('--patterns')
    const env = await runCli(dir, ['embed', 'a', '--json'], { env: { OPDBUS_EMBEDDING_PATTERNS: 'perhaps' } })
    expect(env.code).toBe(0)
    expect(env.stderr).toContain('OPDBUS_EMBEDDING_PATTERNS="perhaps" is not')
  })
})

describe('op-dbus embed --patterns=verified', () => {
  it('refuses containers with the built-in model and the default bound, and says so in one line', async () => {
    const dir = temporaryFolder()
    const { stdout, stderr } = await runCli(dir, ['embed', '--patterns=verified', '--json', ...EVENTS])
    expect(jsonLines(stdout).map(row => row.source)).toEqual(Array(3).fill('computed'))
    expect(stderr).toMatch(
      /^op-dbus: patterns \(verified\): 0 of 3 texts \(0 %\) served; 0 learnt, 1 refused, 0 revoked; worst error n\/a in 0 checks, bound 0.140; refused last: "Created container <number>" \(texts 0\.\d{3} apart, 0\.035 allowed\)\n$/,
    )
    // A later process knows it from disk, and computes at once.
    const later = await runCli(dir, ['embed', '--patterns=verified', '--json', 'Created container 103'])
    expect(jsonLines(later.stdout)[0].source).toBe('computed')
    expect(later.stderr).toContain('0 refused')
    expect(later.stderr).toContain('refused last: "Created container <number>"')
  })

  it('serves what agreed, with the bound on every such line, in this process and the next; clear forgets it', async () => {
    const dir = temporaryFolder()
    const env = { OPDBUS_EMBEDDING_PATTERNS: 'verified' }
    const input = Array.from({ length: 60 }, (_, i) => `${ADVICE} ${number(i)}`).join('\n')
    const rows = jsonLines((await runCli(dir, ['embed', '-', '--json'], { input, env })).stdout)
    const served = rows.filter(row => row.source === 'pattern')
    expect(served.length).toBeGreaterThan(5)
    for (const row of served) expect(row).toMatchObject({ bound: 0.14, template: `${ADVICE} <number>` })
    // Every one of them computed exactly now: none may be further off than its line says.
    const exact = jsonLines((await runCli(dir, ['embed', '-', '--json'], { input })).stdout)
    rows.forEach((row, i) => {
      const off = Math.hypot(...row.vector.map((x: number, d: number) => x - exact[i].vector[d]))
      expect(off, row.text).toBeLessThanOrEqual(row.bound ?? 1e-6)
    })
    const more = Array.from({ length: 40 }, (_, i) => `${ADVICE} ${number(60 + i)}`).join('\n')
    const next = jsonLines((await runCli(dir, ['embed', '-', '--json'], { input: more, env })).stdout)
    expect(next.filter(row => row.source === 'pattern').length).toBeGreaterThan(5)
    await runCli(dir, ['cache', 'clear', '--embeddings', '-q'])
    const names = existsSync(join(dir, 'patterns')) ? readdirSync(join(dir, 'patterns')) : []
    expect(names.filter(name => name.endsWith('.json'))).toEqual([])
    const after = jsonLines((await runCli(dir, ['embed', '-', '--json'], { input: more, env })).stdout)
    expect(after.slice(0, 8).map(row => row.source)).toEqual(Array(8).fill('computed'))
  })
})

describe('op-dbus cache verify', () => {
  it('looks at revocations too', async () => {
    const dir = temporaryFolder()
    // Ten containers alike, and then one that is not.
    const embedder: UserEmbedder = {
      space: 'jumping@1',
      dims: 2,
      embed: async texts => new Float32Array(texts.flatMap(text => (text.endsWith('9') ? [0, 1] : [1, 0]))),
    }
    const caches = await openCaches({ dir, embedder, patterns: 'verified' })
    for (const end of [0, 1, 2, 3, 4, 5, 6, 7, 9]) await caches.embeddings.getOrEmbed(`container 10${end}`)
    await caches.close()
    const revoked = join(dir, 'patterns', 'revoked')
    const [name] = readdirSync(revoked).filter(name => name.endsWith('.json'))
    expect((await runCli(dir, ['cache', 'verify'])).code).toBe(0)
    const file = join(revoked, name!)
    writeFileSync(file, readFileSync(file, 'utf8').replace('distance', 'distancf'))
    const { code, stdout } = await runCli(dir, ['cache', 'verify', '--json'])
    expect([code === 0, JSON.parse(stdout).caches.patterns]).toMatchObject([false, { damaged: 1 }])
  })
})

describe('op-dbus cache stats', () => {
  it('says nothing of patterns where there never were any', async () => {
    const dir = temporaryFolder()
    await runCli(dir, ['embed', 'a', '-q'])
    expect((await runCli(dir, ['cache', 'stats'])).stdout).not.toContain('Patterns')
    expect(JSON.parse((await runCli(dir, ['cache', 'stats', '--json'])).stdout).embeddings).not.toHaveProperty(
      'patterns',
    )
  })

  it('shows what patterns did in earlier processes: sums, and the worst error as a maximum', async () => {
    const dir = temporaryFolder()
    const env = { OPDBUS_EMBEDDING_PATTERNS: 'verified' }
    // Vectors that turn with the number.
    const embedder: UserEmbedder = {
      space: 'turning@1',
      dims: 2,
      async embed(texts) {
        const angles = texts.map(text => 3e-5 * Number(/\d+/.exec(text)?.[0]))
        return new Float32Array(angles.flatMap(angle => [Math.cos(angle), Math.sin(angle)]))
      },
    }
    for (const from of [0, 120, 240]) {
      const caches = await openCaches({ dir, embedder, patterns: { mode: 'verified', checkShare: 1 / 2 } })
      const texts = Array.from({ length: 120 }, (_, i) => `container ${100 + ((37 * (from + i)) % 900)}`)
      for (const text of texts) await caches.embeddings.getOrEmbed(text)
      await caches.close()
    }
    await runCli(dir, ['embed', '-q', ...EVENTS], { env })
    await runCli(dir, ['embed', '-q', '--patterns', ...EVENTS])
    const { patterns } = JSON.parse((await runCli(dir, ['cache', 'stats', '--json'])).stdout).embeddings
    expect(patterns).toMatchObject({ mode: 'off', hits: 0 })
    const { lifetime } = patterns
    expect(lifetime).toMatchObject({ patterns: 2, refusals: 1, revocations: 0 })
    expect(lifetime.hits).toBeGreaterThan(20)
    expect(lifetime.checks).toBeGreaterThan(0)
    // The farthest of 900 numbers from one in their middle, in whichever process it was seen: no sum of three.
    expect(lifetime.worstError).toBeGreaterThan(0.008)
    expect(lifetime.worstError).toBeLessThan(0.028)
    const text = (await runCli(dir, ['cache', 'stats'], { env })).stdout
    expect(text).toMatch(
      /^Patterns: 2 served, \d+ hits, 1 refused, 0 revoked, worst error 0\.\d{3} in \d+ checks \(verified, bound 0\.140\)$/m,
    )
  })
})
