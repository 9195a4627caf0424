// What the session is made of, without a page: rows, sums, words for failures, files, lines of any size.
import { effect } from '@preact/signals'
import { describe, expect, it } from 'vitest'
import { Board } from '../../playground/board.js'
import { failureOf } from '../../playground/failures.js'
import { parseLines } from '../../playground/lines.js'
import type { Outcome } from '../../playground/look-up.js'
import { countsSince, servedText } from '../../playground/pattern-counts.js'
import { Rows } from '../../playground/rows.js'
import { RunSum } from '../../playground/run-sum.js'
import { wayOf } from '../../playground/sources.js'
import { readTextFile } from '../../playground/text-file.js'
import { OpDbusError, type Source } from '../../src/public.js'

const answer = (source: Source, ms: number, vector = Float32Array.of(0.5, -0.25)): Outcome => ({
  answer: { source, ms, together: 1, vector, truncated: false },
})
const way = (source: Source) => wayOf(source, new Set())
const warm = { cold: false, way, wall: 0 }

describe('Rows', () => {
  it('change in place, and tell whoever read them', () => {
    const rows = new Rows()
    const seen: string[] = []
    const stop = effect(() => {
      seen.push(rows.value.map(row => `${row.text}${row.error ?? ''}`).join())
    })
    rows.begin(['a', 'b', 'c'])
    const before = rows.peek()
    rows.put(1, [{ text: 'b', error: '!' }])
    stop()
    expect(seen).toEqual(['', 'a,b,c', 'a,b!,c'])
    expect(rows.peek()).toBe(before)
  })
})

describe('Board and RunSum', () => {
  it('say what a run came to, and what it saved once all its lines were computed before', () => {
    const board = new Board()
    const run = (outcomes: Outcome[], cold = false) => {
      const lines = outcomes.map((_one, i) => `line ${i}`)
      const sum = new RunSum(board)
      board.rows.begin(lines)
      board.take(0, lines, outcomes, { cold, way, wall: 0 })
      sum.add(lines, outcomes, cold)
      return sum.run
    }
    expect(run([answer('memory', 1), answer('disk', 2)])).toEqual({
      sources: { memory: 1, disk: 1 },
      lines: 2,
      ms: 3,
      loadMs: 0,
      savedMs: undefined,
    })
    run([answer('computed', 10), answer('computed', 20)])
    expect(run([answer('memory', 1), answer('disk', 2)]).savedMs).toBe(27)
    expect(board.counts.peek()).toEqual({ memory: 2, disk: 2, computed: 2 })
    expect(board.scale.peek()).toBe(0.5)
  })

  it('take what loading cost for no time of computing', () => {
    const board = new Board()
    board.take(0, ['first'], [answer('computed', 900)], { cold: true, way, wall: 0 })
    expect(board.times.computed).toBeUndefined()
    expect(board.computingMs('first')).toBeUndefined()
    board.take(1, ['second'], [answer('computed', 10)], warm)
    expect(board.computingMs('first')).toBe(10)
  })

  it('know what was saved where a line took no time that a clock can tell', () => {
    const board = new Board()
    const sum = new RunSum(board)
    board.take(0, ['a', 'b'], [answer('computed', 0), answer('computed', 8)], warm)
    sum.add(['a', 'b'], [answer('memory', 0), answer('memory', 1)], false)
    expect(sum.run.savedMs).toBe(7)
  })

  it('keep what is shown when other caches take over, and count them anew', () => {
    const board = new Board()
    board.take(0, ['a'], [answer('computed', 10)], warm)
    board.restart()
    expect([board.counts.peek(), board.times, board.computingMs('a')]).toEqual([{}, {}, undefined])
    expect(board.rows.peek()[0]).toMatchObject({ text: 'a', way: { memory: 'missed', computed: 'answered' } })
  })

  it('keep a failure of one line to its row, and throw what holds for all', () => {
    const board = new Board()
    board.take(0, ['bad'], [{ error: new OpDbusError('EMBEDDER_FAILED', 'no') }], warm)
    expect(board.rows.peek()[0]).toEqual({ text: 'bad', error: 'no' })
    const gone = new OpDbusError('DOWNLOAD', 'gone')
    expect(() => board.take(0, ['x'], [{ error: gone }], warm)).toThrow(gone)
  })

  it('forget everything, the heat scale too, and hold no more times than a median needs', () => {
    const board = new Board()
    for (let i = 0; i < 500; i++) board.take(i, [`${i}`], [answer('memory', i)], warm)
    expect(board.times.memory).toHaveLength(200)
    expect(board.times.memory?.at(-1)).toBe(499)
    board.clear()
    expect([board.rows.peek(), board.counts.peek(), board.scale.peek(), board.times]).toEqual([[], {}, 0, {}])
    expect(board.history.recent(0).all).toBe(0)
  })
})

