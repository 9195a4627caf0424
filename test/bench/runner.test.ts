// What becomes of rows that miss, break or cannot be had, and that no folder is left behind.
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Library } from './library.js'
import { type Bench, type Measured, type RowGroup, Skipped, WrongAnswer } from './row.js'
import { exitCodeOf, inOwnFolder, runGroups } from './runner.js'

let work: string

beforeEach(async () => {
  work = await mkdtemp(join(tmpdir(), 'bench-runner-'))
})

afterEach(() => rm(work, { recursive: true, force: true }))

const group = (id: string, run: (bench: Bench) => Measured[] | Promise<Measured[]>): RowGroup => ({
  id,
  run: async bench => run(bench),
})
const row = (id: string, ours: number): Measured => ({
  id,
  what: '',
  unit: 's',
  ours,
  hold: { side: 'at most', plus: 1 },
})
const library = { folder: 'unused' } as Library
const options = { library, rounds: 2, quick: false, model: undefined, say: () => {} }

describe('groups', () => {
  test('a figure that is missed is told and breaks nothing', async () => {
    const outcome = await runGroups([group('slow', () => [row('slow', 2)])], work, options)
    expect(outcome.rows).toMatchObject([{ id: 'slow', held: false }])
    expect(exitCodeOf(outcome)).toBe(0)
  })

  test('a wrong answer is told and ends in 1, and the others still run', async () => {
    const wrong = group('wrong', () => Promise.reject(new WrongAnswer('other bytes')))
    const outcome = await runGroups([wrong, group('fine', () => [row('fine', 1)])], work, options)
    expect(outcome.broken).toMatchObject([{ id: 'wrong', why: expect.stringContaining('other bytes') }])
    expect(outcome.rows).toMatchObject([{ id: 'fine', held: true }])
    expect(exitCodeOf(outcome)).toBe(1)
  })

  test('what cannot be had is told with its reason and is no fault', async () => {
    const big = group('big', () => Promise.reject(new Skipped('needs 2.5 GB')))
    const outcome = await runGroups([big], work, options)
    expect(outcome).toEqual({ rows: [], skipped: [{ id: 'big', why: 'needs 2.5 GB' }], broken: [] })
    expect(exitCodeOf(outcome)).toBe(0)
  })

  test('each gets the settings and an empty folder of its own, gone afterwards', async () => {
    const folders: string[] = []
    const messy = (id: string) =>
      group(id, async ({ folder, rounds, progress }) => {
        expect([await readdir(folder), rounds]).toEqual([[], 2])
        await writeFile(join(folder, 'left behind'), '')
        folders.push(folder)
        progress('working')
        if (id === 'second') throw new Error('in the middle')
        return []
      })
    const said: string[] = []
    await runGroups([messy('first'), messy('second')], work, { ...options, say: text => said.push(text) })
    expect(new Set(folders).size).toBe(2)
    expect(await readdir(work)).toEqual([])
    expect(said).toEqual(['first: preparing', 'first: working', '', 'second: preparing', 'second: working', ''])
  })
})

describe('the own folder', () => {
  test('is there meanwhile and gone afterwards, also after a failure', async () => {
    const folders: string[] = []
    const value = await inOwnFolder(async folder => {
      folders.push(folder)
      expect(existsSync(folder)).toBe(true)
      return 7
    })
    const failing = inOwnFolder(async folder => {
      folders.push(folder)
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    expect(value).toBe(7)
    expect(folders.filter(existsSync)).toEqual([])
  })
})
