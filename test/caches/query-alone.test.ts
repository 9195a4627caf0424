// Queries in a folder that this process cannot write to, or that is none: kept here for their time, and whatever others tell is heard.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { folderWarnings } from '../../src/node/warnings.js'
import { TestClock, temporaryFolder } from '../support.js'
import { answer, never, open, plugin, TTL } from './query-support.js'

describe('where no token can be put', () => {
  /** A folder that others write to, and this one does not. */
  async function readOnly(state: 'empty' | 'with an answer') {
    const dir = temporaryFolder()
    const clock = new TestClock()
    const other = open(dir, { clock }).cache
    if (state === 'with an answer') {
      await other.getOrCompute('net', answer('theirs'))
      await Promise.resolve()
    }
    const { cache, store, warnings } = open(dir, { clock })
    const fail = () => {
      throw new Error('EROFS')
    }
    const writable = { setSync: store!.setSync, setMany: store!.setMany, deleteMany: store!.deleteMany }
    Object.assign(store!, { setSync: fail, setMany: async () => fail(), deleteMany: async () => fail() })
    return { dir, clock, other, cache, warnings, store: store!, mend: () => Object.assign(store!, writable) }
  }

  it('an answer is kept in this process for its time, and one warning says so', async () => {
    const { cache, clock, warnings } = await readOnly('empty')
    await cache.getOrCompute('net', answer(1))
    await cache.getOrCompute('lxc', answer(1))
    expect(cache.view('net')).toBe(1)
    expect((await cache.getOrCompute('net', never)).source).toBe('memory')
    expect(new Set(warnings)).toEqual(new Set([expect.stringMatching(/kept in this process alone.*: EROFS/)]))
    clock.advance(TTL + 1)
    expect((await cache.getOrCompute('net', answer(2))).value).toBe(2)
    expect(cache.view('net')).toBe(2)
  })

  it('who changes something says that others cannot be told, also among all that is said of the folder', async () => {
    const dir = temporaryFolder()
    const clock = new TestClock()
    await open(dir, { clock }).cache.getOrCompute('net', answer('theirs'))
    const said: string[] = []
    const { cache, store } = open(dir, { clock, warn: folderWarnings(dir, message => said.push(message)) })
    const fail = () => {
      throw Object.assign(new Error('read-only file system'), { code: 'EROFS' })
    }
    Object.assign(store!, { setSync: fail, deleteMany: async () => fail() })
    await cache.delete('net')
    await Promise.resolve()
    expect(said.join('\n')).toContain('other processes cannot be told that what "net" answered is out of date')
  })

  it.each(['delete', 'invalidate'] as const)(
    'its own %s holds, for what is kept and what is under way',
    async change => {
      const { cache } = await readOnly('empty')
      await cache.getOrCompute('net', answer('old'))
      await cache[change]('net')
      expect(cache.view('net')).toBeUndefined()
      const { query, begun } = plugin()
      const slow = cache.getOrCompute('net', query)
      const [asked] = await begun(1)
      await cache[change]('net')
      asked!.resolve('old')
      await slow
      expect(cache.view('net')).toBeUndefined()
      expect((await cache.getOrCompute('net', answer('new'))).value).toBe('new')
      expect(cache.view('net')).toBe('new')
    },
  )

  it('a token that others put is believed, and each change that they tell is heard', async () => {
    for (const state of ['empty', 'with an answer'] as const) {
      const { cache, other } = await readOnly(state)
      expect((await cache.getOrCompute('net', answer('ours'))).source).toBe(state === 'empty' ? 'computed' : 'disk')
      await other.delete('net')
      expect(cache.view('net')).toBeUndefined()
      await cache.getOrCompute('net', answer('new'))
      expect(cache.view('net')).toBe('new')
      await other.invalidate('net')
      expect(cache.view('net')).toBeUndefined()
    }
  })

  it('after a change of its own nothing on disk is believed until others renewed it, and what they tell is heard', async () => {
    const { cache, other } = await readOnly('with an answer')
    await cache.delete('net')
    expect(await cache.get('net')).toBeUndefined()
    expect((await cache.getOrCompute('net', answer('ours'))).value).toBe('ours')
    expect(cache.view('net')).toBe('ours')
    await other.delete('net')
    expect(cache.view('net')).toBeUndefined()
    await other.getOrCompute('net', answer('theirs'))
    await Promise.resolve()
    expect((await cache.getOrCompute('net', never)).source).toBe('disk')
  })

  it('once one can be put again, others are told', async () => {
    const { cache, other, clock, mend } = await readOnly('empty')
    await cache.getOrCompute('net', answer(1))
    mend()
    clock.advance(TTL + 1)
    await cache.getOrCompute('net', answer(2))
    await cache.getOrCompute('net', answer(3))
    await Promise.resolve()
    expect((await other.get('net'))?.value).toBe(3)
    await other.delete('net')
    expect(cache.view('net')).toBeUndefined()
  })

  it('since a file is where the folder goes, or nothing may be made there, it is the same', async () => {
    const file = join(temporaryFolder(), 'file')
    writeFileSync(file, 'mine')
    for (const dir of [file, join(file, 'queries'), '/proc/none/queries']) {
      const { cache } = open(dir)
      for (const value of ['old', 'new']) {
        await cache.getOrCompute('net', answer(value))
        expect(await cache.getOrCompute('net', never)).toEqual({ value, source: 'memory' })
        expect(cache.view('net')).toBe(value)
        await cache.delete('net')
        expect(cache.view('net')).toBeUndefined()
      }
      await cache.close()
    }
    expect(readFileSync(file, 'utf8')).toBe('mine')
  })

  it('and none can be read either, it is the same', async () => {
    const { cache, store } = await readOnly('empty')
    const fail = () => {
      throw new Error('EACCES')
    }
    Object.assign(store, { holdSync: fail, getSync: fail, clearedElsewhere: fail })
    await cache.getOrCompute('net', answer(1))
    expect((await cache.getOrCompute('net', never)).source).toBe('memory')
    await cache.invalidate('net')
    expect(cache.view('net')).toBeUndefined()
  })
})