describe('what patterns did', () => {
  it('is said in words, and counted from where everything was forgotten', () => {
    const before = { templates: 2, hits: 54 }
    expect(servedText(before)).toBe('2 templates embedded, 54 texts answered by them.')
    expect(countsSince({ templates: 3, hits: 60 }, before)).toEqual({ templates: 1, hits: 6 })
    expect(countsSince(before, undefined)).toEqual(before)
  })
})

describe('failures', () => {
  const download = (why: string) => new OpDbusError('DOWNLOAD', 'x\nrun op-dbus assets', { details: { why } })

  it('are said in plain words, with what to try; the library’s own are kept apart', () => {
    for (const online of [true, false]) {
      for (const why of ['unreachable', 'refused', 'integrity']) {
        const { said, detail } = failureOf(download(why), online)
        expect(said).not.toMatch(/op-dbus|assets|manifest/)
        expect(said).toMatch(/\. .*\.$|: .*\.$/)
        expect(detail).toContain('run op-dbus assets')
      }
    }
  })

  it('tell a page without a network from one without a server', () => {
    expect(failureOf(download('unreachable'), false).said).toMatch(/^You are offline/)
    expect(failureOf(download('unreachable'), true).said).toMatch(/^The server .* cannot be reached/)
    const device = new OpDbusError('DEVICE_UNAVAILABLE', 'no device (wasm: cannot fetch http://x/y.wasm: 404)')
    expect(failureOf(device, false).said).toMatch(/^You are offline/)
    expect(failureOf(device, true).said).toMatch(/^A file .* could not be fetched/)
    expect(failureOf(new OpDbusError('DEVICE_UNAVAILABLE', 'no'), true).said).toMatch(
      /^No device .* can run the model here\. Choose/,
    )
    const chunk = new TypeError('Failed to fetch dynamically imported module: http://x/chunk.js')
    expect(failureOf(chunk, false).said).toMatch(/^You are offline/)
  })
})

describe('readTextFile', () => {
  it('takes a text as it is, and no part of a line of one that is too large', async () => {
    expect(await readTextFile(new File(['a\nb'], 'a.txt'))).toEqual({ text: 'a\nb', note: '' })
    const { text, note } = await readTextFile(new File(['one\ntwo\nthree'], 'b.txt'), 9)
    expect(text).toBe('one\ntwo')
    expect(note).toMatch(/^Of b\.txt the first 9 B of 13 B were read\.$/)
    // One line alone is cut where reading ended.
    expect((await readTextFile(new File(['abcdef'], 'c.txt'), 3)).text).toBe('abc')
  })

  it('refuses what is no text', async () => {
    for (const bytes of [Uint8Array.of(65, 0, 66), Uint8Array.of(255, 216, 255, 224, 16)]) {
      const { text, note } = await readTextFile(new File([bytes], 'p.jpg'))
      expect(text).toBeUndefined()
      expect(note).toMatch(/^p\.jpg is not a text file/)
    }
  })
})

describe('parseLines', () => {
  it('keeps blanks at both ends, also where a blank line of any length comes before', () => {
    const blank = ' '.repeat(100_000)
    expect(parseLines(`${blank}\n\t a \u2028${blank}\r b`).lines).toEqual(['\t a ', ' b'])
  })

  it('counts what is beyond the most without making it', () => {
    expect(parseLines('a\n\n'.repeat(50_000), 10)).toMatchObject({ left: 49_990, lines: Array(10).fill('a') })
  })
})
