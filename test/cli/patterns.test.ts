// `op-dbus embed --patterns` and the line of patterns in `cache stats`: the built CLI, real processes, the built-in model.
import { describe, expect, it } from 'vitest'
import { jsonLines, runCli } from '../processes.js'
import { temporaryFolder } from '../support.js'

const EVENTS = ['Created container 100', 'Created container 101', 'Created container 102']

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
      [['--patterns', 'template', 'up 7'], 'patterns (template)'],
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
      expect.stringContaining('--patterns "sometimes" is not one of off, template'),
    ])
    const text = await runCli(dir, ['embed', '--json', '--no-vector', '--', '--patterns'])
    expect(jsonLines(text.stdout)[0].text).toBe('--patterns')
    const env = await runCli(dir, ['embed', 'a', '--json'], { env: { OPDBUS_EMBEDDING_PATTERNS: 'perhaps' } })
    expect(env.code).toBe(0)
    expect(env.stderr).toContain('OPDBUS_EMBEDDING_PATTERNS="perhaps" is not')
  })
})

describe('op-dbus embed --patterns=verified, a mode that is gone', () => {
  it('says what to use instead: an error where it is asked for by option, a warning where by variable', async () => {
    const dir = temporaryFolder()
    const instead =
      '"verified" is gone; use "template" (one vector for all texts of a template) or "off" (exact vectors)'
    for (const args of [['--patterns=verified'], ['--patterns', 'verified']]) {
      const { code, stdout, stderr } = await runCli(dir, ['embed', ...args, 'up 7'])
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
      expect(stderr).toContain(`patterns: ${instead}`)
    }
    const env = { OPDBUS_EMBEDDING_PATTERNS: 'verified' }
    const { code, stdout, stderr } = await runCli(dir, ['embed', '--json', '--no-vector', 'up 7'], { env })
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: `op-dbus: OPDBUS_EMBEDDING_PATTERNS: ${instead}; using "off"\n`,
    })
    expect(jsonLines(stdout)[0]).not.toHaveProperty('template')
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

  it('shows what patterns did in earlier processes', async () => {
    const dir = temporaryFolder()
    await runCli(dir, ['embed', '-q', '--patterns', ...EVENTS, 'up 17'])
    await runCli(dir, ['embed', '-q', '--patterns', ...EVENTS])
    const { patterns } = JSON.parse((await runCli(dir, ['cache', 'stats', '--json'])).stdout).embeddings
    expect(patterns).toEqual({ mode: 'off', templates: 0, hits: 0, lifetime: { templates: 2, hits: 5 } })
    const line = 'Patterns: 2 templates embedded, 5 texts answered by one'
    expect((await runCli(dir, ['cache', 'stats'])).stdout).toContain(`${line} (now off)\n`)
    const env = { OPDBUS_EMBEDDING_PATTERNS: 'template' }
    expect((await runCli(dir, ['cache', 'stats'], { env })).stdout).toContain(`${line} (template)\n`)
  })
})
