// What a query cache in memory and on disk is held to: nothing from before the last change, whoever told it.
import { linkSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { queryKey } from '../../src/caches/query-file.js'
import { inWords } from '../../src/caches/query-names.js'
import { hash, TestClock, temporaryFolder } from '../support.js'
import { answer, handTimer, never, open, openTwo, plugin, TTL } from './query-support.js'

describe('an answer in memory', () => {
  it('is not served once another process invalidated, by any kind of look-up', async () => {
    const { here, there } = openTwo()
    const lookUps = [
      async () => (await here.getOrCompute('net', answer('new'))).value,
      async () => (await here.get('net'))?.value ?? 'new',
      async () => here.view('net') ?? 'new',
      async () => ((await here.has('net')) ? 'old' : 'new'),
    ]
    for (const lookUp of lookUps) {
      for (const change of [() => there.delete('net'), () => there.invalidate('net')]) {
        await here.getOrCompute('net', answer('old'))
        expect(here.view('net')).toBe('old')
        await change()
        expect(await lookUp()).toBe('new')
        await here.delete('net')
      }
    }
  })

  it('is not served once another process cleared the queries, or their folder is gone', async () => {
    const { dir, here, there } = openTwo()
    for (const change of [() => there.clear(), () => rmSync(dir, { recursive: true })]) {
      await here.getOrCompute('net', answer('old'))
      expect(here.view('net')).toBe('old')
      await change()
      expect(here.view('net')).toBeUndefined()
      expect((await here.getOrCompute('net', answer('new'))).value).toBe('new')
      await here.delete('net')
    }
  })

  it('tells every one of many renewals within one tick of the clock apart', async () => {
    const { here, there } = openTwo()
    for (let i = 0; i < 300; i++) {
      await here.getOrCompute('net', answer(i))
      expect(here.view('net')).toBe(i)
      // Twice: the second token may get the number of the file that the first replaced.
      await there.delete('net')
      await there.delete('net')
      expect(here.view('net')).toBeUndefined()
    }
  })

  it('is told apart also where the token has a second name, as backups of links give it', async () => {
    const { dir, here, there } = openTwo()
    await here.getOrCompute('net', answer('old'))
    linkSync(join(dir, 'net.token.json'), join(dir, 'backup'))
    await here.delete('net')
    await here.getOrCompute('net', answer('old'))
    linkSync(join(dir, 'net.token.json'), join(dir, 'backup2'))
    await there.delete('net')
    expect(here.view('net')).toBeUndefined()
  })

  it('goes also when the process that tells keeps nothing itself', async () => {
    const { dir, clock, here } = openTwo()
    for (const change of ['delete', 'invalidate', 'hold'] as const) {
      await here.getOrCompute('net', answer('old'))
      const { cache } = open(dir, { clock, ttlMs: 0 })
      expect((await cache.getOrCompute('net', answer('new'))).source).toBe('computed')
      expect(here.view('net')).toBe('old')
      await cache[change]('net')
      expect(here.view('net')).toBeUndefined()
    }
  })

  it('stays for other plugins and other scopes', async () => {
    const { here, there } = openTwo()
    await here.getOrCompute('net@1:unix:/a/db.sock', answer('a'))
    await here.getOrCompute('net@1:unix:/b/db.sock', answer('b'))
    await there.delete('net@1:unix:/a/db.sock')
    expect(here.view('net@1:unix:/b/db.sock')).toBe('b')
    expect(here.view('net@1:unix:/a/db.sock')).toBeUndefined()
  })

  it('is another one elsewhere, and goes with what is changed anywhere', async () => {
    const { here, there } = openTwo()
    for (const change of [() => there.delete('net\tb'), () => there.invalidate('net\tb')]) {
      await here.getOrCompute('net\ta', answer('of a'))
      expect((await there.getOrCompute('net\tb', answer('of b'))).value).toBe('of b')
      expect(here.view('net\ta')).toBe('of a')
      await change()
      expect(here.view('net\ta')).toBeUndefined()
      expect((await here.getOrCompute('net\ta', answer('new'))).value).toBe('new')
      await here.delete('net\ta')
    }
  })

  it('is never one of a query that began before, in this process or from disk', async () => {
    const { dir, clock, here, there } = openTwo()
    for (const by of [here, there]) {
      const { query, begun } = plugin()
      const slow = here.getOrCompute('net', query)
      await begun(1)
      await by.delete('net')
      // Who asks after the change does not wait for what began before it.
      const after = here.getOrCompute('net', query)
      const started = await begun(2)
      started[1]!.resolve('after')
      expect((await after).value).toBe('after')
      started[0]!.resolve('before')
      expect((await slow).value).toBe('before')
      expect(here.view('net')).toBe('after')
      await Promise.resolve()
      expect((await open(dir, { clock }).cache.get('net'))?.value).toBe('after')
      await by.delete('net')
    }
  })

  it('leaves somebody else’s file in the place of the token, and is kept in this process alone', async () => {
    const dir = temporaryFolder()
    const { cache, clock, warnings } = open(dir)
    writeFileSync(join(dir, 'net.token.json'), 'mine')
    await cache.getOrCompute('net', answer(1))
    expect((await cache.getOrCompute('net', never)).source).toBe('memory')
    expect(await open(dir, { clock }).cache.get('net')).toBeUndefined()
    expect(readFileSync(join(dir, 'net.token.json'), 'utf8')).toBe('mine')
    expect(warnings.join()).toContain(`${join(dir, 'net.token.json')} is not a file of op-dbus; remove it`)
  })

  it('takes the place of what a power cut left of a token', async () => {
    for (const torn of ['', '\0\0\0', '{"op-db']) {
      const dir = temporaryFolder()
      const { cache, clock } = open(dir)
      writeFileSync(join(dir, 'net.token.json'), torn)
      await cache.getOrCompute('net', answer(1))
      await Promise.resolve()
      expect((await open(dir, { clock }).cache.get('net'))?.source).toBe('disk')
    }
  })

  it('tells nobody in vain on a full disk: the old token goes', async () => {
    const { dir, clock, here } = openTwo()
    await here.getOrCompute('net', answer('old'))
    const { cache: there, store } = open(dir, { clock })
    store!.setSync = () => {
      throw new Error('ENOSPC')
    }
    await there.invalidate('net')
    expect(here.view('net')).toBeUndefined()
  })

  it('says so where others cannot be told', async () => {
    const { cache, store, warnings } = open(temporaryFolder())
    await cache.getOrCompute('net', answer('old'))
    store!.setSync = () => {
      throw new Error('EROFS')
    }
    store!.deleteMany = () => Promise.reject(new Error('EROFS'))
    await cache.delete('net')
    await cache.delete('net')
    expect(warnings.filter(text => text.includes('out of date'))).not.toEqual([])
  })

  it.each(['net.json', 'net.token.json'])('comes from no damaged %s, which is replaced', async name => {
    const { dir, clock, here } = openTwo()
    const file = join(dir, name)
    await here.getOrCompute('net', answer('old'))
    await Promise.resolve()
    const whole = readFileSync(file)
    for (const at of [25, 40, whole.length - 4]) {
      const damaged = Buffer.from(whole)
      damaged[at]! ^= 1
      writeFileSync(file, damaged)
      const { cache } = open(dir, { clock })
      expect(await cache.get('net')).toBeUndefined()
      expect((await cache.getOrCompute('net', answer('new'))).source).toBe('computed')
      await cache.close()
      expect(await open(dir, { clock }).cache.get('net')).toEqual({ value: 'new', source: 'disk' })
    }
  })

  it('lives by the monotonic clock: a wall clock that steps a day changes nothing', async () => {
    for (const step of [86_400_000, -86_400_000]) {
      const { here, clock } = openTwo()
      await here.getOrCompute('net', answer(1))
      clock.wall += step
      expect((await here.getOrCompute('net', never)).source).toBe('memory')
      clock.mono += TTL + 1
      expect((await here.getOrCompute('net', answer(2))).value).toBe(2)
    }
  })
})

describe('invalidate', () => {
  it('holds in this process before it returns, for memory and for what is under way', async () => {
    const { here } = openTwo()
    await here.getOrCompute('net', answer('old'))
    const told = here.invalidate('net')
    expect(here.view('net')).toBeUndefined()
    await told
  })

  it('writes the first of a burst at once and the rest as one, and loses none', async () => {
    const { timer, pass, due } = handTimer()
    const dir = temporaryFolder()
    const clock = new TestClock()
    const { cache, store } = open(dir, { clock, timer })
    const other = open(dir, { clock }).cache
    let writes = 0
    const { setSync } = store!
    store!.setSync = (key, value) => {
      writes++
      setSync(key, value)
    }
    await other.getOrCompute('net', answer('old'))
    const told = Array.from({ length: 18 }, () => cache.invalidate('net'))
    expect(writes).toBe(1)
    expect(other.view('net')).toBeUndefined()
    // What another process asked between the first and the last signal is from before the last.
    await other.getOrCompute('net', answer('between'))
    expect(other.view('net')).toBe('between')
    pass()
    await Promise.all(told)
    expect(writes).toBe(2)
    expect(other.view('net')).toBeUndefined()
    pass()
    expect(due).toEqual([])
    await cache.invalidate('net')
    expect(writes).toBe(3)
  })

  it.each(['a query', 'a delete', 'a close', 'an exit'])('what was put off is not overtaken by %s', async what => {
    const { timer } = handTimer()
    const dir = temporaryFolder()
    const clock = new TestClock()
    const { cache, exit } = open(dir, { clock, timer })
    const other = open(dir, { clock }).cache
    await cache.invalidate('net')
    const told = cache.invalidate('net')
    await other.getOrCompute('net', answer('between'))
    if (what === 'a query') await cache.getOrCompute('net', answer('new'))
    else if (what === 'a delete') await cache.delete('net')
    else if (what === 'a close') await cache.close()
    else exit()
    await told
    expect(other.view('net')).toBeUndefined()
  })
})

describe('names of plugins', () => {
  it('are said to people without what they have no interest in', () => {
    const names = [
      'net@1:unix:/x/db.sock\tnet:[402]',
      'net@1\tnet:[402]',
      'lxc@2.0-rc.1:/var/lib/lxc',
      'net',
      '@net',
      'net@',
      'a:b@c',
    ]
    const words = names.map(inWords).join(', ')
    expect(words).toBe('"net" (unix:/x/db.sock), "net", "lxc" (/var/lib/lxc), "net", "@net", "net@", "a:b@c"')
  })
})

describe('names of files', () => {
  it('can be read, and belong to one plugin each', async () => {
    const dir = temporaryFolder()
    const { cache, clock } = open(dir)
    const names = ['net', 'net@1:unix:/x/db.sock', 'net@1:unix:/y/db.sock', 'net@2:unix:/x/db.sock', 'Net', '@net']
    names.push(queryKey(hash, 'net@1:unix:/x/db.sock'))
    for (const name of names) await cache.getOrCompute(name, answer(`of ${name}`))
    await Promise.resolve()
    expect(readdirSync(dir)).toHaveLength(2 * names.length)
    expect(readdirSync(dir).filter(name => /^net-[0-9a-f]{32}\.json$/.test(name))).toHaveLength(3)
    expect(readdirSync(dir)).toContain('net.json')
    const later = open(dir, { clock }).cache
    for (const name of names) expect(await later.get(name)).toEqual({ value: `of ${name}`, source: 'disk' })
  })
})
